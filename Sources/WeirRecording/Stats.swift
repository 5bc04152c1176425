private import CWeirCPU
internal import Synchronization
private import WeirSystem

/// Views and their series: what measurements are recorded into and batches are collected from.
///
/// A process has one, ``default``, and `register(_:)`, `record(_:_:)` and their like work on it. Tests, and libraries
/// that want their own, make instances; each reserves address space for its stripes, and takes memory as it records.
///
/// In a signal handler only recorders are safe that were bound before: making tags, keys or a series allocates and takes the
/// lock. A measurement for a series that its own thread cannot make, as it has the lock already, is counted as lost.
///
/// Any thread may call anything. Registering, binding, forgetting and the first measurement of a series take a lock;
/// measurements of series that exist do not.
@safe
public final class Stats: Sendable {
    /// The process's own. Lives as long as the process.
    public static let `default` = Stats(stripes: makeDefaultStripes(), clock: StatsClock())

    package let stripes: StripeSet
    // Sendable: what it points to changes by atomics alone.
    nonisolated(unsafe) let core: UnsafeMutablePointer<RecordingCore>
    let clock: StatsClock
    private let beginning: Atomic<UInt64>
    /// What other modules keep with it.
    package let attachments = Attachments()
    private let lock = Lock()
    /// Held for the length of a collection.
    let collecting = Lock()
    // Sendable: reached through withState alone, under the lock.
    private nonisolated(unsafe) let state: UnsafeMutablePointer<State>

    /// An instance of one's own.
    ///
    /// - Parameter cellsPerCore: How many 8-byte cells a core can have: address space, not memory. A counter takes one,
    ///   a distribution one a bucket and two. Where the system refuses so many, fewer.
    /// - Throws: ``StatsError/noMemory(wanted:)``.
    public convenience init(cellsPerCore: Int = 32 << 20) throws(StatsError) {
        self.init(stripes: try StripeSet(cells: max(512, min(cellsPerCore, 1 << 31))), clock: StatsClock())
    }

    /// Made with the first instance, so that a process which uses up its tag keys has this one.
    private static let overflowTags = Tags([(TagKey.overflow, "true")])

