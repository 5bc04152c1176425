private import WeirSystem

/// The operating system's files.
package struct PosixFileSystem: FileSystem {
    package init() {}

    package func makeDirectory(_ path: String) throws(SystemError) {
        try make(path)
        // With "/." a file of that name does not pass for a directory.
        guard unsafe access(path + "/.", W_OK | X_OK) == 0 else {
            throw SystemError(code: errno, attempt: "write in the directory \(path)")
        }
    }

    private func make(_ path: String) throws(SystemError) {
        if unsafe mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        if errno == ENOENT, let parent = Self.parent(of: path) {
            try make(parent)
            if unsafe mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        }
        throw SystemError(code: errno, attempt: "make the directory \(path)")
    }

    /// The path without its last part; nil where there is none before it.
    private static func parent(of path: String) -> String? {
        let trimmed = path.reversed().drop { $0 == "/" }
        let parent = trimmed.drop { $0 != "/" }.drop { $0 == "/" }
        return parent.isEmpty ? nil : String(parent.reversed())  // A lone "/" needs no making.
    }

    package func list(
        _ path: String, where isWanted: (String) -> Bool
    ) throws(SystemError) -> [(name: String, size: UInt64)] {
        guard let directory = unsafe opendir(path) else {
            throw SystemError(code: errno, attempt: "open the directory \(path)")
        }
        defer { unsafe closedir(directory) }
        var files: [(name: String, size: UInt64)] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard isWanted(name) else { continue }
            var status = stat()
            // A file that went between the two calls is no error: another process keeps the same directory small.
            guard unsafe lstat(path + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            files.append((name, UInt64(max(status.st_size, 0))))
        }
        return files
    }

    package func create(_ path: String) throws(SystemError) -> any WritableFile {
        let descriptor = unsafe open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw SystemError(code: errno, attempt: "create \(path)") }
        // Where a file system has no locks, other processes cannot see that this file is in use, and that is all.
        _ = flock(descriptor, LOCK_EX | LOCK_NB)
        return PosixFile(descriptor: descriptor, path: path)
    }

    package func beginning(of path: String, count: Int) throws(SystemError) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw SystemError(code: errno, attempt: "open \(path)") }
        defer { close(descriptor) }
        if Self.isLocked(descriptor) { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let read = unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe pread(descriptor, bytes.baseAddress.map { unsafe $0 + filled }, count - filled, off_t(filled))
            }
            if read < 0 && errno == EINTR { continue }
            guard read >= 0 else { throw SystemError(code: errno, attempt: "read \(path)") }
            if read == 0 { break }
            filled += read
        }
        bytes.removeLast(count - filled)
        return bytes
    }

    package func remove(_ path: String) throws(SystemError) -> Bool {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        if descriptor < 0 && errno == ENOENT { return true }
        if descriptor >= 0 {
            defer { close(descriptor) }
            if Self.isLocked(descriptor) { return false }
        }
        guard unsafe unlink(path) == 0 || errno == ENOENT else {
            throw SystemError(code: errno, attempt: "remove \(path)")
        }
        return true
    }

    package func syncDirectory(_ path: String) throws(SystemError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else { throw SystemError(code: errno, attempt: "open the directory \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemError(code: errno, attempt: "sync the directory \(path)") }
    }

    /// The lock that this takes to find out goes when the descriptor is closed.
    private static func isLocked(_ descriptor: Int32) -> Bool {
        flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }
}

private final class PosixFile: WritableFile {
    private let descriptor: Int32
    private let path: String

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Lets the lock go by itself: a child that was begun meanwhile has the same open file until it runs its program, and
    /// would keep it locked.
    deinit {
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    func write(
        _ header: RawSpan, _ payload: RawSpan, skipping: Int, at position: UInt64
    ) throws(SystemError) -> Int {
        let first = min(skipping, header.byteCount)
        let second = min(skipping - first, payload.byteCount)
        let written = unsafe header.withUnsafeBytes { header in
            unsafe payload.withUnsafeBytes { payload in
                var vectors = unsafe (
                    iovec(rebased: UnsafeRawBufferPointer(rebasing: header[first...])),
                    iovec(rebased: UnsafeRawBufferPointer(rebasing: payload[second...]))
                )
                return unsafe withUnsafeBytes(of: &vectors) { vectors in
                    let base = unsafe vectors.assumingMemoryBound(to: iovec.self).baseAddress!
                    return unsafe pwritev(descriptor, base, 2, off_t(position))
                }
            }
        }
        guard written >= 0 else { throw SystemError(code: errno, attempt: "write \(path)") }
        return written
    }

    func truncate(to length: UInt64) throws(SystemError) {
        guard ftruncate(descriptor, off_t(length)) == 0 else {
            throw SystemError(code: errno, attempt: "truncate \(path)")
        }
    }

    func sync() throws(SystemError) {
        guard fsync(descriptor) == 0 else { throw SystemError(code: errno, attempt: "sync \(path)") }
    }

    func status() throws(SystemError) -> (length: UInt64, hasName: Bool) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw SystemError(code: errno, attempt: "look at \(path)")
        }
        var named = stat()
        let hasName =
            unsafe lstat(path, &named) == 0 && named.st_dev == status.st_dev && named.st_ino == status.st_ino
        return (UInt64(max(status.st_size, 0)), hasName)
    }
}

extension iovec {
    fileprivate init(rebased bytes: UnsafeRawBufferPointer) {
        unsafe self.init(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    }
}

extension SystemError {
    /// Whether the name is taken.
    package var isExisting: Bool { code == EEXIST }

    /// Whether the call was interrupted before it did anything.
    package var isInterruption: Bool { code == EINTR }

    package var description: String {
        // Without a number the attempt says it all.
        code == 0 ? "cannot \(attempt)" : "cannot \(attempt): \(unsafe String(cString: strerror(code)))"
    }
}
