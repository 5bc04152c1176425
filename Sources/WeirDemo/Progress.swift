internal import Synchronization
internal import WeirBatch

#if canImport(Glibc)
private import Glibc
#elseif canImport(Musl)
private import Musl
#else
private import Darwin
#endif

/// Set by the signal handler, which may do no more than store.
private let interrupted = Atomic<Bool>(false)

/// What the workers counted with plain additions, and what went wrong.
final class Progress: Sendable {
    private struct State {
        var totals = Totals()
        var unreadable = 0
        var changed = 0
        var failure: BatchError?
    }

    private let state = Mutex(State())
    private let say: @Sendable (String) -> Void
    /// Warnings that are written out; further ones are counted.
    private static let warningLimit = 20

    init(_ say: @escaping @Sendable (String) -> Void) {
        self.say = say
    }

    func add(_ totals: Totals, hasChanged: Bool) {
        state.withLock { state in
            state.totals += totals
            if hasChanged { state.changed += 1 }
        }
    }

    func warn(_ path: String, _ fault: SystemFault) {
        let count = state.withLock { state in
            state.unreadable += 1
            return state.unreadable
        }
        if count <= Self.warningLimit { say("\(path): \(Files.describe(fault.number))") }
        if count == Self.warningLimit { say("further files that cannot be read are only counted") }
    }

    /// A worker cannot go on.
    func fail(_ error: BatchError) { state.withLock { $0.failure = error } }

    /// Why a worker had to stop.
    var failure: BatchError? { state.withLock { $0.failure } }

    func note(_ text: String) { say(text) }

    var totals: Totals { state.withLock { $0.totals } }
    var unreadable: Int { state.withLock { $0.unreadable } }
    var changed: Int { state.withLock { $0.changed } }

    /// Whether somebody asked to stop.
    var isInterrupted: Bool { interrupted.load(ordering: .relaxed) }

    /// From now on SIGINT and SIGTERM ask to stop.
    static func catchInterrupts() {
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { _ in interrupted.store(true, ordering: .relaxed) }
        unsafe sigaction(SIGINT, &action, nil)
        unsafe sigaction(SIGTERM, &action, nil)
        // Whoever started this process may have blocked them.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGINT)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }
}
