private import WeirRecording
private import WeirSystem

/// A descriptor with its end: closed when it is let go, and no child's.
final class Descriptor: Sendable {
    let number: Int32

    init(_ number: Int32) {
        self.number = number
        ForkedChild.drops(number)
    }

    deinit {
        ForkedChild.keeps(number)
        close(number)
    }
}

/// Sockets of the file system: who listens, and how to reach them.
enum StatsSocket {
    /// Listens at a path, for the user of this process alone.
    ///
    /// What a dead process left there is replaced; a live one is not, nor anything that is no socket. The directory is
    /// locked meanwhile, so that of two who begin at once one finds the other.
    static func listen(at path: String) throws(ServingError) -> StatsListener {
        let address = try SocketAddress(path)
        let lock = try DirectoryLock(of: path)
        defer { lock?.release() }
        try removeStale(path, address)
        let socket = try make()
        // The name takes its mode from the socket, with what the process masks taken away: so nobody gets in between
        // the two calls. Where systems do it otherwise, the second call says it again.
        fchmod(socket.number, 0o600)
        guard unsafe address.withPointer({ unsafe bind(socket.number, $0, $1) }) == 0 else {
            throw .system(code: errno, attempt: "make the socket \(path)")
        }
        guard unsafe chmod(path, 0o600) == 0, Glue.listen(socket.number, 16) == 0, let identity = FileIdentity(path)
        else {
            let number = errno
            unsafe unlink(path)
            throw .system(code: number, attempt: "listen at \(path)")
        }
        return StatsListener(path: path, socket: socket, identity: identity)
    }

    /// Reaches whoever listens at a path. Where too many knock at once, tries again until then.
    static func connect(to path: String, deadline: UInt64) throws(ServingError) -> Descriptor {
        let address = try SocketAddress(path)
        let socket = try make()
        while unsafe address.withPointer({ unsafe Glue.connect(socket.number, $0, $1) }) != 0 {
            let number = errno
            guard number == EAGAIN || number == EINTR, TimeSource.system.monotonic() < deadline else {
                throw .system(code: number, attempt: "connect to \(path)")
            }
            _ = poll(nil, 0, 5)
        }
        return socket
    }

    private static func removeStale(_ path: String, _ address: SocketAddress) throws(ServingError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        let socket = try make()
        // Who has no room for another answer lives, too.
        if unsafe address.withPointer({ unsafe Glue.connect(socket.number, $0, $1) }) == 0 || errno != ECONNREFUSED {
            throw .inUse(path: path)
        }
        guard unsafe unlink(path) == 0 || errno == ENOENT else {
            throw .system(code: errno, attempt: "remove what a dead process left at \(path)")
        }
    }

    private static func make() throws(ServingError) -> Descriptor {
        let number = Glue.socket()
        guard number >= 0 else { throw .system(code: errno, attempt: "open a socket") }
        prepare(number)
        return Descriptor(number)
    }

    /// Not for children, and never waiting.
    fileprivate static func prepare(_ number: Int32) {
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        _ = fcntl(number, F_SETFL, O_NONBLOCK)
        #if canImport(Darwin)
        var on: Int32 = 1
        unsafe setsockopt(number, SOL_SOCKET, SO_NOSIGPIPE, &on, 4)
        #endif
    }
}

/// A socket that listens, and its name.
package struct StatsListener: Sendable {
    let path: String
    let socket: Descriptor
    fileprivate let identity: FileIdentity

    /// Listens at a path, for the user of this process alone, until it is let go. A name that a dead process left there is
    /// taken over.
    package init(at path: String) throws(ServingError) { self = try StatsSocket.listen(at: path) }

    fileprivate init(path: String, socket: Descriptor, identity: FileIdentity) {
        self.path = path
        self.socket = socket
        self.identity = identity
    }

    /// Removes the name, unless it has become another's.
    package func removeName() {
        if FileIdentity(path) == identity { unsafe unlink(path) }
    }

    /// The next who has knocked; nil where there is none, or no descriptor for them.
    func accept() -> Descriptor? {
        let number = Glue.accept(socket.number)
        guard number >= 0 else { return nil }
        StatsSocket.prepare(number)
        return Descriptor(number)
    }
}

