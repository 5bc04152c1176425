internal import Synchronization

/// What is called at each collection, to record what is observed.
package struct Callback: Sendable {
    package let number: Int
    /// For people; empty for one of Weir's own, which returns at once.
    package let name: String
    package let run: @Sendable () -> Void
    /// What it alone records into.
    let series: @Sendable () -> BoundSeries?

    /// Calls all of them, one after the other, however long that takes.
    ///
    /// - Returns: No numbers, as none is late.
    package static func callInTurn(_ callbacks: [Callback]) -> Set<Int> {
        for callback in callbacks { callback.run() }
        return []
    }
}

extension BoundSeries {
    /// Whether a series is among those that it records into. Under the lock.
    func records(into series: UnsafeMutablePointer<Series>) -> Bool { unsafe current.contains(series) }
}

extension Stats.State {
    /// Views without the series of callbacks that are late: they have no new value, and have not ended.
    func withholding(_ bound: [BoundSeries], from views: [ViewSnapshot]) -> [ViewSnapshot] {
        guard !bound.isEmpty else { return views }
        return views.map { view in
            let kept = unsafe view.live.filter { series in !bound.contains { unsafe $0.records(into: series) } }
            guard kept.count < view.live.count else { return view }
            // A version of its own: neither are the last collection's columns of these series, nor these of the next one's.
            view.state.version += 1
            return ViewSnapshot(state: view.state, version: view.state.version | 1 << 48, live: kept, ended: view.ended)
        }
    }
}
