private import CWeirCPU

/// How long a tag's value may be. One that is longer is cut at a character's boundary and ends in `…`.
///
/// The limit is the process's: tags are made before anybody knows which ``Stats`` will record them. It holds for values
/// that are given from then on; tags that were built before keep theirs.
///
/// A cut value is its first bytes and a mark in the label of its entry, so that recording it copies nothing. A value that
/// ends in `…` by itself is taken apart in the same way: both are written alike, so both are one series, whichever comes
/// first.
package enum TagLimit {
    /// Bytes, the `…` of a value that is cut included.
    package static let range = 64...(1 << 20)
    package static let standard = 1_024

    /// What a cut value ends in.
    static let mark = "…"
    static let markLength = 3
    /// The mark's three bytes as they stand in the upper ones of a word.
    private static let markWord: UInt32 = 0xA680_E2

    package static var bytes: Int {
        get { Int(weir_process_load_tag_limit()) }
        set { weir_process_set_tag_limit(UInt64(min(max(newValue, range.lowerBound), range.upperBound))) }
    }

    /// How many values were cut, in all of the process: each time one was given.
    package static var cutCount: UInt64 { weir_process_load_cut_tags() }

    /// What is kept of a text that every batch has, as of a tag's value.
    package static func cut(_ text: String) -> String { cut(text, to: bytes) }

    /// - Parameter limit: Bytes. Nothing is kept where not even the mark has room.
    package static func cut(_ text: String, to limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        weir_process_count_cut_tag()
        guard limit >= markLength else { return "" }
        var end = text.utf8.index(text.startIndex, offsetBy: limit - markLength)
        while String.Index(end, within: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return String(text[..<end]) + mark
    }

    /// How many bytes of a value are kept, and whether the mark stands behind them.
    ///
    /// - Parameter count: More than ``TagWords/capacity``.
    static func kept(of bytes: UnsafeRawPointer, count: Int) -> (count: Int, isCut: Bool) {
        let limit = Self.bytes
        if count <= limit {
            let end = unsafe UInt32(littleEndian: (bytes + (count - 4)).loadUnaligned(as: UInt32.self))
            // No cut value is so short that what is kept of it fills no more than its words.
            let isMarked = end >> 8 == markWord && count - markLength > TagWords.capacity
            return isMarked ? (count - markLength, true) : (count, false)
        }
        weir_process_count_cut_tag()
        var end = limit - markLength
        // Within a character, whose first byte is one of the three before: a string's bytes are UTF-8.
        while unsafe bytes.load(fromByteOffset: end, as: UInt8.self) & 0xC0 == 0x80 { end -= 1 }
        return (end, true)
    }
}
