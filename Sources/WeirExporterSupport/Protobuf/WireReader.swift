/// Reads the fields of a protobuf message in their order. What it reads comes from a server: nothing is believed.
package struct WireReader: Sendable {
    /// What is wrong with a message, and at which byte.
    package enum Failure: Error, Equatable {
        /// It ends within a field.
        case truncated(at: Int)
        /// A number of more than 64 bits.
        case longNumber(at: Int)
        /// A field's number is 0 or too large, or it is written in a way that does not exist.
        case field(tag: UInt64, at: Int)
    }

    /// A field's value, as far as it can be told without the message's definition.
    package enum Value: Equatable, Sendable {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        /// A text, a message or packed numbers.
        case bytes(ArraySlice<UInt8>)
    }

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// nil at the end.
    package mutating func next() throws(Failure) -> (field: UInt32, value: Value)? {
        guard position < bytes.endIndex else { return nil }
        let begin = position
        let tag = try number()
        guard let kind = WireKind(rawValue: UInt8(tag & 7)), let field = UInt32(exactly: tag >> 3),
            1..<(1 << 29) ~= field
        else { throw .field(tag: tag, at: begin) }
        switch kind {
        case .varint: return (field, .varint(try number()))
        case .fixed64: return (field, .fixed64(Self.little(try take(8))))
        case .fixed32: return (field, .fixed32(UInt32(Self.little(try take(4)))))
        case .bytes:
            guard let length = Int(exactly: try number()) else { throw .truncated(at: begin) }
            return (field, .bytes(try take(length)))
        }
    }

    private mutating func number() throws(Failure) -> UInt64 {
        let begin = position
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard position < bytes.endIndex else { throw .truncated(at: begin) }
            let byte = bytes[position]
            position += 1
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw .longNumber(at: begin)
    }

    private mutating func take(_ length: Int) throws(Failure) -> ArraySlice<UInt8> {
        guard length <= bytes.endIndex - position else { throw .truncated(at: position) }
        defer { position += length }
        return bytes[position..<(position + length)]
    }

    private static func little(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