    package init(stripes: StripeSet, clock: StatsClock) {
        _ = Self.overflowTags
        self.stripes = stripes
        self.clock = clock
        beginning = Atomic(clock())
        unsafe core = .allocate(capacity: 1)
        unsafe core.initialize(to: RecordingCore(stripes))
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: State())
    }

    /// The default cannot throw, and a process without even a page for its figures is better served by a word than by
    /// a crash somewhere else.
    private static func makeDefaultStripes() -> StripeSet {
        do {
            return try StripeSet()
        } catch {
            fatalError("weir: \(error)")
        }
    }

    deinit {
        // No reader is left: recorders and callers hold the instance.
        withState { state in
            state.gate.drain().forEach { free($0, &state) }
            for view in state.order { unsafe endUnlinked(unlink(view, &state), &state, time: 0) }
            state.gate.drain().forEach { free($0, &state) }
            for departure in state.departures { unsafe state.ended.append(departure.series) }
            unsafe state.ended.forEach { series in
                unsafe series.pointee.isReported.store(true, ordering: .relaxed)
                unsafe freeIfDone(series)
            }
        }
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
        unsafe core.pointee.table.free()
        unsafe core.deinitialize(count: 1)
        unsafe core.deallocate()
    }

    /// An instance with one clock, which is never set.
    package convenience init(stripes: StripeSet, clock: @escaping @Sendable () -> UInt64) {
        self.init(stripes: stripes, clock: StatsClock(monotonic: clock, wall: nil))
    }

    /// Says that somebody will collect from now on, until ``removeCollector()``.
    package func addCollector() { withState { $0.collectorCount += 1 } }

    package func removeCollector() { withState { $0.collectorCount -= 1 } }

    /// When it was made. Nanoseconds since 1970.
    package var startTime: UInt64 { beginning.load(ordering: .relaxed) }

    /// Runs something under the lock. It may hand out pointers to what it found.
    func withState<Result>(_ body: (inout State) -> Result) -> Result {
        lock.withLock {
            if unsafe state.pointee.generation != ForkedChild.generation { unsafe beginAnew(&state.pointee) }
            return unsafe body(&state.pointee)
        }
    }

    /// Says that it was made at another time.
    func moveBeginning(to time: UInt64) { beginning.store(time, ordering: .relaxed) }

    /// What the lock protects.
    @safe
    struct State: ~Copyable {
        /// Of the process; see ``ForkedChild``.
        var generation = ForkedChild.generation
        /// What the code asks for.
        var requested = RequestedViews()
        /// By the name that the code asks for, without those that rules leave out.
        var views: [String: ViewState] = [:]
        /// In the order of registration.
        var order: [ViewState] = []
        /// The same by measure.
        var orderByMeasure: [Int: [ViewState]] = [:]
        /// How many views there ever were; their numbers.
        var viewCount: UInt64 = 0
        var rules = ViewRules()
        /// Names that rules gave to views.
        var givenNames: Set<String> = []
        /// What the rules could not do, and was told.
        var ruleProblems: Set<ViewRuleProblem> = []
        var reportProblem: @Sendable (ViewRuleProblem) -> Void = { _ in }
        var gate = ReaderGate<Retired>()
        /// Series that ended and are not reported yet.
        var ended: [UnsafeMutablePointer<Series>] = unsafe []
        /// Those of them that were told already but for what a reader adds yet.
        var rests: Set<UnsafeMutablePointer<Series>> = unsafe []
        /// Rows that were never reported because nobody collected.
        var unreportedCount: UInt64 = 0
        /// Bound recorders, by measure and by number: they follow views that come later.
        var recorders: [Int: [Int: Unmanaged<BoundSeries>]] = unsafe [:]
        var nextRecorder = 0
        var instrumentProblems = InstrumentProblems()
        var observers: [Int: Callback] = [:]
        /// Who collects, and so will report what ended.
        var collectorCount = 0
        /// Callbacks that were late for a collection, in all.
        var lateCount: UInt64 = 0
        var nextObserver = 0
        var isCollecting = false
        /// Collections that have begun.
        var collectionCount: UInt64 = 0
        /// Series of views that rules replaced: what they hold, or will yet be given, goes to the view in force.
        var departures: [Departure] = []
        /// When the last series began that has ended since.
        var lastEndedStart: UInt64 = 0
        /// Series that begin anew when the collection that runs has ended.
        var restarting: Set<UnsafeMutablePointer<Series>> = unsafe []
    }

    /// What was taken out of the snapshot table.
    @safe
    enum Retired {
        case index(UnsafeMutablePointer<SeriesIndex>)
        case row(UnsafeMutablePointer<MeasureRow>)
        case series(UnsafeMutablePointer<Series>)
        /// A cell that readers of a view add to.
        case cell(Int)
    }

    /// Ended series that wait to be reported where nobody collects, at most: the oldest go and are counted. Where somebody
    /// does, all wait for the next collection.
    static let endedLimit = 65_536

    /// So many series are looked at while the lock is held; then others get it.
    static let seriesAtATime = 4_096
}

// MARK: - Series

extension Stats {
    /// The series of a view for some tags, made now where there is none: the slow way, taken once a series.
    func series(of view: ViewState, for slice: TagSlice) -> UnsafeMutablePointer<Series>? {
        // Relaxed: where the view has just become full or not, either answer was right a moment ago.
        if unsafe view.row.pointee.isFull.load(ordering: .relaxed),
            let overflow = unsafe view.row.pointee.overflow.load(ordering: .acquiring)
        {
            countOverflow(view)
            return unsafe overflow
        }
        // A signal handler that interrupted whoever has the lock would wait for itself.
        guard !lock.isHeldByThisThread else {
            countLost()
            return nil
        }
        return unsafe withState { state in
            // The row may be an old one: what is recorded now belongs to the view that took its view's place.
            guard let view = view.inForce else { return nil }
            let series = unsafe findOrMake(view, slice, &state)
            if let series = unsafe series, unsafe series == view.row.pointee.overflow.load(ordering: .relaxed) {
                countOverflow(view)
            } else if unsafe series == nil {
                countLost()
            }
            return unsafe series
        }
    }

