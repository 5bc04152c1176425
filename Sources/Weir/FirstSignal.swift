internal import Synchronization
package import WeirExport

/// The first of several signals, and a task that waits for it.
package final class FirstSignal: Sendable {
    /// What a signal is beside those before it.
    package enum Order: Sendable, Equatable {
        /// The first one.
        case first
        /// The first one again, a moment later: `timeout` and some supervisors send to a process and to its group.
        case repeated
        /// Another one: somebody does not want to wait.
        case second
    }

    private struct State {
        /// What ended the wait: a signal, or 0 for something else.
        var end: Int32?
        var first: (signal: Int32, time: UInt64)?
        var waiting: CheckedContinuation<Int32, Never>?
    }

    /// How long the same signal is the first one again. Nanoseconds.
    private static let moment: UInt64 = 1_000_000_000

    private let state = Mutex(State())
    private let time: TimeSource

    package init(time: TimeSource = .system) { self.time = time }

    /// Notes a signal, and ends the wait.
    @discardableResult
    package func note(_ signal: Int32) -> Order {
        let now = time.monotonic()
        let (order, waiting) = state.withLock { state in
            let order: Order
            if let first = state.first {
                order = first.signal == signal && now < first.time + Self.moment ? .repeated : .second
            } else {
                order = .first
                state.first = (signal, now)
            }
            return (order, Self.end(&state, signal))
        }
        waiting?.resume(returning: signal)
        return order
    }

    /// Ends the wait without a signal: ``value()`` is 0.
    package func noteEnd() {
        state.withLock { Self.end(&$0, 0) }?.resume(returning: 0)
    }

    /// - Returns: Who is to be told.
    private static func end(_ state: inout State, _ signal: Int32) -> CheckedContinuation<Int32, Never>? {
        guard state.end == nil else { return nil }
        state.end = signal
        defer { state.waiting = nil }
        return state.waiting
    }

    package func value() async -> Int32 {
        await withCheckedContinuation { continuation in
            let end = state.withLock { state in
                if state.end == nil { state.waiting = continuation }
                return state.end
            }
            if let end { continuation.resume(returning: end) }
        }
    }
}
