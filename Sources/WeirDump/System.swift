private import Synchronization
private import WeirSystem

/// Set by the signal handler, which may do no more than store; read between two polls.
private let interrupted = Atomic<Bool>(false)

/// Every call into the operating system that dumping makes, in one place.
package enum System {
    package static let standardOutput: Int32 = 1
    package static let standardError: Int32 = 2

    /// The last error of the calling thread.
    static var lastError: Int32 { errno }

    /// Writes all bytes; waits where the descriptor does not block. Returns 0 or the error number.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { all in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: all[written...])
                return unsafe writeOnce(descriptor, rest)
            }
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                // A terminal shared with a program that set it non-blocking: wait until it takes more.
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&wanted, 1, 1000)
            } else if errno != EINTR {
                return errno
            }
        }
        return 0
    }

    /// What an error number means, in words.
    package static func describe(error: Int32) -> String {
        guard let text = unsafe strerror(error) else { return "error \(error)" }
        return unsafe String(cString: text)
    }

    /// Whether an error number says that the reader of a pipe is gone.
    static func isBrokenPipe(_ error: Int32) -> Bool { error == EPIPE }

    /// Whether an error number says that there is no such file.
    package static func isMissing(_ error: Int32) -> Bool { error == ENOENT }

    /// Whether a path is a directory; an error number where it cannot be told.
    static func isDirectory(_ path: String) -> Result<Bool, SystemError> {
        var facts = stat()
        guard unsafe stat(path, &facts) == 0 else { return .failure(SystemError(number: errno)) }
        return .success(facts.st_mode & S_IFMT == S_IFDIR)
    }

    /// Whether there is anything under a path.
    package static func exists(_ path: String) -> Bool {
        var facts = stat()
        return unsafe stat(path, &facts) == 0
    }

    /// Whether a path is a socket.
    package static func isSocket(_ path: String) -> Bool {
        var facts = stat()
        return unsafe stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFSOCK
    }

    /// Whether a file's writer holds its lock.
    ///
    /// An empty file counts as locked: it may be new, and its writer about to take the lock that we would be holding.
    static func isLocked(_ path: String) -> Bool {
        // A pipe would be waited for.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        // Our own lock, where we get it, goes with the descriptor.
        defer { close(descriptor) }
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return false }
        return facts.st_size == 0 || (flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    }

    /// The names in a directory, unordered.
    package static func names(in directory: String) throws(SystemError) -> [String] {
        guard let stream = unsafe opendir(directory) else { throw SystemError(number: errno) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            names.append(
                unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                    unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                })
        }
        return names
    }

    /// Whether a descriptor leads to a terminal.
    package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// A variable of the environment.
    package static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Nanoseconds since 1970.
    package static func now() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(max(time.tv_sec, 0)) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Bytes of this process that are in memory; nil where the system does not tell.
    package static func residentBytes() -> Int? {
        guard let file = unsafe fopen("/proc/self/statm", "re") else { return nil }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard unsafe fgets(&line, 256, file) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return pages.map { $0 * Int(getpagesize()) }
    }

    /// Nanoseconds that the calling thread has run: what others do meanwhile does not count.
    package static func threadTime() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(max(time.tv_sec, 0)) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Makes a write into a pipe without a reader fail instead of killing the process.
    package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

    /// From now on SIGINT, and SIGTERM where that is wanted too, does not end the process but makes ``isInterrupted`` true
    /// and cuts ``pause(milliseconds:)``.
    package static func catchInterrupts(alsoTermination: Bool = false) {
        interrupted.store(false, ordering: .relaxed)
        // A parent that starts us from a thread which blocks signals hands its mask down.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for number in alsoTermination ? [SIGINT, SIGTERM] : [SIGINT] {
            unsafe sigaddset(&signals, number)
            signal(number) { _ in interrupted.store(true, ordering: .relaxed) }
        }
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// Whether SIGINT came since ``catchInterrupts()``.
    package static var isInterrupted: Bool { interrupted.load(ordering: .relaxed) }

    /// Waits; a signal ends the wait early.
    package static func pause(milliseconds: Int32) { _ = poll(nil, 0, milliseconds) }
}

/// An error number of the operating system.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    package let number: Int32

    package init(number: Int32) { self.number = number }

    package var description: String { System.describe(error: number) }
}

/// `write`, under a name that the method above does not hide.
private func writeOnce(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    unsafe write(descriptor, bytes.baseAddress, bytes.count)
}
