private import CWeirCPU
private import WeirSystem

/// A lock for what is not on the recording path. A fork waits until none is held, so that the child finds all of them
/// free, and what they protect whole.
///
/// The system's own and not `Synchronization.Mutex`: ThreadSanitizer cannot see into that one, and what it says about
/// this room has to mean something. What it protects stands beside it.
@safe
package final class Lock: Sendable {
    // Sendable: a mutex is made to be shared.
    nonisolated(unsafe) private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    package init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Whether this thread holds it, or is about to: as in a signal handler, which must not wait for what it interrupted.
    package var isHeldByThisThread: Bool { unsafe weir_fork_has_noted(mutex) }

    /// Runs something while no other thread runs anything under this lock. Not to be entered again from within.
    package func withLock<Result>(_ body: () -> Result) -> Result {
        weir_fork_enter()
        unsafe weir_fork_note(mutex)
        unsafe pthread_mutex_lock(mutex)
        defer {
            unsafe pthread_mutex_unlock(mutex)
            weir_fork_forget()
            weir_fork_leave()
        }
        return body()
    }
}
