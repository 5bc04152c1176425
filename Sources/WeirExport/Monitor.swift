private import WeirRecording
private import WeirSystem

/// A value behind a lock, and a way to sleep until another thread has changed it.
///
/// `Synchronization.Mutex` has no condition to wait for; this is the pthread pair, with a monotonic deadline.
@safe
package final class Monitor<State>: @unchecked Sendable {
    // Sendable: `state` is touched by `withLock` and `wait` alone, with the mutex held.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    package init(_ state: sending State) {
        self.state = state
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        #if canImport(Darwin)
        unsafe pthread_cond_init(condition, nil)
        #else
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
        #endif
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs `body` with the lock held, and wakes whoever waits. Not recursive.
    package func withLock<Result>(_ body: (inout State) -> Result) -> Result {
        CurrentThread.beginLock()
        unsafe pthread_mutex_lock(mutex)
        defer {
            unsafe pthread_cond_broadcast(condition)
            unsafe pthread_mutex_unlock(mutex)
            CurrentThread.endLock()
        }
        return body(&state)
    }

    /// Asks `body` again whenever the value may have changed, until it has an answer. `body` says nil and, through its
    /// second argument, until when to sleep at most: nanoseconds of the monotonic clock, nil for no bound. With the
    /// answer it may have changed the value, so others are woken then.
    package func wait<Result>(_ body: (inout State, _ until: inout UInt64?) -> Result?) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            var until: UInt64?
            if let result = body(&state, &until) {
                unsafe pthread_cond_broadcast(condition)
                return result
            }
            sleep(until: until)
        }
    }

    private func sleep(until deadline: UInt64?) {
        guard let deadline else {
            unsafe pthread_cond_wait(condition, mutex)
            return
        }
        #if canImport(Darwin)
        let now = TimeSource.system.monotonic()
        var time = Self.time(deadline > now ? deadline - now : 0)
        unsafe pthread_cond_timedwait_relative_np(condition, mutex, &time)
        #else
        var time = Self.time(deadline)
        unsafe pthread_cond_timedwait(condition, mutex, &time)
        #endif
    }

    private static func time(_ nanoseconds: UInt64) -> timespec {
        timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
}
