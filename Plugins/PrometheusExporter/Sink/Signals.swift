private import WeirSystem

/// The application's signal handlers run on the application's threads.
enum Signals {
    /// Threads that `body` starts get no signals but those of their own faults.
    static func blocked<Result>(while body: () -> Result) -> Result {
        var blocked = sigset_t()
        unsafe sigfillset(&blocked)
        for fault in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP] { unsafe sigdelset(&blocked, fault) }
        var before = sigset_t()
        unsafe pthread_sigmask(SIG_SETMASK, &blocked, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        return body()
    }
}
