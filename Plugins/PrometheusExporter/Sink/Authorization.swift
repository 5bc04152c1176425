#if canImport(Glibc)
private import Glibc
#elseif canImport(Musl)
private import Musl
#else
private import Darwin
#endif

/// Who may scrape: whoever sends what stands in a file. Files are read for each request, so that a secret is changed by
/// replacing its file. One that cannot be read lets nobody in.
struct Authorization: Sendable {
    enum Failure: Equatable {
        case wrong
        case unreadable(path: String)
    }

    /// Of a file with a bearer token; empty for none.
    let tokenFile: String
    /// Of a file with `user:password`; empty for none.
    let passwordFile: String

    /// What a client that is not let in may try.
    var challenge: String {
        [tokenFile.isEmpty ? nil : "Bearer", passwordFile.isEmpty ? nil : "Basic realm=\"metrics\""]
            .compactMap { $0 }.joined(separator: ", ")
    }

    /// - Parameter header: What the client sent as `Authorization`.
    /// - Returns: nil for a client that is let in.
    func check(_ header: String?) -> Failure? {
        if tokenFile.isEmpty, passwordFile.isEmpty { return nil }
        var failure = Failure.wrong
        for (path, scheme) in [(tokenFile, "bearer"), (passwordFile, "basic")] where !path.isEmpty {
            guard let secret = Self.secret(in: path), !secret.isEmpty else {
                failure = .unreadable(path: path)
                continue
            }
            let wanted = scheme == "basic" ? Base64.encode(secret) : secret
            guard let found = Self.credentials(header, scheme) else { continue }
            if Self.areEqual(wanted, found) { return nil }
        }
        return failure
    }

    private static func credentials(_ header: String?, _ scheme: String) -> [UInt8]? {
        guard let parts = header?.split(separator: " ", maxSplits: 1), parts.count == 2,
            parts[0].lowercased() == scheme
        else { return nil }
        return Array(parts[1].utf8)
    }

    /// Takes as long whatever differs.
    private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        var difference = left.count ^ right.count
        for index in left.indices { difference |= Int(left[index] ^ (index < right.count ? right[index] : 0)) }
        return difference == 0
    }

    /// The first line of a file, at most 4 KiB.
    private static func secret(in path: String) -> [UInt8]? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(file, &bytes, bytes.count)
        guard count >= 0 else { return nil }
        return Array(bytes[..<count].prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
    }
}

/// RFC 4648's, for `Basic`.
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let padded = group + repeatElement(0, count: 3 - group.count)
            let bits = padded.reduce(0) { $0 << 8 | Int($1) }
            for place in 0..<4 {
                text.append(place <= group.count ? digits[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return text
    }
}
