private import WeirRecording
private import WeirSystem

/// The operating system's files.
package struct PosixSpillFileSystem: SpillFileSystem {
    package init() {}

    package func lock(_ directory: String) throws(SpillError) -> any SpillLock {
        try makeDirectory(directory)
        let path = directory + "/lock"
        let descriptor = Glue.open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw .failed("open \(path)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            defer { close(descriptor) }
            guard number == EWOULDBLOCK else { throw .system(code: number, attempt: "lock \(path)") }
            throw .inUse(directory: directory, process: Self.holder(descriptor))
        }
        // For whoever is refused; nothing depends on it.
        let holder = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = unsafe holder.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        return PosixSpillLock(descriptor: descriptor, path: path)
    }

    package func makeDirectory(_ path: String) throws(SpillError) {
        if unsafe mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw .failed("make the directory \(path)")
        }
        try makeDirectory(String(path[..<slash]))
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else { throw .failed("make the directory \(path)") }
    }

    package func identity(_ path: String) throws(SpillError) -> SpillFileIdentity? {
        var status = stat()
        if unsafe lstat(path, &status) == 0 { return SpillFileIdentity(status) }
        guard errno == ENOENT || errno == ENOTDIR else { throw .failed("look at \(path)") }
        return nil
    }

    private static func holder(_ descriptor: Int32) -> Int32? {
        var digits = [UInt8](repeating: 0, count: 16)
        let count = unsafe digits.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count > 0 else { return nil }
        return Int32(String(decoding: digits[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }

    package func list(_ directory: String) throws(SpillError) -> [(name: String, size: UInt64)] {
        guard let stream = unsafe opendir(directory) else { throw .failed("open the directory \(directory)") }
        defer { unsafe closedir(stream) }
        var files: [(name: String, size: UInt64)] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            var status = stat()
            guard unsafe lstat(directory + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                continue
            }
            files.append((name, UInt64(max(status.st_size, 0))))
        }
        return files
    }

    package func create(_ path: String) throws(SpillError) -> any SpillFile {
        try open(path, O_CREAT | O_EXCL, attempt: "create")
    }

    package func open(_ path: String) throws(SpillError) -> any SpillFile {
        try open(path, 0, attempt: "open")
    }

    private func open(_ path: String, _ flags: Int32, attempt: String) throws(SpillError) -> any SpillFile {
        let descriptor = Glue.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0o644)
        guard descriptor >= 0 else { throw .failed("\(attempt) \(path)") }
        return PosixSpillFile(descriptor: descriptor, path: path)
    }

    package func remove(_ path: String) throws(SpillError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw .failed("remove \(path)") }
    }

    package func syncDirectory(_ path: String) throws(SpillError) {
        let descriptor = Glue.open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY, 0)
        guard descriptor >= 0 else { throw .failed("open the directory \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .failed("sync the directory \(path)") }
    }
}

/// Lets the lock go by itself: a child that was begun meanwhile has the same open file until it runs its program.
private final class PosixSpillLock: SpillLock {
    private let descriptor: Int32
    private let path: String

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
        ForkedChild.drops(descriptor)
    }

    deinit {
        ForkedChild.keeps(descriptor)
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    func isInPlace() throws(SpillError) -> Bool {
        try PosixSpillFileSystem().identity(path) == SpillFileIdentity(descriptor, path)
    }
}

private final class PosixSpillFile: SpillFile {
    private let descriptor: Int32
    private let path: String

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    func identity() throws(SpillError) -> SpillFileIdentity { try SpillFileIdentity(descriptor, path) }

    func length() throws(SpillError) -> UInt64 {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .failed("look at \(path)") }
        return UInt64(max(status.st_size, 0))
    }

    func read(at position: UInt64, count: Int) throws(SpillError) -> [UInt8] {
        var failure: SpillError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            while done < count {
                let result = unsafe pread(
                    descriptor, raw.baseAddress.map { unsafe $0 + done }, count - done, off_t(position) + off_t(done))
                if result > 0 {
                    done += result
                } else if result == 0 {
                    return
                } else if errno != EINTR {
                    failure = .failed("read \(path)")
                    return
                }
            }
        }
        if let failure { throw failure }
        return bytes
    }

    func write(_ bytes: [UInt8], at position: UInt64) throws(SpillError) {
        var done = 0
        while done < bytes.count {
            let result = unsafe bytes.withUnsafeBytes { bytes in
                unsafe pwrite(
                    descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done,
                    off_t(position) + off_t(done))
            }
            if result > 0 {
                done += result
            } else if result == 0 || errno != EINTR {
                throw .failed("write \(path)")
            }
        }
    }

    func truncate(to length: UInt64) throws(SpillError) {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw .failed("truncate \(path)") }
    }

    func sync() throws(SpillError) {
        guard fsync(descriptor) == 0 else { throw .failed("sync \(path)") }
    }
}

extension SpillFileIdentity {
    fileprivate init(_ status: stat) {
        self.init(device: UInt64(truncatingIfNeeded: status.st_dev), number: UInt64(status.st_ino))
    }

    fileprivate init(_ descriptor: Int32, _ path: String) throws(SpillError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .failed("look at \(path)") }
        self.init(status)
    }
}

/// `open`, under a name that the method above does not hide.
private enum Glue {
    static func open(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 {
        #if canImport(Glibc)
        unsafe Glibc.open(path, flags, mode)
        #elseif canImport(Musl)
        unsafe Musl.open(path, flags, mode)
        #else
        unsafe Darwin.open(path, flags, mode)
        #endif
    }
}

extension SpillError {
    /// What the call that just failed said.
    fileprivate static func failed(_ attempt: String) -> SpillError { .system(code: errno, attempt: attempt) }

    /// A name leads to nothing any more, or to something else.
    static func gone(_ path: String) -> SpillError { .system(code: ENOENT, attempt: "open \(path)") }

    /// Whether a name is taken, or leads to nothing.
    var isExisting: Bool { number == EEXIST }
    var isMissing: Bool { number == ENOENT }

    /// Whether the disk answered, and not with the bytes.
    var isInputOutput: Bool { number == EIO || number == EBADMSG || number == EISDIR }

    private var number: Int32? {
        if case .system(let code, _) = self { code } else { nil }
    }
}

extension SpillError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .inUse(let directory, let process):
            "the spill directory \(directory) is in use\(process.map { " by process \($0)" } ?? ""): give this sink "
                + "another one"
        case .tooLong(let limit, let found): "a batch of \(found) bytes, where the spill may hold \(limit)"
        case .noRoom(let limit, let needed):
            "the spill may hold \(limit) bytes, needs \(needed), and all that could go is being delivered"
        case .closed: "the spill is closed"
        case .system(0, let attempt): "cannot \(attempt)"
        case .system(let code, let attempt): "cannot \(attempt): \(unsafe String(cString: strerror(code)))"
        }
    }
}
