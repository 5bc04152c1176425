internal import Synchronization

/// Series of one view at one moment, for whoever merges their stripes.
///
/// The series stay in memory until the collection that they were handed out for has ended.
@safe
package struct SeriesList: @unchecked Sendable {
    // Sendable: cells are read by relaxed loads, and everything else of a series that is read here is constant.
    let all: [UnsafeMutablePointer<Series>]
    /// The number of the first cell of each, so that merging reads cells and nothing else.
    let cells: [Int]
    /// Whether they have ended. One that ends while it is collected is still one that goes on, and is reported as ended
    /// by a later collection.
    private let haveEnded: Bool

    /// Those that go on.
    init(live: [UnsafeMutablePointer<Series>], cells: [Int]) {
        unsafe all = live
        self.cells = cells
        haveEnded = false
    }

    /// Those that have ended.
    init(ended: [UnsafeMutablePointer<Series>]) {
        unsafe all = ended
        cells = unsafe ended.map { unsafe $0.pointee.cell }
        haveEnded = true
    }

    package var count: Int { cells.count }

    func filter(_ isWanted: (UnsafeMutablePointer<Series>) -> Bool) -> SeriesList {
        let wanted = unsafe all.filter(isWanted)
        guard !haveEnded else { return unsafe SeriesList(ended: wanted) }
        return unsafe SeriesList(live: wanted, cells: wanted.map { unsafe $0.pointee.cell })
    }

    /// When a series began and ended (0 while it goes on). Nanoseconds since 1970.
    package func times(at index: Int) -> (start: UInt64, end: UInt64) {
        unsafe (
            all[index].pointee.startTime.load(ordering: .relaxed),
            haveEnded ? all[index].pointee.endTime.load(ordering: .relaxed) : 0
        )
    }

    /// The value of each of a view's keys, `nil` where the series has no such tag, and then the tags that are not the
    /// view's (the overflow series has one).
    package func tags(at index: Int) -> [(key: TagKey, value: String)] {
        unsafe all[index].pointee.tags._withUnsafeGuaranteedRef { storage in
            storage.elements.map { (key: $0.0, value: $0.1) }
        }
    }
}

/// One view in one collection.
package struct ViewSnapshot: Sendable {
    package let state: ViewState
    /// Changes when ``live`` does.
    package let version: Int
    /// The series that go on; the overflow series is the last.
    package let live: SeriesList
    /// Those that ended since the collection before: reported now, and never again.
    package let ended: SeriesList
}

/// What measurements did that is in no series, since the instance was made.
package struct RecordingCounts: Equatable, Sendable {
    /// Not finite, or negative where only growth is allowed.
    package var rejected: UInt64 = 0
    /// Recorded through a bound recorder whose view is gone.
    package var gone: UInt64 = 0
    /// No memory for a series or a bucket.
    package var lost: UInt64 = 0
    /// Series that ended and were never reported, since nobody collected.
    package var unreported: UInt64 = 0
    /// Callbacks that had not returned when their collection was made.
    package var late: UInt64 = 0
}

/// When a collection is. No series in it began or ended later, and none ends earlier that goes on in it.
package struct CollectionMoment: Sendable {
    /// Later than that of the collection before. Nanoseconds since 1970.
    package let time: UInt64
    /// By how much the wall clock was set since the collection before; 0 where it was not. This collection's times are by
    /// the clock of before; when it has ended, all times are by the clock of now. Nanoseconds.
    package let step: Int64
    /// By how much it was set earlier, in all.
    package let stepsBefore: Int64
    /// Callbacks that had not returned: what they observe has no new value.
    package let lateCallbacks: [String]
}

