/// Where to serve: `127.0.0.1:9464`, `[::1]:9464`, `localhost:9464`.
struct ListenAddress: Equatable, CustomStringConvertible {
    let host: String
    private(set) var port: Int

    /// nil for what is none.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        self.host = String(host)
        self.port = Int(port)
    }

    /// The same host with the port that the system gave.
    func withPort(_ port: Int) -> ListenAddress {
        var address = self
        address.port = port
        return address
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
