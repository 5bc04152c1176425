private import CWeirCPU

/// Strings of up to fifteen bytes, as Swift holds them: in the two words of the `String` itself.
///
/// Asked for its bytes, Swift writes such a string to the stack and hands out a pointer; loads that do not fit its
/// stores then wait for them, and lengths are branched on. The words themselves are the padded value that ``TagWords``
/// wants. How they are laid out is what every 64-bit Swift 5 and 6 does (`StringObject.swift`), but nobody's promise:
/// so it is checked once, and where it is not so, tags at a call are made into ``Tags``.
enum SmallString {
    /// Whether they are laid out so.
    @inline(__always)
    static var isKnown: Bool { weir_process_knows_small_strings() }

    /// The value and its length, where the string is a small one. To be asked only where ``isKnown``.
    @inline(__always)
    static func read(_ string: String) -> (words: TagWords, length: Int)? {
        #if _pointerBitWidth(_64) && _endian(little)
        let (low, high) = unsafe unsafeBitCast(string, to: (UInt64, UInt64).self)
        return read(low, high)
        #else
        return nil
        #endif
    }

    /// The same of the two words of a string, which is so read where it lies: no reference is counted.
    @inline(__always)
    static func read(_ low: UInt64, _ high: UInt64) -> (words: TagWords, length: Int)? {
        #if _pointerBitWidth(_64) && _endian(little)
        // The highest byte: 0b1x1 and no fourth bit, then the length in four bits.
        guard high &>> 61 & 0b101 == 0b101 else { return nil }
        return (TagWords(low: low, high: high & 0x00FF_FFFF_FFFF_FFFF), Int(high &>> 56 & 0xF))
        #else
        return nil
        #endif
    }

    /// Finds out whether small strings are what they are taken for.
    static func check() {
        let text = "a\u{E9}0\0~;v\u{7FF}Z89xy"
        let bytes = Array(text.utf8)
        for length in 0...bytes.count {
            // Made at run time, whatever the compiler knows about literals.
            let string = String(decoding: bytes[..<length], as: Unicode.UTF8.self)
            // One that was cut within a letter is another.
            guard string.utf8.elementsEqual(bytes[..<length]) else { continue }
            let words = unsafe bytes.withUnsafeBytes { unsafe TagWords($0.baseAddress!, count: length) }
            guard let small = read(string), small.length == length, small.words == words else { return }
        }
        guard bytes.count == 15, read(String(decoding: bytes + bytes, as: Unicode.UTF8.self)) == nil else { return }
        weir_process_know_small_strings()
    }
}
