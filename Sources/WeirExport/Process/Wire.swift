/// Builds a message between this process and a plugin's: eight bytes of length and kind, then fields without padding,
/// little-endian numbers, and texts behind their length.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    /// Leaves room for the prefix, which ``finish(_:following:)`` fills.
    init() {
        bytes = [UInt8](repeating: 0, count: WirePrefix.length)
    }

    mutating func add(_ number: UInt32) { append(number) }

    mutating func add(_ number: UInt64) { append(number) }

    mutating func add(_ number: Int64) { append(UInt64(bitPattern: number)) }

    mutating func add(_ text: String) {
        append(UInt32(clamping: text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// One word that says whether a text follows, then the text.
    mutating func add(_ text: String?) {
        append(UInt32(text == nil ? 0 : 1))
        if let text { add(text) }
    }

    /// - Parameter following: Bytes that belong to the message and are sent behind these.
    consuming func finish(_ kind: UInt32, following: Int = 0) -> [UInt8] {
        let length = UInt32(clamping: bytes.count - WirePrefix.length + following)
        for shift in 0..<4 {
            bytes[shift] = UInt8(truncatingIfNeeded: length >> UInt32(8 * shift))
            bytes[4 + shift] = UInt8(truncatingIfNeeded: kind >> UInt32(8 * shift))
        }
        return bytes
    }

    private mutating func append(_ number: some FixedWidthInteger & UnsignedInteger) {
        var rest = number
        for _ in 0..<number.bitWidth / 8 {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }
}

/// Takes a message apart, believing nothing: every length is held against what is there.
struct WireReader {
    private var rest: ArraySlice<UInt8>

    init(_ body: ArraySlice<UInt8>) {
        rest = body
    }

    mutating func number32() throws(WireFault) -> UInt32 { try number() }

    mutating func number64() throws(WireFault) -> UInt64 { try number() }

    mutating func signed() throws(WireFault) -> Int64 { Int64(bitPattern: try number()) }

    /// What is no UTF-8 in it is replaced.
    mutating func text() throws(WireFault) -> String {
        String(decoding: try take(Int(number32())), as: UTF8.self)
    }

    mutating func optionalText() throws(WireFault) -> String? { try number32() == 0 ? nil : try text() }

    /// How many elements follow, each of at least so many bytes: never more than could be there.
    mutating func count(elementLength: Int) throws(WireFault) -> Int {
        let count = Int(try number32())
        guard count <= rest.count / elementLength else { throw .cutOff(needed: count, left: rest.count) }
        return count
    }

    func end() throws(WireFault) {
        guard rest.isEmpty else { throw .trailing(bytes: rest.count) }
    }

    private mutating func number<Number: FixedWidthInteger & UnsignedInteger>() throws(WireFault) -> Number {
        try take(Number.bitWidth / 8).reversed().reduce(0) { $0 << 8 | Number($1) }
    }

    private mutating func take(_ count: Int) throws(WireFault) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw .cutOff(needed: count, left: rest.count) }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}

/// What every message begins with.
struct WirePrefix: Equatable {
    static let length = 8

    /// Bytes that follow.
    var bodyLength: Int
    var kind: UInt32

    init(_ bytes: ArraySlice<UInt8>) throws(WireFault) {
        var reader = WireReader(bytes)
        bodyLength = Int(try reader.number32())
        kind = try reader.number32()
    }
}

/// What the other side said that makes no sense.
package enum WireFault: Error, Equatable, Sendable {
    case unknownKind(UInt32)
    case tooLong(kind: UInt32, limit: Int, found: Int)
    case cutOff(needed: Int, left: Int)
    case trailing(bytes: Int)
    case unknownValue(field: String, found: UInt64)
    /// A message that nothing asked for.
    case unexpected(kind: UInt32)
}

extension WireFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownKind(let kind): "a message of the unknown kind \(kind)"
        case .tooLong(let kind, let limit, let found):
            "a message of kind \(kind) with \(found) bytes: wanted at most \(limit)"
        case .cutOff(let needed, let left): "a message that ends early: wanted \(needed) more, found \(left) bytes"
        case .trailing(let bytes): "a message with \(bytes) bytes too many"
        case .unknownValue(let field, let found): "a message whose \(field) is \(found)"
        case .unexpected(let kind): "a message of kind \(kind) that nothing asked for"
        }
    }
}
