/// What stands in a `baggage` header (W3C Baggage): `tenant=acme,tier=gold;signed`.
struct Baggage {
    /// One of its members.
    struct Member {
        /// A token; not percent-encoded.
        let name: String
        /// As it came: percent-encoded, visible ASCII.
        let value: Substring.UTF8View
        /// All of it with its properties, such that it may stand in a header again.
        let text: String
    }

    static let header = "baggage"
    /// Of a header; W3C asks for as many.
    static let maximumBytes = 8_192
    /// Of a header; W3C asks for 64, and once asked for so many.
    static let maximumMembers = 180
    /// Of a tag's value; OpenCensus's.
    static let maximumValueBytes = 255

    /// In the order of the header. Names may come twice.
    let members: [Member]

    /// - Returns: `nil` where the text is anything else than baggage, or too much of it.
    init?(_ text: String) {
        guard text.utf8.count <= Self.maximumBytes else { return nil }
        var members: [Member] = []
        for part in Substring(text).utf8.split(separator: UInt8(ascii: ",")) {
            // Nothing between two commas is nothing, as in every list in a header (RFC 9110, 5.6.1).
            let part = part.trimmed
            guard !part.isEmpty else { continue }
            guard members.count < Self.maximumMembers, let member = Member(part) else { return nil }
            members.append(member)
        }
        self.members = members
    }

    /// Whether a tag may have this value, when it comes from another service or goes to one.
    static func isTagValue(_ value: String) -> Bool {
        value.utf8.count <= maximumValueBytes && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    /// How a tag key's name stands in a header: as it is where it is a token, else percent-encoded.
    static func name(of key: String) -> String {
        key.utf8.allSatisfy(\.isTokenByte) ? key : encoded(key) { $0.isTokenByte && $0 != UInt8(ascii: "%") }
    }

    /// How a value stands in a header.
    ///
    /// Not all that is encoded has to be: some that read `baggage` take a `+` for a blank.
    static func encoded(_ value: String) -> String {
        encoded(value) { $0.isValueByte && $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "+") }
    }

    private static func encoded(_ text: String, keeping isKept: (UInt8) -> Bool) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            bytes += isKept(byte) ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What a value in a header says. What is not UTF-8 becomes U+FFFD.
    ///
    /// - Returns: `nil` where a `%` is not followed by two digits.
    static func decoded(_ value: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var rest = value
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst()?.hexadecimalDigit, let low = rest.popFirst()?.hexadecimalDigit else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Baggage.Member {
    /// - Returns: `nil` where it is no name, `=` and value, or has a byte that may not stand there.
    init?(_ text: Substring.UTF8View) {
        let (pair, properties) = text.split(at: UInt8(ascii: ";"))
        let (name, value) = pair.split(at: UInt8(ascii: "="))
        guard let value, !name.trimmed.isEmpty, name.trimmed.allSatisfy(\.isTokenByte),
            value.trimmed.allSatisfy(\.isValueByte),
            properties?.allSatisfy({ $0.isValueByte || $0.isBlank || $0 == UInt8(ascii: ";") }) ?? true
        else { return nil }
        self.name = String(Substring(name.trimmed))
        self.value = value.trimmed
        self.text = String(Substring(text))
    }
}

/// Puts members together for as long as there is room.
struct BaggageWriter {
    private(set) var text = ""
    private var count = 0

    /// Adds a member behind the last; leaves it out, wholly, where the header would become too long.
    mutating func append(_ member: String) {
        let length = text.utf8.count + (text.isEmpty ? 0 : 1) + member.utf8.count
        guard count < Baggage.maximumMembers, length <= Baggage.maximumBytes else { return }
        if !text.isEmpty { text += "," }
        text += member
        count += 1
    }
}

extension Substring.UTF8View {
    /// Without blanks before and behind.
    fileprivate var trimmed: Self {
        var rest = self
        while rest.first?.isBlank == true { rest.removeFirst() }
        while rest.last?.isBlank == true { rest.removeLast() }
        return rest
    }

    /// What stands before the first of these bytes and what behind it, `nil` where there is none.
    fileprivate func split(at separator: UInt8) -> (Self, Self?) {
        guard let place = firstIndex(of: separator) else { return (self, nil) }
        return (self[..<place], self[index(after: place)...])
    }
}

extension UInt8 {
    fileprivate var isBlank: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }

    /// May stand in a token (RFC 9110, 5.6.2).
    fileprivate var isTokenByte: Bool {
        isDigitOrLetter || "!#$%&'*+-.^_`|~".utf8.contains(self)
    }

    /// May stand in a value: visible ASCII without quotes, commas, semicolons and backslashes.
    fileprivate var isValueByte: Bool {
        (0x21...0x7E).contains(self) && !"\",;\\".utf8.contains(self)
    }

    private var isDigitOrLetter: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
    }

    /// The value of a hexadecimal digit, small or capital.
    fileprivate var hexadecimalDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