extension Stats {
    /// Runs one collection: observes what is observed, and hands out the views in the order of registration, those that
    /// are gone but have last values to report behind them.
    ///
    /// Collections of one instance do not overlap; a second one waits. What ended is reported by one of them.
    ///
    /// - Parameter call: Calls what is to be called, and returns the numbers of those that are not done yet.
    package func collect(
        calling call: ([Callback]) -> Set<Int> = Callback.callInTurn,
        _ body: ([ViewSnapshot], RecordingCounts, CollectionMoment) -> Void
    ) {
        collecting.withLock {
            let callbacks = withState { $0.observers.values.sorted { $0.number < $1.number } }
            let numbers = call(callbacks)
            let late = numbers.isEmpty ? [] : callbacks.filter { numbers.contains($0.number) }
            let withheld = late.compactMap { $0.series() }
            let (views, ended, moment) = unsafe withState { state in
                reclaim(&state)
                settleDepartures(&state)
                state.isCollecting = true
                // Under the lock, so that a series which is made later is added to in the half of now alone.
                stripes.turn()
                state.collectionCount += 1
                let (time, step) = clock.collectionTime(notBefore: state.nextStart(0))
                let moment = CollectionMoment(
                    time: time, step: step, stepsBefore: clock.steps, lateCallbacks: late.map(\.name))
                state.lateCount += UInt64(late.count)
                let views = state.withholding(withheld, from: snapshots(&state))
                return unsafe (views, reportable(&state, isLastByClock: step != 0), moment)
            }
            let withEnded = views.map { unsafe $0.with(ended[$0.state.number] ?? []) }
            unsafe body(withEnded + goneViews(ended, but: views), counts, moment)
            forgetIdle(views)
            withState { state in
                state.isCollecting = false
                restartWaiting(&state)
                settleDepartures(&state)
                if moment.step != 0 { follow(moment.step, &state) }
            }
            unsafe ended.values.forEach { unsafe free(reported: $0) }
        }
    }

    /// Frees series whose ends were reported.
    private func free(reported series: [UnsafeMutablePointer<Series>]) {
        for first in unsafe stride(from: 0, to: series.count, by: Self.seriesAtATime) {
            withState { _ in
                unsafe series[first..<min(first + Self.seriesAtATime, series.count)].forEach { series in
                    unsafe series.pointee.isReported.store(true, ordering: .relaxed)
                    unsafe freeIfDone(series)
                }
            }
        }
    }

    private func snapshots(_ state: inout State) -> [ViewSnapshot] {
        state.order.filter { !$0.isHidden }.map { view in
            var (live, cells) = unsafe (view.series, view.cells)
            if let overflow = unsafe view.row.pointee.overflow.load(ordering: .relaxed) {
                unsafe live.append(overflow)
                unsafe cells.append(overflow.pointee.cell)
            }
            return unsafe ViewSnapshot(
                state: view, version: view.version, live: SeriesList(live: live, cells: cells),
                ended: SeriesList(ended: []))
        }
    }

    private func goneViews(
        _ ended: [UInt64: [UnsafeMutablePointer<Series>]], but known: [ViewSnapshot]
    ) -> [ViewSnapshot] {
        let registered = Set(known.map(\.state.number))
        return unsafe ended.filter { unsafe !registered.contains($0.key) }.values
            .map { series in
                let state = unsafe series[0].pointee.view.takeUnretainedValue()
                return unsafe ViewSnapshot(
                    state: state, version: -1, live: SeriesList(live: [], cells: []),
                    ended: SeriesList(ended: series))
            }
            .sorted { ($0.state.view.name, $0.state.number) < ($1.state.view.name, $1.state.number) }
    }

    private var counts: RecordingCounts {
        RecordingCounts(
            rejected: stripes.sum(FixedCell.rejected), gone: stripes.sum(FixedCell.gone),
            lost: stripes.sum(FixedCell.lost), unreported: withState { $0.unreportedCount },
            late: withState { $0.lateCount })
    }

    /// How many measurements went to a view's overflow series.
    package func overflowCount(of view: ViewState) -> UInt64 {
        unsafe stripes.sum(view.row.pointee.overflowCell)
    }
}

extension ViewSnapshot {
    fileprivate func with(_ ended: [UnsafeMutablePointer<Series>]) -> ViewSnapshot {
        unsafe ViewSnapshot(state: state, version: version, live: live, ended: SeriesList(ended: ended))
    }
}

extension Stats {
    /// By the instance's clock. Nanoseconds since 1970.
    package var currentTime: UInt64 { clock() }

    /// By how much the clock was set since the instance was made. Nanoseconds.
    package var clockSteps: Int64 { clock.steps }
}
