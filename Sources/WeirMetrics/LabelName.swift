/// What a label is called as a measure and a view: a letter, then letters, digits and `_ . - /`.
enum LabelName {
    /// Bytes of a label that is kept as it is: with the word of a kind behind it, it is still a name.
    private static let longest = 220

    /// A label that is not too long to be kept: one that is, is cut, and ends in a number that tells it from others which
    /// begin so.
    static func withinLimits(_ label: String) -> String {
        guard label.utf8.count > longest else { return label }
        // FNV-1a (Fowler, Noll, Vo, 1991): the same name in every process.
        let hash = label.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return label.cut(to: longest - 17) + "_" + String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The name of a label that is not too long: what cannot stand in one becomes `_`.
    static func usable(_ label: String) -> String {
        var bytes = label.utf8.map { isAllowed($0) ? $0 : UInt8(ascii: "_") }
        if bytes.first.map({ !isLetter($0) }) ?? true { bytes.insert(contentsOf: Array("metric_".utf8), at: 0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte & 0xDF) }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        isLetter(byte) || (48...57).contains(byte) || "_.-/".utf8.contains(byte)
    }
}

extension String {
    /// As many whole characters of it as so many bytes hold.
    func cut(to length: Int) -> String {
        guard utf8.count > length else { return self }
        var end = utf8.index(startIndex, offsetBy: length)
        while String.Index(end, within: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
