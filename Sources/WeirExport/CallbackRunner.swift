internal import WeirRecording

/// Runs the callbacks of collections on threads of their own, so that one that does not return holds up nobody else.
final class CallbackRunner: Sendable {
    private struct State {
        var queue: [Callback] = []
        /// Numbers of those that run.
        var running: Set<Int> = []
        /// Of this collection's, those that have not returned.
        var pending: Set<Int> = []
        var threads = 0
        /// Counts callbacks that returned.
        var returned: UInt64 = 0
    }

    /// Held by threads that outlive the runner.
    private let monitor = Monitor(State())

    /// Callbacks that do not return hold so many threads at most; further ones wait, and are late.
    static let threadLimit = 8
    /// For all callbacks of a collection. Nanoseconds.
    private let patience: UInt64
    /// After so long without one that returned, another thread goes on with those that wait. Nanoseconds.
    private let handover: UInt64

    init(patience: UInt64 = 500_000_000, handover: UInt64 = 20_000_000) {
        self.patience = patience
        self.handover = handover
    }

    /// Calls them, side by side where one takes long.
    ///
    /// - Returns: The numbers of those that have not returned. They go on, and are not called again until they have.
    func call(_ callbacks: [Callback]) -> Set<Int> {
        for callback in callbacks where callback.name.isEmpty { callback.run() }
        let named = callbacks.filter { !$0.name.isEmpty }
        guard !named.isEmpty else { return [] }
        let stuck = monitor.withLock { state -> Set<Int> in
            state.queue = named.filter { !state.running.contains($0.number) }
            state.pending = Set(state.queue.map(\.number))
            return Set(named.map(\.number)).intersection(state.running)
        }
        let late = waitForReturns(until: TimeSource.system.monotonic().addingClamped(patience))
        return stuck.union(late)
    }

    /// Gives them threads until all have returned.
    ///
    /// - Returns: Those that have not by then.
    private func waitForReturns(until deadline: UInt64) -> Set<Int> {
        enum Next {
            case thread
            case end(late: Set<Int>)
        }
        var seen: UInt64?
        var threadTime: UInt64 = 0
        while true {
            let next = monitor.wait { state, until -> Next? in
                if state.pending.isEmpty { return .end(late: []) }
                let now = TimeSource.system.monotonic()
                // Where all threads hang since earlier, nobody would call these.
                let isHopeless = state.threads >= Self.threadLimit && state.running.isDisjoint(with: state.pending)
                if now >= deadline || isHopeless {
                    defer { (state.queue, state.pending) = ([], []) }
                    return .end(late: state.pending)
                }
                if seen != state.returned {
                    threadTime = seen == nil ? now : now.addingClamped(handover)
                    seen = state.returned
                }
                let isWanted = !state.queue.isEmpty && state.threads < Self.threadLimit
                if isWanted, now >= threadTime {
                    state.threads += 1
                    threadTime = now.addingClamped(handover)
                    return .thread
                }
                until = isWanted ? min(deadline, threadTime) : deadline
                return nil
            }
            switch next {
            case .end(let late): return late
            case .thread:
                // Without a thread to be had, the collector's own has to do.
                if !Thread.start("weir-observe", { [monitor] in Self.run(monitor) }) { Self.run(monitor) }
            }
        }
    }

    private static func run(_ monitor: Monitor<State>) {
        while let number = runNext(monitor) {
            monitor.withLock { state in
                state.running.remove(number)
                state.pending.remove(number)
                state.returned += 1
            }
        }
    }

    /// Calls one, and has let go of it when this returns: what its owner let go of meanwhile ends before the collection is made.
    ///
    /// - Returns: Its number. `nil` where none waits.
    private static func runNext(_ monitor: Monitor<State>) -> Int? {
        let next = monitor.withLock { state -> Callback? in
            guard !state.queue.isEmpty else {
                state.threads -= 1
                return nil
            }
            let callback = state.queue.removeFirst()
            state.running.insert(callback.number)
            return callback
        }
        next?.run()
        return next?.number
    }
}
