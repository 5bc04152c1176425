/// Where a text stands in an exposition, which decides what must be escaped in it.
package enum Escaping: Sendable {
    /// A label's value, and all texts of OpenMetrics.
    case quoted
    /// HELP of the older text, where a quotation mark is one.
    case plain

    /// Appends a text, escaped.
    package func append(_ text: String, to bytes: inout [UInt8]) {
        var text = text
        text.withUTF8 { utf8 in
            // As nearly all texts are.
            guard unsafe utf8.contains(where: isSpecial) else { return unsafe bytes.append(contentsOf: utf8) }
            for index in utf8.indices {
                switch unsafe utf8[index] {
                case UInt8(ascii: "\\"): bytes.append(contentsOf: #"\\"#.utf8)
                case UInt8(ascii: "\n"): bytes.append(contentsOf: #"\n"#.utf8)
                case UInt8(ascii: "\"") where self == .quoted: bytes.append(contentsOf: #"\""#.utf8)
                case let byte: bytes.append(byte)
                }
            }
        }
    }

    private func isSpecial(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\"") && self == .quoted
    }
}
