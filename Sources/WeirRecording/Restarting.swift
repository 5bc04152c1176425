internal import Synchronization

extension Stats {
    /// Lets a plain sum begin anew: what it added up to is reported as a series that ended, and it goes on from nothing
    /// with a new start. No measurement is lost or told twice. Under the lock.
    ///
    /// While a collection runs it is only noted, and done when that ends: the collection reads cells without the lock.
    /// Where the stripes have no room for what ends, nothing changes; nor does the overflow series, which is others' too.
    func restart(_ series: UnsafeMutablePointer<Series>, _ state: inout State) {
        let view = unsafe series.pointee.view.takeUnretainedValue()
        guard unsafe series.addedKind == .sum,
            unsafe series.pointee.endTime.load(ordering: .relaxed) == 0,
            unsafe view.row.pointee.overflow.load(ordering: .relaxed) != series
        else { return }
        guard !state.isCollecting else {
            _ = unsafe state.restarting.insert(series)
            return
        }
        let now = clock.startTime
        let start = unsafe series.pointee.startTime.load(ordering: .relaxed)
        guard let past = unsafe makeEmpty(like: series) else { return }
        let (cell, pastCell) = unsafe (series.pointee.cell, past.pointee.cell)
        if view.isDouble { stripes.movePair(cell, to: pastCell) } else { stripes.moveSum(cell, to: pastCell) }
        unsafe series.pointee.startTime.store(max(state.nextStart(now), start &+ 1), ordering: .relaxed)
        // Rules may replace it in this very moment: what takes its place begins later.
        unsafe state.noteEnd(of: series)
        view.version += 1
        unsafe end(past, &state, time: now)
    }

    /// Does what had to wait for the end of a collection. Under the lock, before that frees any series.
    func restartWaiting(_ state: inout State) {
        let waiting = unsafe state.restarting
        unsafe state.restarting.removeAll()
        unsafe waiting.forEach { series in unsafe restart(series, &state) }
    }
}

extension StripeSet {
    /// Moves what a pair holds to the ledger of one that nobody sees yet, and leaves it with nothing: neither in its ledger nor,
    /// but for what comes meanwhile, in its cells. Where no cell can be emptied its ledger holds the difference.
    fileprivate func movePair(_ pair: Int, to other: Int) {
        turn()
        _ = take(pair)
        turn()
        let sum = take(pair)
        setLedger(other, sum)
        addToLedger(pair, -sum)
    }

    /// Moves what a sum of Int64 holds to the ledger of another one, in its own ledger: cells are their cores' alone, and who adds
    /// meanwhile adds to what is left.
    func moveSum(_ cell: Int, to other: Int?, isCopy: Bool = false) {
        let sum = integerSum(cell)
        guard sum != 0 else { return }
        if let other { addToLedger(other, sum) }
        if !isCopy { addToLedger(cell, -sum) }
    }
}
