extension String {
    /// A text in which `%2C` stands for a byte, decoded (RFC 3986, 2.1). `nil` where two hexadecimal digits are missing behind a
    /// `%`, or what comes of it is not UTF-8.
    package init?(percentDecoding text: some StringProtocol) {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2).compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
            guard digits.count == 2 else { return nil }
            bytes.append(UInt8(digits[0] << 4 | digits[1]))
            rest.removeFirst(2)
        }
        self.init(validating: bytes, as: UTF8.self)
    }
}

extension StringProtocol where SubSequence == Substring {
    /// Without spaces before and behind.
    package var trimmed: String {
        let rest = drop { $0.isWhitespace }
        return rest.lastIndex { !$0.isWhitespace }.map { String(rest[...$0]) } ?? ""
    }
}
