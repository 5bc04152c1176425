#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

private import Synchronization

/// A directory that stays open while anything in it is still to be done, so that no path is ever too long.
final class Directory: Sendable {
    let descriptor: Int32
    /// For messages.
    let path: String

    /// How many are open in this process.
    private static let open = Atomic<Int>(0)
    static var openCount: Int { open.load(ordering: .relaxed) }

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
        Self.open.add(1, ordering: .relaxed)
    }

    deinit {
        close(descriptor)
        Self.open.subtract(1, ordering: .relaxed)
    }
}

/// A file or directory by its name in a directory that is open. Names are bytes: not all are UTF-8.
struct Entry: Sendable {
    let parent: Directory
    let name: [CChar]

    var path: String { parent.path + "/" + text }
    private var text: String { String(decoding: name.dropLast().lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self) }

    /// What follows the last dot, where there is one that does not begin the name: `gz` of `a.tar.gz`, `nil` of `.profile`.
    var fileExtension: String? {
        let bytes = name.dropLast()
        guard let dot = bytes.lastIndex(of: CChar(bitPattern: UInt8(ascii: "."))), dot > 0, dot + 1 < bytes.endIndex
        else { return nil }
        return String(decoding: bytes[(dot + 1)...].lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// What a file system says of something.
struct Identity: Hashable {
    var device: UInt64
    var number: UInt64
}

/// Every call into the operating system that the demo makes.
enum Files {
    static func describe(_ error: Int32) -> String {
        unsafe strerror(error).map { unsafe String(cString: $0) } ?? "error \(error)"
    }

    static func open(_ path: String) -> Result<Int32, SystemFault> {
        result { Self.openFile(path) }
    }

    private static func openFile(_ path: String) -> Int32 {
        unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    }

    /// Opens an entry; never through a symbolic link, and without waiting for whatever it may be.
    static func open(_ entry: Entry) -> Result<Int32, SystemFault> {
        result {
            unsafe openat(
                entry.parent.descriptor, entry.name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        }
    }

    private static func result(_ call: () -> Int32) -> Result<Int32, SystemFault> {
        while true {
            let value = call()
            if value >= 0 { return .success(value) }
            if errno != EINTR { return .failure(SystemFault(number: errno)) }
        }
    }

    static func facts(_ descriptor: Int32) -> stat? {
        var facts = stat()
        return unsafe fstat(descriptor, &facts) == 0 ? facts : nil
    }

    static func identity(_ facts: stat) -> Identity {
        Identity(device: UInt64(facts.st_dev), number: UInt64(facts.st_ino))
    }

    static func identity(of path: String) -> Identity? {
        var facts = stat()
        return unsafe stat(path, &facts) == 0 ? identity(facts) : nil
    }

    enum Kind {
        case directory
        case file
        case other
    }

    static func kind(of descriptor: Int32) -> Kind {
        switch facts(descriptor).map({ $0.st_mode & S_IFMT }) {
        case S_IFDIR: .directory
        case S_IFREG: .file
        default: .other
        }
    }

    /// The entries of an open directory but `.` and `..`, sorted into what may be walked into and what may be read.
    static func entries(of directory: Directory) -> Result<(directories: [Entry], files: [Entry]), SystemFault> {
        // The stream closes the descriptor that it is given.
        let copy = dup(directory.descriptor)
        guard copy >= 0, let stream = unsafe fdopendir(copy) else {
            let fault = SystemFault(number: errno)
            if copy >= 0 { close(copy) }
            return .failure(fault)
        }
        defer { _ = unsafe closedir(stream) }
        var directories: [Entry] = []
        var files: [Entry] = []
        while true {
            errno = 0
            guard let next = unsafe readdir(stream) else {
                return errno == 0 ? .success((directories, files)) : .failure(SystemFault(number: errno))
            }
            let name = unsafe withUnsafePointer(to: &next.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { start in
                    unsafe Array(UnsafeBufferPointer(start: start, count: strlen(start) + 1))
                }
            }
            if unsafe strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { continue }
            let entry = Entry(parent: directory, name: name)
            switch unsafe kind(next.pointee.d_type, entry) {
            case S_IFDIR: directories.append(entry)
            case S_IFREG: files.append(entry)
            default: continue
            }
        }
    }

    /// What an entry is, where the directory itself does not say.
    private static func kind(_ type: UInt8, _ entry: Entry) -> mode_t {
        switch Int(type) {
        case Int(DT_DIR): return S_IFDIR
        case Int(DT_REG): return S_IFREG
        case Int(DT_UNKNOWN):
            var facts = stat()
            guard unsafe fstatat(entry.parent.descriptor, entry.name, &facts, AT_SYMLINK_NOFOLLOW) == 0 else {
                return 0
            }
            return facts.st_mode & S_IFMT
        default: return 0
        }
    }

    /// Reads on; 0 at the end.
    static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Result<Int, SystemFault> {
        while true {
            let count = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return .success(count) }
            if errno != EINTR { return .failure(SystemFault(number: errno)) }
        }
    }

    /// How many directories may be open at a time: each that has files in the queue is one, and those on the way down.
    /// Half of what the process may open, which is first made as much as the system allows; workers and sinks want some.
    static func directoryLimit(workers: Int) -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0 else { return 64 }
        limit.rlim_cur = limit.rlim_max
        if unsafe setrlimit(resource, &limit) != 0 { _ = unsafe getrlimit(resource, &limit) }
        return max(4, min(2_048, Int(clamping: limit.rlim_cur) - 24 - workers) / 2)
    }
}

/// An error of the operating system.
struct SystemFault: Error {
    let number: Int32
}
