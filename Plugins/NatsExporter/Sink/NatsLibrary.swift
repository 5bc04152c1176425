internal import CNATS
private import Synchronization
private import WeirSystem

/// The NATS client library, of which a process has one: open while somebody uses it, with threads of its own that end with
/// the last user.
package enum NatsLibrary {
    private static let users = Mutex(0)

    /// How long the last user waits for the library's threads to end. Milliseconds.
    private static let closingMilliseconds: Int64 = 2000

    /// Opens the library, or keeps it open. Balanced by ``close()``.
    package static func open() throws(NatsError) {
        try users.withLock { users throws(NatsError) in
            guard users == 0 else { return users += 1 }
            // What a broken connection does to the process is the application's to say, and the library sets it.
            var before = sigaction()
            unsafe sigaction(SIGPIPE, nil, &before)
            let status = withSignalsBlocked { nats_Open(-1) }
            unsafe sigaction(SIGPIPE, &before, nil)
            guard status == NATS_OK else { throw .library("libnats does not start: \(text(of: status))") }
            users = 1
            initializeTLS()
        }
    }

    /// Makes the TLS library register what it does at the end of the program now and not with the first connection: what is
    /// flushed at that end is registered later, and so runs before. Where the library has no TLS, nothing is to be done.
    private static func initializeTLS() {
        var options: OpaquePointer?
        guard unsafe natsOptions_Create(&options) == NATS_OK else { return }
        unsafe natsOptions_SetSecure(options, true)
        unsafe natsOptions_Destroy(options)
    }

    /// Lets the library go. Where nobody else has it, its threads have ended when this returns.
    package static func close() {
        users.withLock { users in
            users -= 1
            nats_ReleaseThreadMemory()
            if users == 0 { nats_CloseAndWait(closingMilliseconds) }
        }
    }

    /// Calls what starts threads: they inherit the mask, and the application's signal handlers run on the application's
    /// threads alone. A write to a broken connection raises its signal here too, and it is taken back.
    static func withSignalsBlocked<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var blocked = sigset_t()
        unsafe sigfillset(&blocked)
        for fault in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP] {
            unsafe sigdelset(&blocked, fault)
        }
        var before = sigset_t()
        unsafe pthread_sigmask(SIG_SETMASK, &blocked, &before)
        defer {
            if unsafe sigismember(&before, SIGPIPE) == 0 { takeBrokenPipe() }
            unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        }
        return try body()
    }

    private static func takeBrokenPipe() {
        #if os(Linux)
        var broken = sigset_t()
        unsafe sigemptyset(&broken)
        unsafe sigaddset(&broken, SIGPIPE)
        var now = timespec()
        while unsafe sigtimedwait(&broken, nil, &now) == SIGPIPE {}
        #endif
    }

    /// What the library says of the call that has just failed on this thread, without where in its sources that was.
    static func reason(_ status: natsStatus) -> String {
        // Not every failure has words, and those of an earlier one stay.
        var worded = NATS_OK
        guard let words = unsafe nats_GetLastError(&worded), worded == status else { return text(of: status) }
        let line = unsafe String(cString: words)
        guard line.hasPrefix("("), let end = line.firstRange(of: "): ") else {
            return line.isEmpty ? text(of: status) : line
        }
        return String(line[end.upperBound...])
    }

    private static func text(of status: natsStatus) -> String {
        unsafe natsStatus_GetText(status).map { unsafe String(cString: $0) } ?? "status \(status.rawValue)"
    }
}
