private import CWeirCPU
public import Synchronization

/// The series of one measure and one set of tags, found once and held: what a ``Recorder`` records into.
///
/// A measurement reads the list of series without a gate, at any time. So a list is replaced as a whole when views of
/// the measure come, go or change, and stays in memory, as the series in it do, until the recorder is freed. A thread
/// that still reads an old list adds to cells that nobody else has, and the next collection moves what it added there to
/// the view in force (see ``Stats/settleDepartures(_:)``): nothing is lost, and nothing is counted twice.
@safe
@usableFromInline
final class BoundSeries: @unchecked Sendable {
    // Sendable: lists are published whole, everything else is constant or under the lock of `stats`.
    @usableFromInline let geometry: StripeGeometry
    /// The series to record into; ends with `nil`.
    private typealias List = UnsafeMutablePointer<UnsafeMutablePointer<Series>?>
    private let list: Atomic<List>
    // Where there is exactly one series: its own words, so that recording reads this object alone.

    /// ``Series/limit`` of the one series; infinity where there is not one, or it is more than one add.
    @usableFromInline let limit = Atomic<Int64>(.max)
    /// The one series where it is a plain distribution.
    @usableFromInline let distribution = unsafe Atomic<UnsafeMutablePointer<Series>?>(nil)
    /// The one series' first cell. Stored before `limit` lets anyone read it, and atomic because reading a plain property
    /// of a class would look, in a call, whether it is being written.
    @usableFromInline let cells: Atomic<UnsafeMutablePointer<CChar>>

    /// Whether a view ever had a series of it.
    private let hadSeries = Atomic(false)

    let stats: Stats
    private let measureNumber: Int
    private let tags: Tags
    /// Counts the recorders of its instance.
    private let number: Int
    /// Whether it is of the views' overflow series, whatever room they have.
    private let isOverflow: Bool
    /// Whether what no view ever took is counted as lost.
    private let countsLost: Bool

    // MARK: Under the lock

    /// All lists that were ever published; the last is the one in force.
    private var lists: [List] = unsafe []
    /// Every series that was ever in a list, once: each is held.
    private var held: Set<UnsafeMutablePointer<Series>> = unsafe []
    /// Whether its series end with it, where nobody else holds them.
    private var endsSeries = false
    /// Whether its series have ended with it already: it follows no view then.
    private var isEnded = false
    /// ``Series/limit`` of the series that the fast path was for. A thread that has compared with it may add to the cells
    /// of a later series, so the fast path is never that of a series with another limit.
    private var fastLimit: Int64?

    /// What may wait to be freed before a recorder that ends looks what can be: a barrier for many of them.
    private static let retiredLimit = 64

    init(
        _ measure: UnsafePointer<MeasureInfo>, tags: Tags, stats: Stats, isOverflow: Bool = false,
        countsLost: Bool = false
    ) {
        unsafe geometry = StripeGeometry(stats.stripes)
        let none = unsafe Self.makeList([])
        unsafe list = Atomic(none)
        unsafe lists = [none]
        unsafe cells = Atomic(geometry.base)
        self.stats = stats
        self.tags = tags
        self.isOverflow = isOverflow
        self.countsLost = countsLost
        unsafe measureNumber = measure.pointee.number
        number = stats.withState { state in
            state.nextRecorder += 1
            return state.nextRecorder
        }
        stats.withState { state in
            follow(&state)
            unsafe state.recorders[measureNumber, default: [:]][number] = .passUnretained(self)
        }
    }

    deinit {
        stats.withState { state in
            unsafe state.recorders[measureNumber]?[number] = nil
            if unsafe state.recorders[measureNumber]?.isEmpty == true {
                unsafe state.recorders[measureNumber] = nil
            }
            unsafe held.forEach { series in
                unsafe series.pointee.holders.subtract(1, ordering: .relaxed)
                if endsSeries { unsafe stats.forget(series, &state) }
                unsafe stats.freeIfDone(series)
            }
            if state.gate.retiredCount > Self.retiredLimit { stats.reclaim(&state) }
        }
        unsafe lists.forEach { unsafe $0.deallocate() }
    }

    private static func makeList(_ series: [UnsafeMutablePointer<Series>]) -> List {
        let list = unsafe List.allocate(capacity: series.count + 1)
        unsafe series.enumerated().forEach { index, series in unsafe (list + index).initialize(to: series) }
        unsafe (list + series.count).initialize(to: nil)
        return unsafe list
    }

    /// What it records into. Under the lock.
    var current: [UnsafeMutablePointer<Series>] {
        var found: [UnsafeMutablePointer<Series>] = unsafe []
        var next = unsafe lists[lists.count - 1]
        while let series = unsafe next.pointee {
            unsafe found.append(series)
            unsafe next += 1
        }
        return unsafe found
    }

