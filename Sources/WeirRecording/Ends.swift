internal import Synchronization

/// Which series that ended are told by a collection.
extension Stats {
    /// Takes the ended series whose values can no longer change, by the number of their view. Under the lock.
    ///
    /// Others wait for the readers that may add to them. Where the clock was set they cannot wait: the streams that told them end
    /// with this collection, and a later one would tell again what these told. So what they hold is told now, as of a series that
    /// nobody ever found, and they keep what a reader adds yet, as a life of its own.
    ///
    /// - Parameter isLastByClock: Whether the clock was set.
    func reportable(_ state: inout State, isLastByClock: Bool) -> [UInt64: [UnsafeMutablePointer<Series>]] {
        var byView: [UInt64: [UnsafeMutablePointer<Series>]] = unsafe [:]
        func report(_ series: UnsafeMutablePointer<Series>) {
            let number = unsafe series.pointee.view._withUnsafeGuaranteedRef { $0.number }
            unsafe byView[number, default: []].append(series)
        }
        let ended = unsafe state.ended
        unsafe state.ended = []
        unsafe ended.forEach { series in
            let isRest = unsafe state.rests.contains(series)
            if unsafe series.pointee.isUnreachable.load(ordering: .relaxed) {
                unsafe state.rests.remove(series)
                if unsafe !isRest || holdsAnything(series) { return unsafe report(series) }
                unsafe series.pointee.isReported.store(true, ordering: .relaxed)
                unsafe freeIfDone(series)
                return
            }
            if isLastByClock, unsafe !isRest || holdsAnything(series), let past = unsafe takePast(of: series, &state) {
                unsafe report(past)
            }
            unsafe state.ended.append(series)
        }
        return unsafe byView
    }

    /// Moves what an ended series holds to one that can be told. What is left is a later life, as long as a moment.
    ///
    /// - Returns: `nil` where there is no room: then nothing has changed.
    private func takePast(
        of series: UnsafeMutablePointer<Series>, _ state: inout State
    ) -> UnsafeMutablePointer<Series>? {
        guard let past = unsafe makeEmpty(like: series) else { return nil }
        let end = unsafe series.pointee.endTime.load(ordering: .relaxed)
        unsafe past.pointee.endTime.store(end, ordering: .relaxed)
        // Nobody ever found it.
        unsafe past.pointee.isUnreachable.store(true, ordering: .relaxed)
        unsafe move(series, to: past)
        let next = state.nextStart(end)
        unsafe series.pointee.startTime.store(next, ordering: .relaxed)
        unsafe series.pointee.endTime.store(next, ordering: .relaxed)
        unsafe state.noteEnd(of: series)
        unsafe state.rests.insert(series)
        return unsafe past
    }

    /// A series that nobody finds, of the same view, tags and start; `nil` where there is no room.
    func makeEmpty(like series: UnsafeMutablePointer<Series>) -> UnsafeMutablePointer<Series>? {
        let view = unsafe series.pointee.view.takeUnretainedValue()
        let tags = unsafe series.pointee.tags.takeUnretainedValue()
        let start = unsafe series.pointee.startTime.load(ordering: .relaxed)
        return unsafe view.makeSeries(
            tags: tags, in: stripes, time: start, collection: series.pointee.firstCollection)
    }

    /// Whether anything was added to a series since all was taken away.
    private func holdsAnything(_ series: UnsafeMutablePointer<Series>) -> Bool {
        let isDouble = unsafe series.pointee.view._withUnsafeGuaranteedRef { $0.isDouble }
        return unsafe stripes.holdsAnything(series, isDouble: isDouble)
    }
}
