#if canImport(Glibc)
private import Glibc
#elseif canImport(Musl)
private import Musl
#else
private import Darwin
#endif

/// A small file that holds a secret and is read anew where it has changed, as secrets that are rotated do.
struct WatchedFile {
    /// The setting that names it.
    let key: String
    let path: String

    private static let longest = 1 << 16

    /// Which state of the file was read.
    fileprivate struct Version: Equatable {
        var inode: UInt64
        var size: Int64
        var seconds: Int64
        var nanoseconds: Int64
    }

    private var version: Version?
    private var text = ""

    init(key: String, path: String) {
        self.key = key
        self.path = path
    }

    /// What the file holds now.
    mutating func contents() throws(HTTPError) -> String {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure() }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw failure() }
        let found = Version(status)
        if found == version { return text }
        guard status.st_size <= Self.longest else {
            throw .file(key: key, path: path, reason: "wanted at most \(Self.longest) bytes, found \(status.st_size)")
        }
        text = String(decoding: try read(file), as: UTF8.self)
        version = found
        return text
    }

    private func read(_ file: Int32) throws(HTTPError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.longest)
        var length = 0
        while length < bytes.count {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[length...])
                return unsafe pread(file, rest.baseAddress, rest.count, off_t(length))
            }
            guard count >= 0 else { throw failure() }
            if count == 0 { break }
            length += count
        }
        return Array(bytes[..<length])
    }

    private func failure() -> HTTPError {
        .file(key: key, path: path, reason: unsafe String(cString: strerror(errno)))
    }
}

extension WatchedFile.Version {
    fileprivate init(_ status: stat) {
        #if canImport(Darwin)
        let time = status.st_mtimespec
        #else
        let time = status.st_mtim
        #endif
        self.init(
            inode: UInt64(status.st_ino), size: Int64(status.st_size), seconds: Int64(time.tv_sec),
            nanoseconds: Int64(time.tv_nsec))
    }
}
