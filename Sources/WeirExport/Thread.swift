private import WeirRecording
private import WeirSystem

/// Runs work on a thread of its own, which ends with it: exporters block, and Swift's pool must not.
package enum Thread {
    /// - Parameter name: For debuggers; at most 15 bytes are kept.
    /// - Returns: Whether the system had a thread to give.
    package static func start(_ name: StaticString, _ work: @escaping @Sendable () -> Void) -> Bool {
        let body = unsafe Unmanaged.passRetained(Body(name: name, work: work))
        // The application's signal handlers run on the application's threads: a thread inherits this mask.
        var blocked = blockedSignals()
        var before = sigset_t()
        unsafe pthread_sigmask(SIG_SETMASK, &blocked, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        #if canImport(Darwin)
        var thread: pthread_t?
        #else
        var thread = pthread_t()
        #endif
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                #if canImport(Darwin)
                let body = unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                #else
                guard let argument = unsafe argument else { return nil }
                let body = unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                #endif
                body.run()
                return nil
            }, body.toOpaque())
        guard code == 0 else {
            unsafe body.release()
            return false
        }
        #if canImport(Darwin)
        if let thread = unsafe thread { unsafe pthread_detach(thread) }
        #else
        pthread_detach(thread)
        #endif
        return true
    }

    /// All but those that a thread raises by a fault of its own, which must end it at once and as what they are.
    private static func blockedSignals() -> sigset_t {
        var signals = sigset_t()
        unsafe sigfillset(&signals)
        for fault in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP] {
            unsafe sigdelset(&signals, fault)
        }
        return signals
    }

    private final class Body: Sendable {
        let name: StaticString
        let work: @Sendable () -> Void

        init(name: StaticString, work: @escaping @Sendable () -> Void) {
            self.name = name
            self.work = work
        }

        func run() {
            CurrentThread.becomeWeirs()
            nameThread()
            work()
        }

        private func nameThread() {
            name.withUTF8Buffer { utf8 in
                #if canImport(Darwin)
                unsafe pthread_setname_np(String(decoding: utf8, as: UTF8.self))
                #else
                // The C library's function is a GNU extension that Swift does not see; this is what it does.
                let file = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
                guard file >= 0 else { return }
                unsafe write(file, utf8.baseAddress, min(utf8.count, 15))
                close(file)
                #endif
            }
        }
    }
}
