private import CWeirCPU
internal import Synchronization

/// What a fork's child is not to have of its parent's.
package enum ForkedChild {
    /// In a child, the number of this descriptor leads to nothing: locks and connections behind it stay the parent's alone,
    /// and end with it. Up to 256 at a time; more stay the child's, too.
    package static func drops(_ descriptor: Int32) { weir_fork_drop(descriptor) }

    /// To be called before the descriptor is closed.
    package static func keeps(_ descriptor: Int32) { weir_fork_keep(descriptor) }

    /// Another number than before: this is a child, and what was known is of its parent.
    package static var generation: UInt64 { weir_fork_generation() }
}

extension Stats {
    /// Begins anew in a child, whose cells are wiped: nothing of the parent's is told under the child's name, and what is told
    /// begins with the fork. Under the lock, by whoever takes it first.
    func beginAnew(_ state: inout State) {
        state.generation = ForkedChild.generation
        #if os(Linux)
        let now = clock()
        let start = now - min(weir_fork_age(), now)
        moveBeginning(to: start)
        // Not while a collection looks at them, which only a fork from within it can leave so.
        let ended = unsafe state.ended
        unsafe state.ended = []
        unsafe ended.forEach { series in
            unsafe series.pointee.isReported.store(true, ordering: .relaxed)
            if !state.isCollecting { unsafe freeIfDone(series) }
        }
        // What is in their cells was added by the child, and goes to the view in force.
        state.departures = state.departures.map { departure in
            unsafe Departure(series: departure.series, course: .vanishes(isCounted: false), isSettled: true)
        }
        unsafe state.restarting.removeAll()
        unsafe state.rests.removeAll()
        state.unreportedCount = 0
        attachments.removeAll()
        for view in state.order {
            unsafe view.series.forEach { series in unsafe series.pointee.beginAnew(at: start) }
            if let series = unsafe view.row.pointee.overflow.load(ordering: .relaxed) {
                unsafe series.pointee.beginAnew(at: start)
            }
            view.version += 1
        }
        #endif
    }
}

extension Series {
    fileprivate func beginAnew(at start: UInt64) {
        startTime.store(start, ordering: .relaxed)
        activeTime.store(start, ordering: .relaxed)
        activity.store(0, ordering: .relaxed)
        unsafe exemplars?._withUnsafeGuaranteedRef { $0.forget(before: start) }
    }
}
