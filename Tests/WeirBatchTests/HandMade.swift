/// Bytes made by hand, as no writer of ours would.
enum HandMade {
    /// A zstd frame of uncompressed blocks, without checksum.
    static func zstdFrame(_ content: [UInt8], declaring length: Int? = nil) -> [UInt8] {
        let chunks = stride(from: 0, to: max(content.count, 1), by: 128 << 10).map { start in
            Array(content[start..<min(start + 128 << 10, content.count)])
        }
        let blocks = chunks.enumerated().map { index, chunk in
            block(type: 0, length: chunk.count, isLast: index == chunks.count - 1) + chunk
        }
        return opening(length ?? content.count) + blocks.joined()
    }

    /// A zstd frame of blocks that say "128 KiB of zeros" in four bytes each. Without a declared length it has the form
    /// that a streaming compressor writes.
    static func bomb(blocks: Int, declaring length: Int?) -> [UInt8] {
        // Window descriptor 0x38: 128 KiB.
        let start = length.map(opening) ?? littleEndian(0xFD2F_B528) + [0x00, 0x38]
        return start + (0..<blocks).flatMap { block(type: 1, length: 128 << 10, isLast: $0 == blocks - 1) + [0] }
    }

    /// A skippable frame.
    static func skippable(_ body: [UInt8], magic: UInt32 = 0x184D_2A57, declaring length: UInt32? = nil) -> [UInt8] {
        littleEndian(magic) + littleEndian(length ?? UInt32(body.count)) + body
    }

    /// A header whose checksum holds, around any message.
    static func header(_ message: [UInt8], version: UInt8 = 1) -> [UInt8] {
        let body = Array("WEIR".utf8) + [version] + message
        let frame = littleEndian(0x184D_2A57) + littleEndian(UInt32(body.count + 4)) + body
        return frame + littleEndian(checksum(frame))
    }

    /// CRC-32C bit by bit.
    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { register, byte in
            (0..<8).reduce(register ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0x82F6_3B78 : 0) }
        }
    }

    static func littleEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// Magic, a descriptor that says "single segment, length in four bytes", length.
    private static func opening(_ length: Int) -> [UInt8] {
        littleEndian(0xFD2F_B528) + [0xA0] + littleEndian(UInt32(length))
    }

    private static func block(type: Int, length: Int, isLast: Bool) -> [UInt8] {
        Array(littleEndian(UInt32(length << 3 | type << 1 | (isLast ? 1 : 0))).prefix(3))
    }
}

/// A protobuf message written field by field.
struct Message {
    private(set) var bytes: [UInt8] = []

    func number(_ field: Int, _ value: UInt64) -> Message {
        appending(varint(UInt64(field << 3)) + varint(value))
    }

    func fixed64(_ field: Int, _ value: UInt64) -> Message {
        appending(varint(UInt64(field << 3 | 1)) + (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
    }

    func bytes(_ field: Int, _ value: some Collection<UInt8>) -> Message {
        appending(varint(UInt64(field << 3 | 2)) + varint(UInt64(value.count)) + value)
    }

    func text(_ field: Int, _ value: String) -> Message { bytes(field, Array(value.utf8)) }

    func message(_ field: Int, _ value: Message) -> Message { bytes(field, value.bytes) }

    func packed(_ field: Int, _ values: [UInt64]) -> Message { bytes(field, values.flatMap(varint)) }

    private func appending(_ more: [UInt8]) -> Message {
        var copy = self
        copy.bytes += more
        return copy
    }

    private func varint(_ value: UInt64) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(truncatingIfNeeded: value) | 0x80] + varint(value >> 7)
    }
}

extension Message {
    /// A batch whose views are given.
    static func batch(strings: [String] = [], views: [Message]) -> Message {
        var batch = Message().number(1, 1)
        for string in strings { batch = batch.text(5, string) }
        for view in views { batch = batch.message(6, view) }
        return Message().message(1, batch)
    }

    /// The beginning of a view: everything but columns.
    static func view(_ aggregation: UInt64, rows: UInt64, tagKeys: Int = 0, bounds: Int = 0) -> Message {
        var view = Message().text(1, "view").number(5, aggregation).number(6, 1).number(7, 1).number(10, 1)
        for key in 0..<tagKeys { view = view.text(9, "key\(key)") }
        let bits = (0..<bounds).flatMap { bound in Message().fixed64(1, Double(bound).bitPattern).bytes.dropFirst() }
        if bounds > 0 { view = view.bytes(11, bits) }
        return view.number(13, rows)
    }

    /// Exemplars that say nothing, with the columns that stand beside these two.
    func exemplars(rows: [UInt64], tagCounts: [UInt64]) -> Message {
        let zeros = [UInt8](repeating: 0, count: 8 * rows.count)
        return (32...36).reduce(packed(31, rows)) { $0.bytes($1, zeros) }.packed(37, tagCounts)
    }
}
