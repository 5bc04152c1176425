#if canImport(Glibc)
// Without concurrency checks, since `environ` is a C variable: it is read as any `exec` reads it.
@unsafe @preconcurrency private import Glibc
#elseif canImport(Musl)
@unsafe @preconcurrency private import Musl
#else
@unsafe @preconcurrency private import Darwin
#endif

/// Starts the plugin host program, with one socket to talk through and one that takes what it prints.
enum Spawn {
    /// Where a child finds its end of the pair.
    static let childSocket: Int32 = 3

    /// - Returns: The child's number. Whoever starts it also waits for it.
    static func start(_ program: String, socket: Socket, output: Socket) throws(SystemFault) -> Int32 {
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        var attributes: posix_spawnattr_t?
        #else
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        #endif
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output.descriptor, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, output.descriptor, 2)
        unsafe posix_spawn_file_actions_adddup2(&actions, socket.descriptor, childSocket)

        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // What the application ignores is default again. All signals are blocked, for good: one that a terminal sends to
        // the whole group, or a supervisor to each process, must not end the child before its parent has flushed.
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &all)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var child: pid_t = 0
        let code = unsafe program.withCString { path in
            var arguments: [UnsafeMutablePointer<CChar>?] = unsafe [UnsafeMutablePointer(mutating: path), nil]
            return unsafe posix_spawn(&child, path, &actions, &attributes, &arguments, environ)
        }
        guard code == 0 else { throw SystemFault("posix_spawn", code) }
        return child
    }
}
