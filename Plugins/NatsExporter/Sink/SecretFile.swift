#if canImport(Glibc)
private import Glibc
#elseif canImport(Musl)
private import Musl
#else
private import Darwin
#endif

/// A file that holds a secret, or leads to one.
enum SecretFile {
    private static let longest = 65_536

    /// The text in a file, without the line's end behind it.
    static func read(_ path: String) throws(NatsError) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while true {
            var count = 0
            let part = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { place, filled in
                count = unsafe pread(descriptor, place.baseAddress, place.count, off_t(bytes.count))
                filled = max(count, 0)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure(path) }
            if count == 0 { break }
            bytes += part
            guard bytes.count <= longest else {
                throw .file(path: path, reason: "it has more than \(longest) bytes")
            }
        }
        while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard !bytes.isEmpty, !bytes.contains(0) else {
            throw .file(path: path, reason: "wanted a line of text, found \(bytes.isEmpty ? "nothing" : "a zero byte")")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether the library will be able to read it.
    static func check(_ path: String) throws(NatsError) {
        guard unsafe access(path, R_OK) == 0 else { throw failure(path) }
    }

    private static func failure(_ path: String) -> NatsError {
        .file(path: path, reason: unsafe String(cString: strerror(errno)))
    }
}
