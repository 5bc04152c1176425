#if canImport(Glibc)
// Without concurrency checks, since `environ` is a C variable: it is read as any `exec` reads it.
@unsafe @preconcurrency private import Glibc
#elseif canImport(Musl)
@unsafe @preconcurrency private import Musl
#else
@unsafe @preconcurrency private import Darwin
#endif

private import Synchronization
internal import WeirExport

/// A command that runs beside: with this process's input, output and environment, and ended with it.
final class SupervisedCommand: Sendable {
    /// How a process ended.
    enum End: Equatable {
        case exited(Int32)
        case signaled(Int32)

        /// As a shell tells it.
        var status: Int32 {
            switch self {
            case .exited(let status): status
            case .signaled(let signal): 128 + signal
            }
        }
    }

    /// The process's number.
    let number: Int32
    private let end = Monitor<End?>(nil)

    /// - Parameter onEnd: Called on a thread of its own when the command has ended.
    init(_ command: [String], onEnd: @escaping @Sendable () -> Void) throws(RunError) {
        number = try Self.spawn(command)
        let started = Thread.start("weir-command") {
            Self.awaitEnd(of: self.number)
            self.end.withLock { $0 = Self.wait(for: self.number) }
            onEnd()
        }
        guard started else {
            kill(number, SIGKILL)
            _ = Self.wait(for: number)
            throw .command(name: command[0], reason: "the system has no thread to give", isMissing: false)
        }
    }

    /// Sends a signal, where the command still runs.
    func signal(_ number: Int32) {
        // Under the lock, since the number may be another's once it was waited for.
        end.withLock { if $0 == nil { kill(self.number, number) } }
    }

    /// How it ended; killed where it has not by then. Monotonic clock.
    func wait(until limit: UInt64, time: TimeSource = .system) -> End {
        let ended = end.wait { end, until -> End?? in
            if let end { return .some(end) }
            until = limit
            return time.monotonic() >= limit ? .some(nil) : nil
        }
        if let ended { return ended }
        signal(SIGKILL)
        return end.wait { end, _ in end }
    }

    private static func spawn(_ command: [String]) throws(RunError) -> Int32 {
        #if canImport(Darwin)
        var attributes: posix_spawnattr_t?
        #else
        var attributes = posix_spawnattr_t()
        #endif
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // Signals as this process found them. What it handles is default again by itself; what it ignores for its own
        // sake has to be named.
        var (none, ignored) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&none)
        unsafe sigemptyset(&ignored)
        unsafe sigaddset(&ignored, SIGPIPE)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &ignored)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe command.map { unsafe strdup($0) } + [nil]
        defer { for index in command.indices { unsafe free(arguments[index]) } }
        var child: pid_t = 0
        let code = unsafe posix_spawnp(&child, command[0], nil, &attributes, &arguments, environ)
        guard code == 0 else {
            throw .command(name: command[0], reason: unsafe String(cString: strerror(code)), isMissing: code == ENOENT)
        }
        return child
    }

    /// Returns when the process has ended, whose number stays its own: so it can be sent signals meanwhile.
    private static func awaitEnd(of number: Int32) {
        var facts = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(number), &facts, WEXITED | WNOWAIT) < 0 && errno == EINTR {}
    }

    private static func wait(for number: Int32) -> End {
        var status: Int32 = 0
        while unsafe waitpid(number, &status, 0) < 0 {
            // Somebody else waited for it: nobody knows how it ended.
            guard errno == EINTR else { return .exited(255) }
        }
        let signal = status & 0x7f
        return signal == 0 ? .exited((status >> 8) & 0xff) : .signaled(signal)
    }
}
