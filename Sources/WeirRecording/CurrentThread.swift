private import CWeirCPU

/// What the thread that asks is doing: whether it may wait for Weir's other threads.
package enum CurrentThread {
    /// Says that this thread is Weir's own from now on.
    package static func becomeWeirs() { weir_process_mark_own_thread() }

    /// Whether it is one of Weir's own, for which a shutdown would wait.
    package static var isWeirs: Bool { weir_process_is_on_own_thread() }

    /// Whether it holds a lock of Weir's: as in a callback, or in a signal handler that interrupted it.
    package static var holdsLock: Bool { weir_fork_is_inside() || weir_process_holds_locks() }

    /// Around the time that a lock is held of which a fork knows nothing.
    package static func beginLock() { weir_process_begin_lock() }
    package static func endLock() { weir_process_end_lock() }
}
