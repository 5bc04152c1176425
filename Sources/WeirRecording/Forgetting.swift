internal import Synchronization

extension Stats {
    /// Forgets series: those that have all of these tags, of one view or of all.
    ///
    /// Each ends with an end time in the next batch, and makes room for another. Where it is recorded again it comes
    /// back with a new start and nothing in it. Series that a bound recorder holds stay.
    ///
    /// Of very many series, others get the lock in between: one that comes while this runs may be forgotten or not.
    ///
    /// - Returns: How many.
    @discardableResult
    public func forget(_ tags: Tags, of view: String? = nil) -> Int { forget(tags, of: view) {} }

    /// - Parameter pause: Runs between the pieces, without the lock.
    func forget(_ tags: Tags, of view: String?, pause: () -> Void) -> Int {
        func isWanted(_ series: UnsafeMutablePointer<Series>) -> Bool {
            unsafe series.pointee.tags._withUnsafeGuaranteedRef { $0.isSuperset(of: tags.storage) }
        }
        let views = withState { state in
            unsafe state.forgetDepartures { series in
                let name = unsafe series.pointee.view._withUnsafeGuaranteedRef { $0.requestedName }
                return unsafe (view == nil || name == view) && isWanted(series)
            }
            return state.order.filter { view == nil || $0.requestedName == view }
        }
        return views.reduce(0) { count, view in unsafe count + forget(of: view, pause: pause, where: isWanted) }
    }

    /// Forgets what the views' ``View/forgetsIdle`` says, going by what their cells add up to.
    ///
    /// Part of a collection: while one goes on no series is freed, so that cells are looked at without the lock, and
    /// ``Series/activity`` is only looked at here.
    func forgetIdle(_ views: [ViewSnapshot]) {
        let now = clock()
        for view in views {
            guard let limit = view.state.view.forgetsIdle.map(nanoseconds) else { continue }
            var idle: Set<UnsafeMutablePointer<Series>> = unsafe []
            unsafe view.live.all.forEach { series in
                let activity = unsafe stripes.activity(series)
                if unsafe activity != series.pointee.activity.load(ordering: .relaxed) {
                    unsafe series.pointee.activity.store(activity, ordering: .relaxed)
                    unsafe series.pointee.activeTime.store(now, ordering: .relaxed)
                } else if case let active = unsafe series.pointee.activeTime.load(ordering: .relaxed), now >= active,
                    now - active >= limit
                {
                    unsafe idle.insert(series)
                }
            }
            guard unsafe !idle.isEmpty else { continue }
            _ = unsafe forget(of: view.state) { unsafe idle.contains($0) }
        }
    }

    /// Forgets a series, unless it is gone already or somebody holds it. Under the lock.
    ///
    /// - Returns: Whether it did.
    @discardableResult
    func forget(_ series: UnsafeMutablePointer<Series>, _ state: inout State) -> Bool {
        let view = unsafe series.pointee.view.takeUnretainedValue()
        guard let place = unsafe view.series.firstIndex(of: series) else { return false }
        return unsafe forget(of: view, place..<place + 1, &state) { _ in true } > 0
    }

    /// Forgets series of a view, so many at a time that others get the lock meanwhile.
    private func forget(
        of view: ViewState, pause: () -> Void = {}, where isWanted: (UnsafeMutablePointer<Series>) -> Bool
    ) -> Int {
        var forgotten = 0
        // From the last one on: series that come meanwhile are behind, and those that others take out move what has not
        // been looked at only to where it will be.
        var end = withState { _ in unsafe view.series.count }
        while end > 0 {
            withState { state in
                // What is registered no more ends in another way.
                guard view.isRegistered else { return end = 0 }
                end = unsafe min(end, view.series.count)
                let start = max(0, end - Self.seriesAtATime)
                forgotten += unsafe forget(of: view, start..<end, &state, where: isWanted)
                reclaim(&state)
                end = start
            }
            pause()
        }
        if forgotten > 0 { withState { _ in view.giveBackRoom() } }
        return forgotten
    }

    /// Forgets series of a view at these places. Under the lock.
    private func forget(
        of view: ViewState, _ places: Range<Int>, _ state: inout State,
        where isWanted: (UnsafeMutablePointer<Series>) -> Bool
    ) -> Int {
        let time = clock()
        var kept: [UnsafeMutablePointer<Series>] = unsafe []
        unsafe view.series[places].forEach { series in
            guard unsafe series.pointee.holders.load(ordering: .relaxed) == 0 && isWanted(series) else {
                unsafe kept.append(series)
                return
            }
            unsafe view.index.remove(series)
            unsafe end(series, &state, time: time)
        }
        let forgotten = unsafe places.count - kept.count
        if forgotten > 0 {
            unsafe view.series.replaceSubrange(places, with: kept)
            unsafe view.cells.replaceSubrange(places, with: kept.map { unsafe $0.pointee.cell })
            view.version += 1
            unsafe view.row.pointee.isFull.store(false, ordering: .relaxed)
        }
        return forgotten
    }

    private func nanoseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        let (product, isTooLong) = UInt64(max(0, seconds)).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isTooLongBySum) = product.addingReportingOverflow(UInt64(max(0, attoseconds) / 1_000_000_000))
        return isTooLong || isTooLongBySum ? .max : sum
    }
}

extension ViewState {
    /// Gives back the memory that a list of many more series took.
    fileprivate func giveBackRoom() {
        guard unsafe series.capacity > 4 * max(series.count, 1_024) else { return }
        unsafe series = unsafe series.map { unsafe $0 }
        cells = cells.map { $0 }
    }
}

extension StripeSet {
    /// A number that changes when a measurement changes a series: its total or, of a distribution, its buckets, each by a
    /// weight of its own.
    func activity(_ series: UnsafeMutablePointer<Series>) -> UInt64 {
        let view = unsafe series.pointee.view.takeUnretainedValue()
        let (kind, first) = unsafe (series.cellKind, series.pointee.cell)
        if kind == .sum {
            guard view.isDouble else { return UInt64(truncatingIfNeeded: integerSum(first)) }
            let sum = exactSum(first)
            return (sum.rounded.bitPattern &* 31 &+ sum.remainder.x.bitPattern) &* 31 &+ sum.remainder.y.bitPattern
        }
        let isDistribution = kind != .count && kind != .lastValue
        let (begin, end) = unsafe (
            isDistribution ? series.pointee.firstBucket(view) : first, first + series.pointee.cellCount
        )
        var total: UInt64 = 0
        for cell in begin..<end { total = total &* 31 &+ sum(cell) }
        unsafe series.pointee.octaves?.forEach { _, _, cell in
            for offset in 0..<(1 << (unsafe series.pointee.octaves!.scale.scale)) {
                total = total &* 31 &+ sum(cell + offset)
            }
        }
        return total
    }
}
