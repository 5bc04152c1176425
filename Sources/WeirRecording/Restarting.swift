private import CWeirCPU
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
        let time = clock()
        let start = unsafe series.pointee.startTime.load(ordering: .relaxed)
        let tags = unsafe series.pointee.tags.takeUnretainedValue()
        guard
            let past = unsafe view.makeSeries(
                tags: tags, in: stripes, time: start, collection: series.pointee.firstCollection)
        else { return }
        unsafe stripes.move(series.pointee.cell, to: past.pointee.cell, isDouble: view.isDouble)
        unsafe series.pointee.startTime.store(max(time, start &+ 1), ordering: .relaxed)
        view.version += 1
        unsafe end(past, &state, time: time)
    }

    /// Does what had to wait for the end of a collection. Under the lock, before that frees any series.
    func restartWaiting(_ state: inout State) {
        let waiting = unsafe state.restarting
        unsafe state.restarting.removeAll()
        unsafe waiting.forEach { series in unsafe restart(series, &state) }
    }
}

extension StripeSet {
    /// Makes what a cell adds up to the value of one that nobody sees yet.
    ///
    /// It is taken away in the shared stripe, since the others are their cores' alone; who adds meanwhile adds to what is
    /// left.
    fileprivate func move(_ cell: Int, to other: Int, isDouble: Bool) {
        weir_cpu_use_shared()
        if isDouble {
            let value = sumDouble(cell)
            unsafe weir_cell_store(sharedAddress(of: other), value.bitPattern)
            unsafe weir_cell_atomic_add_double(sharedAddress(of: cell), -value)
        } else {
            let value = sum(cell)
            unsafe weir_cell_store(sharedAddress(of: other), value)
            unsafe weir_cell_atomic_add(sharedAddress(of: cell), 0 &- value)
        }
    }
}
