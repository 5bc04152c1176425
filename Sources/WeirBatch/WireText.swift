/// Tag values in a ``StringTable`` and on the wire, where a string ends at its first zero byte.
///
/// A zero byte is written as `␀0`, and `␀` (U+2400) therefore as `␀␀`: values that differ are written differently, so that
/// two series never become one. Strings that are in a table are as they are written.
enum WireText {
    private static let symbol: [UInt8] = [0xE2, 0x90, 0x80]

    /// Calls `body` with each byte of a text as it is written, without the zero at its end.
    static func forEachByte(of text: String, _ body: (UInt8) -> Void) {
        // How much of the symbol the last bytes are. Its bytes all differ.
        var run = 0
        for byte in text.utf8 {
            if byte == 0 {
                for byte in symbol { body(byte) }
                body(UInt8(ascii: "0"))
            } else {
                body(byte)
            }
            run = byte == symbol[run] ? run + 1 : byte == symbol[0] ? 1 : 0
            if run == symbol.count {
                for byte in symbol { body(byte) }
                run = 0
            }
        }
    }
}