    /// Records from now on into those views of the measure that are registered. Under the lock.
    func follow(_ state: inout Stats.State) {
        guard !isEnded else { return }
        let (slice, current) = unsafe (tags.storage.slice, current)
        var found: [UnsafeMutablePointer<Series>] = unsafe []
        for view in state.views(of: measureNumber) {
            // One that is in the overflow series stays there.
            let known = unsafe current.first { unsafe $0.pointee.view._withUnsafeGuaranteedRef { $0 === view } }
            guard
                let series = unsafe known
                    ?? (isOverflow ? stats.overflowSeries(view, state) : stats.findOrMake(view, slice, &state))
            else { continue }
            unsafe found.append(series)
            if unsafe held.insert(series).inserted { unsafe series.pointee.holders.add(1, ordering: .relaxed) }
        }
        guard unsafe found != current else { return }
        let fresh = unsafe Self.makeList(found)
        unsafe lists.append(fresh)
        if unsafe !found.isEmpty { hadSeries.store(true, ordering: .relaxed) }
        // Releasing: whoever finds the list finds it, and its series, written.
        unsafe list.store(fresh, ordering: .releasing)
        let only = unsafe found.count == 1 ? found[0] : nil
        let isDistribution = unsafe only?.pointee.kind.load(ordering: .relaxed) == .distribution
        unsafe distribution.store(isDistribution ? only : nil, ordering: .releasing)
        guard let only = unsafe only, case let limit = unsafe only.pointee.limit.load(ordering: .relaxed),
            limit != .max, limit == fastLimit ?? limit
        else { return self.limit.store(.max, ordering: .relaxed) }
        fastLimit = limit
        // Releasing, both: whoever finds the limit finds the cells, and whoever finds the cells finds them zeroed.
        unsafe cells.store(only.pointee.cells, ordering: .releasing)
        self.limit.store(limit, ordering: .releasing)
    }

    /// Ends its series when it is freed or, where `now` is true and nobody else holds them, at once: what is recorded into
    /// those later is counted and changes nothing.
    func endSeries(now: Bool) {
        stats.withState { state in
            endsSeries = true
            guard now else { return }
            unsafe current.forEach { series in
                guard unsafe series.pointee.holders.load(ordering: .relaxed) == 1 else { return }
                // Held on, although it is forgotten: a thread that records nevertheless may have it at hand.
                unsafe series.pointee.holders.store(0, ordering: .relaxed)
                if unsafe stats.forget(series, &state) {
                    unsafe series.pointee.leave()
                    leaveFastPath()
                    isEnded = true
                }
                unsafe series.pointee.holders.store(1, ordering: .relaxed)
            }
            if state.gate.retiredCount > Self.retiredLimit { stats.reclaim(&state) }
        }
    }

    /// Ends its series when it is freed.
    ///
    /// - Parameter takeBack: Is told of the sums that go on then, as others have part in them.
    func endSeries(_ takeBack: (UnsafeMutablePointer<Series>, RecordedTags) -> Void) {
        let shared = unsafe stats.withState { _ in
            endsSeries = true
            return unsafe current.filter { series in
                let view = unsafe series.pointee.view.takeUnretainedValue()
                let isOverflow = unsafe series == view.row.pointee.overflow.load(ordering: .relaxed)
                return unsafe series.addedKind == .sum
                    && (isOverflow || series.pointee.holders.load(ordering: .relaxed) > 1)
            }
        }
        // Outside the lock, as all that records. The series stay, since this object holds them.
        unsafe shared.forEach { series in unsafe takeBack(series, RecordedTags(tags.storage)) }
    }

    /// Lets its sums begin anew from nothing.
    func restartSums() {
        stats.withState { state in
            unsafe current.forEach { series in unsafe stats.restart(series, &state) }
        }
    }

    /// Adds to last values, one after the other with whoever sets them; to sums as a measurement.
    func addToLast(_ amount: Double) {
        unsafe forEachSeries { series in unsafe series.addToLast(amount, geometry) }
    }

    /// From now on every measurement goes through the list. Under the lock.
    private func leaveFastPath() {
        // Relaxed: whoever still sees the old words records into the first series, which is held.
        limit.store(.max, ordering: .relaxed)
        unsafe distribution.store(nil, ordering: .relaxed)
    }

    /// The way of a recorder of several series, or of one that is more than an add.
    @usableFromInline
    @inline(never)
    @_effects(releasenone)
    func recordAll(_ value: Double) {
        unsafe forEachSeries { series in unsafe series.record(value, geometry, RecordedTags(tags.storage)) }
    }

    /// The way of a recorder of several series, or of one that is more than an add.
    @usableFromInline
    @inline(never)
    @_effects(releasenone)
    func recordAll(_ value: Int64) {
        unsafe forEachSeries { series in unsafe series.record(value, geometry, RecordedTags(tags.storage)) }
    }

    /// Every series that a measurement goes into; where there is none, it is counted.
    @inline(__always)
    private func forEachSeries(_ body: (UnsafeMutablePointer<Series>) -> Void) {
        // Acquiring: the list was written before it was published.
        var next = unsafe list.load(ordering: .acquiring)
        if unsafe next.pointee == nil { return countGone() }
        while let series = unsafe next.pointee {
            unsafe body(series)
            unsafe next += 1
        }
    }

    /// Counts a measurement that no view takes although one did.
    @inline(never)
    private func countGone() {
        // Relaxed: a view that is registered or gone at this moment may or may not be seen.
        guard hadSeries.load(ordering: .relaxed) else { return countsLost ? stats.countLost() : () }
        unsafe weir_cell_add(geometry.cell(FixedCell.gone), geometry.pitch, geometry.count, 1)
    }

    /// The way of a Double that no sum can take.
    @usableFromInline
    @inline(never)
    @_effects(releasenone)
    func recordGreat(_ value: Double) {
        guard value.magnitude < .infinity else { return reject() }
        unsafe forEachSeries { series in unsafe series.recordGreat(value, geometry, RecordedTags(tags.storage)) }
    }

    /// Counts a measurement that is no number to add.
    @usableFromInline
    @inline(never)
    @_effects(releasenone)
    func reject() {
        unsafe weir_cell_add(geometry.cell(FixedCell.rejected), geometry.pitch, geometry.count, 1)
    }
}