    /// `nil` where the stripes are full.
    func findOrMake(_ view: ViewState, _ slice: TagSlice, _ state: inout State) -> UnsafeMutablePointer<Series>? {
        if let known = unsafe view.row.pointee.find(slice) { return unsafe known }
        if unsafe view.series.count >= view.view.seriesLimit {
            unsafe view.row.pointee.isFull.store(true, ordering: .relaxed)
            return unsafe overflowSeries(view, state)
        }
        let tags = unsafe storage(of: slice, for: view)
        guard let series = unsafe makeSeries(of: view, tags: tags, state) else { return nil }
        if unsafe !view.index.hasRoom { rebuildIndex(view, &state) }
        unsafe view.index.insert(series)
        unsafe view.series.append(series)
        unsafe view.cells.append(series.pointee.cell)
        view.version += 1
        return unsafe series
    }

    /// The caller's own storage where the view keeps all of its tags, so that it is found by its address.
    private func storage(of slice: TagSlice, for view: ViewState) -> TagStorage {
        if let storage = unsafe slice.storage, unsafe slice.mask & ~view.row.pointee.keyMask == 0 {
            return unsafe storage.takeUnretainedValue()
        }
        return unsafe TagStorage(copying: slice) { entry in unsafe view.row.pointee.keeps(entry.key) }
    }

    private func countOverflow(_ view: ViewState) {
        let cell = unsafe stripes.address(of: view.row.pointee.overflowCell)
        unsafe weir_cell_add(cell, stripes.pitch, stripes.count, 1)
    }

    /// Counts a measurement that there is no series for.
    package func countLost() {
        unsafe weir_cell_add(stripes.address(of: FixedCell.lost), stripes.pitch, stripes.count, 1)
    }

    func overflowSeries(_ view: ViewState, _ state: borrowing State) -> UnsafeMutablePointer<Series>? {
        if let series = unsafe view.row.pointee.overflow.load(ordering: .relaxed) { return unsafe series }
        guard let series = unsafe makeSeries(of: view, tags: Self.overflowTags.storage, state) else { return nil }
        unsafe view.row.pointee.overflow.store(series, ordering: .releasing)
        view.version += 1
        return unsafe series
    }

    private func makeSeries(
        of view: ViewState, tags: TagStorage, _ state: borrowing State
    ) -> UnsafeMutablePointer<Series>? {
        unsafe view.makeSeries(
            tags: tags, in: stripes, time: state.nextStart(clock.startTime), collection: state.collectionCount)
    }

    private func rebuildIndex(_ view: ViewState, _ state: inout State) {
        let old = unsafe view.index
        unsafe view.row.pointee.index.store(old.rebuilt(), ordering: .releasing)
        publishRow(of: view, &state)
        unsafe state.gate.retire(.index(old))
        reclaim(&state)
    }

    /// - Returns: nil where there is no memory, or this thread has the lock already.
    func growOctaves(of series: UnsafeMutablePointer<Series>, _ place: Int) -> Int? {
        guard !lock.isHeldByThisThread else { return nil }
        return withState { _ in
            guard let octaves = unsafe series.pointee.octaves else { return nil }
            if let cell = octaves.cell(place) { return cell }
            guard let cell = stripes.allocate(1 << octaves.scale.scale) else { return nil }
            octaves.set(place, to: cell)
            return cell
        }
    }
}

// MARK: - Time

extension Stats {
    /// Follows the wall clock, which was set: what happened before is from now on told by the clock of now.
    func follow(_ step: Int64, _ state: inout State) {
        clock.follow(step)
        beginning.store(startTime.movedClamped(by: step), ordering: .relaxed)
        state.lastEndedStart = state.lastEndedStart.movedClamped(by: step)
        for view in state.order {
            unsafe view.series.forEach { series in unsafe series.pointee.move(by: step) }
            if let series = unsafe view.row.pointee.overflow.load(ordering: .relaxed) {
                unsafe series.pointee.move(by: step)
            }
        }
        unsafe state.ended.forEach { series in unsafe series.pointee.move(by: step) }
        for departure in state.departures { unsafe departure.series.pointee.move(by: step) }
    }
}

