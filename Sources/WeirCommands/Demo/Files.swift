internal import WeirDump
internal import WeirSystem

/// What a file system says of something.
struct Identity: Hashable {
    var device: UInt64
    var number: UInt64
}

/// Every call into the operating system that the demo makes.
enum Files {
    private static let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY

    /// Opens what somebody named, a symbolic link too.
    static func open(_ path: String) -> Result<Int32, SystemError> {
        result { openPath(path, flags) }
    }

    /// Opens an entry, without waiting for whatever it may be, and through no symbolic link but one that was named.
    static func open(_ entry: Entry) -> Result<Int32, SystemError> {
        let follow = entry.isNamed ? 0 : O_NOFOLLOW
        return result { unsafe openat(entry.parent.descriptor, entry.name, flags | follow) }
    }

    /// Opens the directory of a path of any length below another one.
    static func openDirectory(_ path: TreePath, below root: Directory) -> Result<Int32, SystemError> {
        var base = root.descriptor
        defer { if base != root.descriptor { close(base) } }
        for piece in path.pieces(ofAtMost: Int(PATH_MAX) - 1) {
            let opened = result { unsafe openat(base, piece, flags | O_DIRECTORY | O_NOFOLLOW) }
            guard case .success(let descriptor) = opened else { return opened }
            if base != root.descriptor { close(base) }
            base = descriptor
        }
        defer { base = root.descriptor }
        return .success(base)
    }

    private static func result(_ call: () -> Int32) -> Result<Int32, SystemError> {
        while true {
            let value = call()
            if value >= 0 { return .success(value) }
            if errno != EINTR { return .failure(SystemError(number: errno)) }
        }
    }

    static func facts(_ descriptor: Int32) -> stat? {
        var facts = stat()
        return unsafe fstat(descriptor, &facts) == 0 ? facts : nil
    }

    /// What there is to know of an entry that cannot be opened.
    static func facts(_ entry: Entry) -> stat? {
        var facts = stat()
        let found = unsafe fstatat(entry.parent.descriptor, entry.name, &facts, AT_SYMLINK_NOFOLLOW) == 0
        return found ? facts : nil
    }

    static func identity(_ facts: stat) -> Identity {
        Identity(device: UInt64(truncatingIfNeeded: facts.st_dev), number: UInt64(facts.st_ino))
    }

    static func identity(of path: String) -> Identity? {
        var facts = stat()
        return unsafe stat(path, &facts) == 0 ? identity(facts) : nil
    }

    enum Kind {
        case directory
        case file
        case other

        init(_ mode: mode_t) {
            switch mode & S_IFMT {
            case S_IFDIR: self = .directory
            case S_IFREG: self = .file
            default: self = .other
            }
        }
    }

    /// Calls `body` with each entry of an open directory but `.` and `..`, until it says to stop.
    ///
    /// - Returns: Why there are no more, where that is no end in order.
    static func forEachEntry(of directory: Directory, _ body: (Entry, Kind) -> Bool) -> SystemError? {
        // The stream closes the descriptor that it is given.
        let copy = fcntl(directory.descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0, let stream = unsafe fdopendir(copy) else {
            let error = SystemError(number: errno)
            if copy >= 0 { close(copy) }
            return error
        }
        defer { _ = unsafe closedir(stream) }
        while true {
            errno = 0
            guard let next = unsafe readdir(stream) else {
                return errno == 0 ? nil : SystemError(number: errno)
            }
            let name = unsafe withUnsafePointer(to: &next.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { start in
                    unsafe Array(UnsafeBufferPointer(start: start, count: strlen(start) + 1))
                }
            }
            if unsafe strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { continue }
            let entry = Entry(parent: directory, name: name)
            guard unsafe body(entry, kind(next.pointee.d_type, entry)) else { return nil }
        }
    }

    /// What an entry is, where the directory itself does not say.
    private static func kind(_ type: UInt8, _ entry: Entry) -> Kind {
        switch Int(type) {
        case Int(DT_DIR): .directory
        case Int(DT_REG): .file
        case Int(DT_UNKNOWN): facts(entry).map { Kind($0.st_mode) } ?? .other
        default: .other
        }
    }

    /// Reads on until the buffer is full or the file ends, and returns how many bytes that is.
    static func fill(_ buffer: inout [UInt8], from descriptor: Int32) -> Result<Int, SystemError> {
        var filled = 0
        while filled < buffer.count {
            let count = unsafe buffer.withUnsafeMutableBytes { all in
                unsafe readOnce(descriptor, UnsafeMutableRawBufferPointer(rebasing: all[filled...]))
            }
            if count == 0 { break }
            if count > 0 {
                filled += count
            } else if errno != EINTR {
                return .failure(SystemError(number: errno))
            }
        }
        return .success(filled)
    }

    /// How many directories may be open at a time: those that have files in the queue. Half of what the process may
    /// open, which is first made as much as the system allows; workers and sinks want some.
    static func directoryLimit(workers: Int) -> Int {
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0 else { return 64 }
        limit.rlim_cur = limit.rlim_max
        if unsafe setrlimit(resource, &limit) != 0 { _ = unsafe getrlimit(resource, &limit) }
        return max(4, min(2_048, Int(clamping: limit.rlim_cur) - 24 - workers) / 2)
    }
}

extension SystemError {
    /// A few words by which failures are counted.
    var reason: String {
        switch number {
        case EACCES, EPERM: "permission"
        case ENOENT, ENOTDIR, ELOOP, ESTALE: "gone"
        case EMFILE, ENFILE, ENOMEM: "resources"
        case EIO: "io"
        default: "other"
        }
    }
}

/// `open` and `read`, under names that the methods above do not hide.
private func openPath(_ path: String, _ flags: Int32) -> Int32 {
    unsafe open(path, flags)
}

private func readOnce(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    unsafe read(descriptor, buffer.baseAddress, buffer.count)
}