/// Which file a name leads to.
private struct FileIdentity: Equatable {
    let device: UInt64
    let number: UInt64

    init?(_ path: String) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        device = UInt64(truncatingIfNeeded: status.st_dev)
        number = UInt64(truncatingIfNeeded: status.st_ino)
    }
}

/// A path as the socket functions want it.
private struct SocketAddress {
    private var address = sockaddr_un()

    init(_ path: String) throws(ServingError) {
        let bytes = Array(path.utf8)
        // One byte for the end.
        let limit = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard bytes.count <= limit else { throw .tooLong(path: path, limit: limit, found: bytes.count) }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { place in unsafe place.copyBytes(from: bytes) }
    }

    func withPointer(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe body(pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// The lock of the directory that a path lies in. Nil where the directory cannot be opened to be locked; then two who
/// begin at the same moment may not find each other, and that is all.
private struct DirectoryLock {
    private let directory: Descriptor

    /// Others hold it for a few calls only: so long do we wait, and no longer.
    private static let attempts = 500

    init?(of path: String) throws(ServingError) {
        let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let number = Glue.open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        directory = Descriptor(number)
        for _ in 0..<Self.attempts {
            if flock(number, LOCK_EX | LOCK_NB) == 0 { return }
            guard errno == EWOULDBLOCK else { return nil }
            _ = poll(nil, 0, 2)
        }
        throw .system(code: EWOULDBLOCK, attempt: "lock the directory \(parent)")
    }

    /// By itself: a child that was begun meanwhile has the same open file.
    func release() { flock(directory.number, LOCK_UN) }
}

/// The system's functions, under names that the methods above do not hide.
private enum Glue {
    static func socket() -> Int32 {
        #if canImport(Glibc)
        Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #elseif canImport(Musl)
        Musl.socket(AF_UNIX, SOCK_STREAM, 0)
        #else
        Darwin.socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
    }

    static func listen(_ socket: Int32, _ backlog: Int32) -> Int32 {
        #if canImport(Glibc)
        Glibc.listen(socket, backlog)
        #elseif canImport(Musl)
        Musl.listen(socket, backlog)
        #else
        Darwin.listen(socket, backlog)
        #endif
    }

    static func accept(_ socket: Int32) -> Int32 {
        #if canImport(Glibc)
        Glibc.accept(socket, nil, nil)
        #elseif canImport(Musl)
        Musl.accept(socket, nil, nil)
        #else
        Darwin.accept(socket, nil, nil)
        #endif
    }

    static func connect(_ socket: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 {
        #if canImport(Glibc)
        unsafe Glibc.connect(socket, address, length)
        #elseif canImport(Musl)
        unsafe Musl.connect(socket, address, length)
        #else
        unsafe Darwin.connect(socket, address, length)
        #endif
    }

    static func open(_ path: String, _ flags: Int32) -> Int32 {
        #if canImport(Glibc)
        unsafe Glibc.open(path, flags)
        #elseif canImport(Musl)
        unsafe Musl.open(path, flags)
        #else
        unsafe Darwin.open(path, flags)
        #endif
    }
}

extension ServingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong(let path, let limit, let found):
            "\(path): wanted a path of at most \(limit) bytes for a socket, found \(found)"
        case .inUse(let path): "\(path): a live process serves its accounts there; wanted a path of this one's own"
        case .notASocket(let path): "\(path): wanted a socket or nothing, found another file, which stays"
        case .noThread: "the system has no thread to give"
        case .system(let code, let attempt): "cannot \(attempt): \(unsafe String(cString: strerror(code)))"
        }
    }

    /// Whether there is nobody to be reached.
    package var isNobodyThere: Bool {
        if case .system(let code, _) = self { code == ECONNREFUSED || code == ENOENT } else { false }
    }
}
