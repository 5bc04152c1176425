/// A server's address: `nats://host:4222`, or with `tls://`.
package struct NatsServer: Equatable, Sendable {
    /// As the library takes it.
    package var url: String
    /// What the server's certificate must name.
    package var host: String
    package var isSecure: Bool

    /// Reads a list, separated by commas or spaces.
    package static func list(_ text: String) throws(NatsError) -> [NatsServer] {
        var servers: [NatsServer] = []
        for url in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            servers.append(try NatsServer(String(url)))
        }
        guard !servers.isEmpty else { throw .setting("servers: wanted nats://host:4222, found nothing") }
        return servers
    }

    package init(_ url: String) throws(NatsError) {
        // A password in an address would be shown wherever the address is.
        guard !url.utf8.contains(UInt8(ascii: "@")) else {
            throw .setting("servers: a user and password stand in the settings user and passwordFile, not in a URL")
        }
        let parts = url.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1].isEmpty, ["nats:", "tls:"].contains(parts[0]),
            let host = Self.host(parts[2]), !host.isEmpty
        else { throw .setting("servers: wanted nats://host:4222 or tls://host:4222, found \(url)") }
        self.url = url
        self.host = host
        isSecure = parts[0] == "tls:"
    }

    /// The host of `host`, `host:port` or `[::1]:port`; nil for what is none of them.
    private static func host(_ authority: Substring) -> String? {
        var host = authority
        if host.last != "]", let colon = host.lastIndex(of: ":") {
            guard let port = UInt16(host[host.index(after: colon)...]), port > 0 else { return nil }
            host = host[..<colon]
        }
        if host.first == "[", host.last == "]" { return String(host.dropFirst().dropLast()) }
        return host.contains(":") ? nil : String(host)
    }
}
