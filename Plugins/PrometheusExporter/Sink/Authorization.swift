private import WeirExporterSupport

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

    /// The first line of a file.
    private static func secret(in path: String) -> [UInt8]? {
        var file = SecretFile(path)
        guard let text = try? file.text() else { return nil }
        return Array(text.utf8.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
    }
}
