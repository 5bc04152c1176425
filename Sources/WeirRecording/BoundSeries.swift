private import CWeirCPU
public import Synchronization

/// The series of one measure and one set of tags, found once and held: what a ``Recorder`` records into.
///
/// The list of series only grows, while its recorder lives: a view that is registered later is appended, one that is
/// unregistered stays and counts what it gets. So a measurement reads it without a gate, at any time. A recorder that
/// has seen ``capacity`` views come and go follows no further ones and must be bound again; what it misses so is the
/// one thing a recorder does not count, because to count it would cost every measurement a load.
@safe
@usableFromInline
final class BoundSeries: @unchecked Sendable {
    // Sendable: `series` is published entry by entry, everything else is constant or under the lock of `stats`.
    @usableFromInline let geometry: StripeGeometry
    /// Ends with `nil`; one entry more than ``capacity``.
    private let series: UnsafeMutablePointer<Atomic<UnsafeMutablePointer<Series>?>>
    // Where there is exactly one series: its own words, so that recording reads this object alone.

    /// ``Series/limit`` of the one series; infinity where there is not one, or it is more than one add.
    @usableFromInline let limit = Atomic<Int64>(.max)
    /// The one series where it is a plain distribution.
    @usableFromInline let distribution = unsafe Atomic<UnsafeMutablePointer<Series>?>(nil)
    /// The one series' first cell. Stored before `limit` lets anyone read it, and atomic because reading a plain property
    /// of a class would look, in a call, whether it is being written.
    @usableFromInline let cells: Atomic<UnsafeMutablePointer<CChar>>

    let stats: Stats
    private let measureNumber: Int
    private let tags: Tags
    /// Counts the recorders of its instance.
    private let number: Int
    /// Under the lock.
    private var count = 0

    static let capacity = 15

    init(_ measure: UnsafePointer<MeasureInfo>, tags: Tags, stats: Stats) {
        unsafe geometry = StripeGeometry(stats.stripes)
        unsafe series = .allocate(capacity: Self.capacity + 1)
        for index in 0...Self.capacity { unsafe (series + index).initialize(to: Atomic(nil)) }
        unsafe cells = Atomic(geometry.base)
        self.stats = stats
        self.tags = tags
        unsafe measureNumber = measure.pointee.number
        number = stats.withState { state in
            state.nextRecorder += 1
            return state.nextRecorder
        }
        stats.withState { state in
            for view in state.order where view.measureNumber == measureNumber { follow(view, &state) }
            unsafe state.recorders[measureNumber, default: [:]][number] = .passUnretained(self)
        }
    }

    deinit {
        stats.withState { state in
            unsafe state.recorders[measureNumber]?[number] = nil
            if unsafe state.recorders[measureNumber]?.isEmpty == true {
                unsafe state.recorders[measureNumber] = nil
            }
            for index in 0..<count {
                guard let held = unsafe series[index].load(ordering: .relaxed) else { continue }
                unsafe held.pointee.holders.subtract(1, ordering: .relaxed)
                unsafe stats.freeIfDone(held)
            }
        }
        unsafe series.deallocate()
    }

    /// Records into a view from now on. Under the lock.
    func follow(_ view: ViewState, _ state: inout Stats.State) {
        guard count < Self.capacity else { return }
        let slice = unsafe tags.storage.slice
        guard let found = unsafe stats.findOrMake(view, slice, &state) else { return }
        unsafe found.pointee.holders.add(1, ordering: .relaxed)
        // Releasing: whoever finds the series finds it written.
        unsafe series[count].store(found, ordering: .releasing)
        count += 1
        if count == 1 {
            if unsafe found.pointee.kind.load(ordering: .relaxed) == .distribution {
                unsafe distribution.store(found, ordering: .releasing)
            }
            unsafe cells.store(found.pointee.cells, ordering: .relaxed)
            // Releasing: whoever finds the limit finds the cells.
            unsafe limit.store(found.pointee.limit.load(ordering: .relaxed), ordering: .releasing)
        } else {
            leaveFastPath()
        }
    }

    /// From now on every measurement goes through the list. Under the lock.
    func leaveFastPath() {
        // Relaxed: whoever still sees the old words records into the first series, which is held.
        limit.store(.max, ordering: .relaxed)
        unsafe distribution.store(nil, ordering: .relaxed)
    }

    /// The way of a recorder of several series, or of one that is more than an add.
    @usableFromInline
    @inline(never)
    @_effects(releasenone)
    func recordAll(_ value: Double) {
        var next = unsafe series
        // Acquiring: the series was written before it was appended.
        while let series = unsafe next.pointee.load(ordering: .acquiring) {
            unsafe series.record(value, geometry, RecordedTags(tags.storage))
            unsafe next += 1
        }
    }

    /// The way of a recorder of several series, or of one that is more than an add.
    @usableFromInline
    @inline(never)
    @_effects(releasenone)
    func recordAll(_ value: Int64) {
        var next = unsafe series
        // Acquiring: the series was written before it was appended.
        while let series = unsafe next.pointee.load(ordering: .acquiring) {
            unsafe series.record(value, geometry, RecordedTags(tags.storage))
            unsafe next += 1
        }
    }

    /// Counts a measurement that is no number to add.
    @usableFromInline
    @inline(never)
    @_effects(releasenone)
    func reject() {
        unsafe weir_cell_add(geometry.cell(FixedCell.rejected), geometry.pitch, geometry.count, 1)
    }
}
