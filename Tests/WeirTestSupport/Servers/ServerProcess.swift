internal import Glibc
internal import Synchronization

/// A server that runs while a test needs it: in a process group of its own, its output in a file, killed with all that it
/// started when the test lets it go.
package final class ServerProcess: Sendable {
    /// What it works in, unless its arguments say otherwise.
    package let directory: TemporaryDirectory

    private enum State {
        case running(pid_t)
        case ended(status: Int32)
    }

    private let name: String
    private let state: Mutex<State>

    /// Starts a program, found through `PATH` where its name has no slash.
    ///
    /// - Parameter environment: What differs from the test's own.
    package init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:],
        in directory: TemporaryDirectory? = nil
    ) throws {
        let directory = try directory ?? TemporaryDirectory()
        self.directory = directory
        name = program
        // `env` finds the program, sets its environment and becomes it.
        let command =
            ["env", "-C", directory.path] + environment.sorted { $0.key < $1.key }.map { "\($0)=\($1)" } + [program]
            + arguments
        state = Mutex(.running(try Self.spawn(command, output: directory.path + "/output")))
    }

    deinit {
        kill()
    }

    /// What it has printed so far.
    package var output: String { (try? directory.text("output")) ?? "" }

    package var isRunning: Bool {
        state.withLock { state in
            guard case .running(let process) = state else { return false }
            var status: Int32 = 0
            guard unsafe waitpid(process, &status, WNOHANG) == process else { return true }
            state = .ended(status: status)
            return false
        }
    }

    /// Returns when it accepts connections on a port.
    package func waitUntilListening(on port: UInt16, within seconds: Int = 30) async throws {
        try await eventually("\(name) listens on \(port)", within: seconds) {
            guard self.isRunning else { throw Ended(program: self.name, output: self.output) }
            return LoopbackPort.answers(port)
        }
    }

    /// It ended before it was asked to.
    package struct Ended: Error, Equatable {
        package let program: String
        package let output: String
    }

    // MARK: - Signals

    /// Stands still when this returns, its connections open: a server that hangs.
    package func pause() {
        signal(SIGSTOP)
        state.withLock { state in
            guard case .running(let process) = state else { return }
            var status: Int32 = 0
            while unsafe waitpid(process, &status, WUNTRACED) < 0, errno == EINTR {}
            // Not stopped, but ended before it could be.
            if status & 0xFF != 0x7F { state = .ended(status: status) }
        }
    }

    package func resume() { signal(SIGCONT) }

    /// Asks it to end in order, and kills it where it has not after so long.
    package func stop(within seconds: Int = 10) {
        signal(SIGTERM)
        for _ in 0..<(seconds * 50) where isRunning { usleep(20_000) }
        kill()
    }

    /// Ends it at once.
    package func kill() {
        signal(SIGKILL)
        state.withLock { state in
            guard case .running(let process) = state else { return }
            var status: Int32 = 0
            while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
            state = .ended(status: status)
        }
    }

    /// The process is ours until it is waited for, so its number cannot be another's.
    private func signal(_ signal: Int32) {
        state.withLock { state in
            if case .running(let process) = state { _ = Glibc.kill(-process, signal) }
        }
    }

    private static func spawn(_ command: [String], output: String) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        unsafe sigemptyset(&noSignals)
        // A thread of the test may block signals; a server must not inherit that.
        unsafe posix_spawnattr_setsigmask(&attributes, &noSignals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe command.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
        var process: pid_t = 0
        let code = unsafe posix_spawnp(&process, command[0], &actions, &attributes, &arguments, environ)
        guard code == 0 else { throw SystemFailure(call: "posix_spawn \(command.joined(separator: " "))", code: code) }
        return process
    }
}
