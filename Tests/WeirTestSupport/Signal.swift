internal import Synchronization

/// Something that happens again and again, and tests that wait for it without sleeping or spinning.
package final class Signal: Sendable {
    private struct State {
        var count: UInt64 = 0
        var waiting: [(number: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// How often it has happened.
    package var count: UInt64 { state.withLock { $0.count } }

    package func fire() {
        let ready = state.withLock { state in
            state.count += 1
            let ready = state.waiting.filter { $0.number <= state.count }
            state.waiting.removeAll { $0.number <= state.count }
            return ready
        }
        for waiting in ready { waiting.continuation.resume() }
    }

    /// Returns when it has happened so often since the beginning.
    package func wait(for number: UInt64) async {
        await withCheckedContinuation { continuation in
            let hasHappened = state.withLock { state in
                if state.count < number { state.waiting.append((number, continuation)) }
                return state.count >= number
            }
            if hasHappened { continuation.resume() }
        }
    }

    /// Asks again each time that it happens, until the answer is yes.
    package func wait(until isTrue: () throws -> Bool) async rethrows {
        while true {
            let seen = count
            if try isTrue() { return }
            await wait(for: seen + 1)
        }
    }
}
