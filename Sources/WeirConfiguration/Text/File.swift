#if canImport(Glibc)
private import Glibc
#elseif canImport(Musl)
private import Musl
#else
private import Darwin
#endif

/// A file's content, and whether it is still the same.
enum File {
    /// The bytes of a file, one more than ``SourceText/limit`` at most.
    static func bytes(of path: String) throws(ConfigurationError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= SourceText.limit {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path) }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return Array(bytes.prefix(SourceText.limit + 1))
    }

    private static func unreadable(_ path: String) -> ConfigurationError {
        let reason = unsafe String(cString: strerror(errno))
        return ConfigurationError([SourceText.problem(.unreadable(reason: reason), in: path)])
    }
}
