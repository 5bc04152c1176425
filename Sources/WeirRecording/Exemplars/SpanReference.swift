/// Where in a trace something happened: what an exemplar says of its measurement.
public struct SpanReference: Hashable, Sendable {
    /// A trace's number, sixteen bytes of which the first eight are `high`. Never all zero.
    public struct TraceID: Hashable, Sendable {
        /// The first eight bytes, the first of them the most significant.
        public let high: UInt64
        /// The last eight.
        public let low: UInt64
    }

    /// The trace.
    public let traceID: TraceID
    /// The span within it, eight bytes, the first of them the most significant. Never 0.
    public let spanID: UInt64
    /// Whether the trace is kept, as far as who started the span knows.
    public let isSampled: Bool

    /// A span by its numbers.
    ///
    /// - Parameters:
    ///   - high: The first eight bytes of the trace's number.
    ///   - low: The last eight.
    ///   - spanID: The span's number.
    ///   - isSampled: Whether the trace is kept.
    /// - Returns: `nil` where a trace or a span is all zero, which stands for none.
    public init?(traceHigh high: UInt64, low: UInt64, spanID: UInt64, isSampled: Bool) {
        guard high | low != 0, spanID != 0 else { return nil }
        traceID = TraceID(high: high, low: low)
        self.spanID = spanID
        self.isSampled = isSampled
    }

    /// A span by the value of a `traceparent` header (W3C Trace Context), such as
    /// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
    ///
    /// Versions that are still to come may have more behind the flags.
    ///
    /// - Returns: `nil` where the text is not exactly that: digits in capitals, blanks around it, version `ff`, zeros.
    public init?(traceparent text: some StringProtocol) {
        // As many as matter: a header may be of any length.
        let bytes = Array(text.utf8.prefix(Self.length + 1))
        guard bytes.count >= Self.length, [2, 35, 52].allSatisfy({ bytes[$0] == Self.dash }),
            let version = UInt64(hexadecimal: bytes[0..<2]), version != 0xFF,
            bytes.count == Self.length || version > 0 && bytes[Self.length] == Self.dash,
            let high = UInt64(hexadecimal: bytes[3..<19]), let low = UInt64(hexadecimal: bytes[19..<35]),
            let span = UInt64(hexadecimal: bytes[36..<52]), let flags = UInt64(hexadecimal: bytes[53..<55])
        else { return nil }
        self.init(traceHigh: high, low: low, spanID: span, isSampled: flags & 1 == 1)
    }

    /// Of a `traceparent` of version 00.
    private static let length = 55
    private static let dash = UInt8(ascii: "-")
}

extension SpanReference: CustomStringConvertible {
    /// As a `traceparent` of version 00.
    public var description: String {
        "00-\(traceID)-\(spanID.sixteenDigits)-\(isSampled ? "01" : "00")"
    }
}

extension SpanReference.TraceID: CustomStringConvertible {
    /// Thirty-two hexadecimal digits.
    public var description: String { high.sixteenDigits + low.sixteenDigits }
}

extension UInt64 {
    /// Hexadecimal digits, small ones, and nothing else.
    fileprivate init?(hexadecimal digits: ArraySlice<UInt8>) {
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        self = value
    }

    fileprivate var sixteenDigits: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
