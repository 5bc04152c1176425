internal import WeirExporterKit

/// The headers of a message: what a reader may want to know before it looks inside.
enum Header {
    static let stream = "Weir-Stream"
    static let numbers = "Weir-Numbers"
    static let part = "Weir-Part"
    static let end = "Weir-End"

    /// All headers of a frame's message.
    static func all(of facts: FrameFacts) -> [(name: String, value: String)] {
        var headers = [
            ("Nats-Msg-Id", identity(of: facts)), (stream, facts.stream.description),
            (numbers, "\(facts.numbers.lowerBound)-\(facts.numbers.upperBound)"), ("Content-Type", "application/zstd"),
        ]
        if facts.parts > 1 { headers.append((part, "\(facts.part)/\(facts.parts)")) }
        if facts.isEndMark { headers.append((end, "true")) }
        return headers
    }

    /// The same for a frame that is sent again, and for no other. An end mark has its last batch's number.
    static func identity(of facts: FrameFacts) -> String {
        "\(facts.stream).\(facts.numbers.lowerBound)-\(facts.numbers.upperBound).\(facts.part)"
            + (facts.isEndMark ? ".end" : "")
    }
}

extension StreamName {
    /// Reads 32 hexadecimal digits; nil for anything else.
    init?(hexadecimal text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 32, digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let high = UInt64(String(decoding: digits[..<16], as: UTF8.self), radix: 16),
            let low = UInt64(String(decoding: digits[16...], as: UTF8.self), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }
}
