internal import Synchronization

/// The first of several signals, and a task that waits for it.
package final class FirstSignal: Sendable {
    private struct State {
        var signal: Int32?
        var waiting: CheckedContinuation<Int32, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    /// - Returns: Whether it is the first.
    @discardableResult
    package func note(_ signal: Int32) -> Bool {
        let (isFirst, waiting) = state.withLock { state in
            guard state.signal == nil else { return (false, nil as CheckedContinuation<Int32, Never>?) }
            state.signal = signal
            defer { state.waiting = nil }
            return (true, state.waiting)
        }
        waiting?.resume(returning: signal)
        return isFirst
    }

    package func value() async -> Int32 {
        await withCheckedContinuation { continuation in
            let signal = state.withLock { state in
                if state.signal == nil { state.waiting = continuation }
                return state.signal
            }
            if let signal { continuation.resume(returning: signal) }
        }
    }
}
