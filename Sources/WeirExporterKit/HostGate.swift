private import Synchronization
private import WeirSystem

/// The host's table until the exporter was closed; the host frees it then. An exporter's threads may be late, and find
/// nobody there.
final class HostGate: Sendable {
    private struct State {
        var host: HostTable?
        /// Calls that run at this moment.
        var calls = 0
    }

    // Not held during a call, which may come back here.
    private let state: Mutex<State>

    init(_ host: HostTable) {
        state = Mutex(State(host: host))
    }

    /// Calls the host; nil where the exporter was closed.
    func with<Result>(_ body: (HostTable) -> Result) -> Result? {
        let host = state.withLock { state in
            if state.host != nil { state.calls += 1 }
            return state.host
        }
        guard let host else { return nil }
        defer { state.withLock { $0.calls -= 1 } }
        return body(host)
    }

    /// No call begins any more, and none runs when this returns.
    func close() {
        state.withLock { $0.host = nil }
        while state.withLock({ $0.calls > 0 }) { usleep(1000) }  // The end of a call in the last moment.
    }
}