extension Series {
    fileprivate func move(by step: Int64) {
        startTime.store(startTime.load(ordering: .relaxed).movedClamped(by: step), ordering: .relaxed)
        activeTime.store(activeTime.load(ordering: .relaxed).movedClamped(by: step), ordering: .relaxed)
        let end = endTime.load(ordering: .relaxed)
        // 0 is "goes on".
        if end != 0 { endTime.store(max(end.movedClamped(by: step), 1), ordering: .relaxed) }
    }
}

extension Stats.State {
    /// When a series begins that is made now: later than any that has ended, so that two lives of one are never taken for the same,
    /// also while the clock stands since it was ahead.
    func nextStart(_ now: UInt64) -> UInt64 { max(now, lastEndedStart.movedClamped(by: 1)) }

    mutating func noteEnd(of series: UnsafeMutablePointer<Series>) {
        lastEndedStart = unsafe max(lastEndedStart, series.pointee.startTime.load(ordering: .relaxed))
    }
}

// MARK: - Reclaiming

extension Stats {
    /// Frees what nobody can see any more. Never waits.
    func reclaim(_ state: inout State) {
        state.gate.advance().forEach { free($0, &state) }
    }

    private func free(_ retired: Retired, _ state: inout State) {
        let allowsFreeing = ReaderGate<Retired>.allowsFreeing
        switch retired {
        case .index where !allowsFreeing, .row where !allowsFreeing, .cell where !allowsFreeing: break
        case .index(let index):
            unsafe index.free()
        case .row(let row):
            unsafe MeasureRow.free(row)
        case .series(let series):
            unsafe series.pointee.isUnreachable.store(true, ordering: .relaxed)
            unsafe freeIfDone(series)
        case .cell(let cell) where state.isCollecting:
            // The collection may still read it.
            state.gate.retire(.cell(cell))
        case .cell(let cell):
            stripes.release(cell, length: 1)
        }
    }

    @discardableResult
    func freeIfDone(_ series: UnsafeMutablePointer<Series>) -> Bool {
        guard
            unsafe series.pointee.isUnreachable.load(ordering: .relaxed)
                && series.pointee.isReported.load(ordering: .relaxed)
                && series.pointee.holders.load(ordering: .relaxed) == 0
        else { return false }
        // Told and let go, but its cells are nobody else's where a reader may still add to them.
        guard ReaderGate<Retired>.allowsFreeing else { return true }
        unsafe ViewState.freeSeries(series, in: stripes)
        return true
    }

    /// Takes a series out of sight of those who look it up. It stays until it is reported and nobody holds it.
    func end(_ series: UnsafeMutablePointer<Series>, _ state: inout State, time: UInt64) {
        unsafe state.noteEnd(of: series)
        unsafe series.pointee.endTime.store(
            max(time, series.pointee.startTime.load(ordering: .relaxed)), ordering: .relaxed)
        unsafe state.gate.retire(.series(series))
        // What nobody may see has no end either.
        if unsafe series.pointee.view._withUnsafeGuaranteedRef({ $0.isHidden }) {
            return unsafe series.pointee.isReported.store(true, ordering: .relaxed)
        }
        unsafe state.ended.append(series)
        if unsafe state.ended.count > 2 * Self.endedLimit, !state.isCollecting, state.collectorCount == 0 {
            let excess = unsafe state.ended.count - Self.endedLimit
            unsafe state.ended.prefix(excess).forEach { series in
                unsafe series.pointee.isReported.store(true, ordering: .relaxed)
                unsafe freeIfDone(series)
            }
            unsafe state.ended.removeFirst(excess)
            state.unreportedCount += UInt64(excess)
        }
    }
}
