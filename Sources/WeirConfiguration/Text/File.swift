private import WeirExport
private import WeirSystem

/// A configuration's content: a file's, or what comes through a pipe.
enum File {
    /// How long a pipe may take to say everything. Milliseconds.
    static let patience: UInt64 = 10_000

    /// The bytes of a file, one more than ``SourceText/limit`` at most.
    ///
    /// - Parameter milliseconds: How long to wait for what is not a regular file.
    static func bytes(of path: String, within milliseconds: UInt64 = patience) throws(ConfigurationError) -> [UInt8] {
        // A pipe that nobody writes to would be waited for without end.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }
        let clock = TimeSource.system.monotonic
        let limit = isRegular(descriptor) ? nil : clock() + milliseconds * 1_000_000
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= SourceText.limit {
            if let limit {
                // Asked before the first byte too: a pipe that has no writer yet would look like one that has ended.
                let now = clock()
                let rest = now < limit ? min((limit - now) / 1_000_000 + 1, milliseconds) : 0
                var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                let count = unsafe poll(&wanted, 1, Int32(clamping: rest))
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    throw unreadable(path, "it is no regular file, and nothing more came through it in time")
                }
            }
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            guard count >= 0 else { throw unreadable(path) }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return Array(bytes.prefix(SourceText.limit + 1))
    }

    /// Whether there is something that can be read once alone, as a pipe of a shell's `<(…)` is.
    static func isReadOnce(_ path: String) -> Bool {
        var facts = stat()
        return unsafe stat(path, &facts) == 0 && ![S_IFREG, S_IFDIR].contains(facts.st_mode & S_IFMT)
    }

    private static func isRegular(_ descriptor: Int32) -> Bool {
        var facts = stat()
        return unsafe fstat(descriptor, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
    }

    private static func unreadable(_ path: String) -> ConfigurationError {
        unreadable(path, unsafe String(cString: strerror(errno)))
    }

    static func unreadable(_ path: String, _ reason: String) -> ConfigurationError {
        ConfigurationError([SourceText.problem(.unreadable(reason: reason), in: path)])
    }
}
