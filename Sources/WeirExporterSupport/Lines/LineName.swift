package import WeirExporterKit

/// Names of which readers of lines make trees: letters, digits, `_` and `-`, with dots between levels.
package enum LineName {
    /// A name of ours: `/` becomes a level, whatever else does not fit `_`.
    package static func path(_ text: String) -> String { cleaned(text, keepsLevels: true) }

    /// One level: dots and slashes become `_` too. What is empty is `_`.
    package static func level(_ text: String) -> String { cleaned(text, keepsLevels: false) }

    /// Tags by their keys: where a key stands in a table may change from batch to batch, and a series' name must not.
    package static func ordered(_ tags: [DeliveredTag]) -> [DeliveredTag] { Mark.canonical(tags) }

    private static func cleaned(_ text: String, keepsLevels: Bool) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                bytes.append(byte)
            case UInt8(ascii: "/") where keepsLevels, UInt8(ascii: ".") where keepsLevels:
                // Two dots, and one at an end, make a level without a name, which some take for a line of nonsense.
                if let last = bytes.last, last != UInt8(ascii: ".") { bytes.append(UInt8(ascii: ".")) }
            default:
                // One for each character, not for each of its bytes.
                if byte & 0xC0 != 0x80 { bytes.append(UInt8(ascii: "_")) }
            }
        }
        while bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
        return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
    }

    /// A text with the bytes that mean something in its place replaced by `_`; control characters always.
    package static func escaped(_ text: String, _ special: String) -> String {
        let special = Array(special.utf8)
        let bytes = text.utf8.map { byte in
            byte <= 0x20 || byte == 0x7F || special.contains(byte) ? UInt8(ascii: "_") : byte
        }
        return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
    }
}
