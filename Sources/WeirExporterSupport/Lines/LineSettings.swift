package import WeirExporterKit

/// What can be set on every sink that sends lines of text.
package enum LineSettings {
    package static func address(_ example: String) -> Setting {
        Setting("address", .text(length: 3...512), default: example, "Where lines go, host:port.")
    }

    package static func transport(_ standard: String) -> Setting {
        Setting("protocol", .choice(["udp", "tcp"]), default: standard, "How they go: udp or tcp.")
    }

    package static let prefix = Setting(
        "prefix", .text(length: 0...255), default: "", "What stands before every name, with a dot behind it.")
    package static let packetBytes = Setting(
        "packetBytes", .bytes(64...65_507), default: "1432",
        "The longest UDP packet; 1432 passes any Ethernet whole. A line that is longer is dropped, and counted.")
    package static let timeout = Setting(
        "timeout", .duration(10_000_000...60_000_000_000), default: "5s",
        "How long a TCP connection, and what is sent over it, may take.")
}

/// Where lines go.
package struct LineAddress: Equatable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: String

    /// `host:port`.
    package var description: String { "\(host):\(port)" }

    /// Reads `host:port` or `[::1]:port`.
    ///
    /// - Throws: ``ExporterError`` that says what was found.
    package init(_ text: String) throws(ExporterError) {
        guard let colon = text.lastIndex(of: ":"), let number = UInt16(text[text.index(after: colon)...]), number > 0
        else {
            throw ExporterError("address: wanted host:port, found \(text)")
        }
        var host = text[..<colon]
        if host.first == "[", host.last == "]" {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw ExporterError("address: wanted [host]:port for an IPv6 host, found \(text)")
        }
        guard !host.isEmpty, !host.utf8.contains(0) else {
            throw ExporterError("address: wanted host:port, found \(text)")
        }
        self.host = String(host)
        port = String(number)
    }
}
