internal import Synchronization

extension Stats {
    /// Forgets series: those that have all of these tags, of one view or of all.
    ///
    /// Each ends with an end time in the next batch, and makes room for another. Where it is recorded again it comes
    /// back with a new start and nothing in it. Series that a bound recorder holds stay.
    ///
    /// - Returns: How many.
    @discardableResult
    public func forget(_ tags: Tags, of view: String? = nil) -> Int {
        withState { state in
            let time = clock()
            var count = 0
            for candidate in state.order where view == nil || candidate.requestedName == view {
                count += unsafe forget(of: candidate, &state, time: time) { series in
                    unsafe series.pointee.tags._withUnsafeGuaranteedRef { $0.isSuperset(of: tags.storage) }
                }
            }
            reclaim(&state)
            return count
        }
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
            withState { state in
                guard view.state.isRegistered else { return }
                _ = unsafe forget(of: view.state, &state, time: now) { unsafe idle.contains($0) }
                reclaim(&state)
            }
        }
    }

    /// Forgets a series, unless it is gone already or somebody holds it. Under the lock.
    ///
    /// - Returns: Whether it did.
    @discardableResult
    func forget(_ series: UnsafeMutablePointer<Series>, _ state: inout State) -> Bool {
        let view = unsafe series.pointee.view.takeUnretainedValue()
        return unsafe forget(of: view, &state, time: clock()) { unsafe $0 == series } > 0
    }

    private func forget(
        of view: ViewState, _ state: inout State, time: UInt64,
        where isWanted: (UnsafeMutablePointer<Series>) -> Bool
    ) -> Int {
        let before = unsafe view.series.count
        var kept: [UnsafeMutablePointer<Series>] = unsafe []
        unsafe view.series.forEach { series in
            guard unsafe series.pointee.holders.load(ordering: .relaxed) == 0 && isWanted(series) else {
                unsafe kept.append(series)
                return
            }
            unsafe view.index.remove(series)
            unsafe end(series, &state, time: time)
        }
        let forgotten = unsafe before - kept.count
        if forgotten > 0 {
            unsafe view.series = kept
            view.cells = unsafe kept.map { unsafe $0.pointee.cell }
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

extension StripeSet {
    /// A number that changes when a measurement changes a series: its total or, of a distribution, its buckets, each by a
    /// weight of its own.
    func activity(_ series: UnsafeMutablePointer<Series>) -> UInt64 {
        let view = unsafe series.pointee.view.takeUnretainedValue()
        let (kind, first) = unsafe (series.addedKind, series.pointee.cell)
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
