private import WeirSystem

/// A small file that holds a secret, or leads to one. It is read anew where it has changed, as secrets that are rotated
/// do; no error shows what is in it.
package struct SecretFile: Sendable {
    /// Why there is no secret.
    package struct Failure: Error, Equatable, CustomStringConvertible {
        package let path: String
        package let reason: String

        package init(path: String, reason: String) {
            self.path = path
            self.reason = reason
        }

        package var description: String { "\(path): \(reason)" }
    }

    package let path: String

    private static let longest = 1 << 16

    /// Which state of the file was read.
    fileprivate struct Version: Equatable {
        var inode: UInt64
        var size: Int64
        var seconds: Int64
        var nanoseconds: Int64
    }

    private var version: Version?
    private var known = ""

    package init(_ path: String) {
        self.path = path
    }

    /// What the file holds now.
    package mutating func text() throws(Failure) -> String {
        // A pipe that nobody writes to would be waited for.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw failure() }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw failure() }
        let found = Version(status)
        if found == version { return known }
        guard status.st_size <= Self.longest else {
            throw Failure(path: path, reason: "wanted at most \(Self.longest) bytes, found \(status.st_size)")
        }
        known = String(decoding: try read(file), as: UTF8.self)
        version = found
        return known
    }

    /// The line that the file holds now, without the end of it.
    package mutating func line() throws(Failure) -> String {
        let whole = try text().utf8
        let end = whole.lastIndex { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard let end else { throw Failure(path: path, reason: "wanted a line of text, found nothing") }
        let line = whole[...end]
        guard !line.contains(0) else { throw Failure(path: path, reason: "wanted a line of text, found a zero byte") }
        return String(Substring(line))
    }

    /// Whether somebody else, who gets its path, will be able to read it.
    package func check() throws(Failure) {
        var facts = stat()
        guard unsafe access(path, R_OK) == 0, unsafe stat(path, &facts) == 0 else { throw failure() }
        // They would wait for a pipe that nobody writes to.
        guard facts.st_mode & S_IFMT == S_IFREG else { throw Failure(path: path, reason: "wanted a regular file") }
    }

    private func read(_ file: Int32) throws(Failure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.longest)
        var length = 0
        while length < bytes.count {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[length...])
                return unsafe pread(file, rest.baseAddress, rest.count, off_t(length))
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure() }
            if count == 0 { break }
            length += count
        }
        return Array(bytes[..<length])
    }

    private func failure() -> Failure { Failure(path: path, reason: unsafe String(cString: strerror(errno))) }
}

extension SecretFile.Version {
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
