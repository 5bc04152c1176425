/// What a server answered.
package struct HTTPAnswer: Equatable, Sendable {
    package var status: Int
    /// In the order in which they came, names as they were written.
    package var headers: [HTTPHeader]
    /// The body, or its beginning where it was longer than the client keeps.
    package var body: [UInt8]
    /// Whether ``body`` is all of it: it was not longer than the client keeps, and the connection lasted to its end.
    package var isWhole: Bool

    package init(status: Int, headers: [HTTPHeader] = [], body: [UInt8] = [], isWhole: Bool = true) {
        self.status = status
        self.headers = headers
        self.body = body
        self.isWhole = isWhole
    }

    /// The first header of a name, which has no case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    package var isSuccess: Bool { 200..<300 ~= status }

    /// Whether it is a page for people: a captive portal's or a proxy's, which answers in the server's place. A word that
    /// some servers' frameworks call HTML is none.
    package var isPage: Bool {
        guard let type = header("Content-Type"), type.lowercased().hasPrefix("text/html") else { return false }
        return body.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "<")
    }
}

/// A header of a request or an answer. Descriptions leave its value out, which may be a secret.
package struct HTTPHeader: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// The name alone.
    package var description: String { "\(name): (not shown)" }

    /// Nothing, so that `dump` and test failures show no secret either.
    package var customMirror: Mirror { Mirror(self, children: ["name": name]) }

    /// Whether it can stand in a request without beginning another header or a body.
    package var isValid: Bool {
        !name.isEmpty && name.utf8.allSatisfy(Self.isTokenByte)
            && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
