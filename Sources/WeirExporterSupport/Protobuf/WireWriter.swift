/// Writes a protobuf message from its end to its beginning, into one buffer that is kept.
///
/// A message's length stands before its content and is known only after it: whoever writes backward needs neither a pass
/// for sizes nor a copy. So the last field is added first, and of a repeated field the last element.
@safe
package struct WireWriter: ~Copyable, @unchecked Sendable {
    // Safe, and Sendable: `start` and all that is written stay within the buffer, which only this struct has.
    private var buffer: UnsafeMutableRawBufferPointer
    /// Where the first byte stands. All behind it is written.
    private var start: Int

    /// - Parameter capacity: What the buffer begins with. It grows with the longest message and is not given back.
    package init(capacity: Int = 4096) {
        let capacity = max(capacity, 64)
        unsafe buffer = .allocate(byteCount: capacity, alignment: 16)
        start = capacity
    }

    deinit {
        unsafe buffer.deallocate()
    }

    /// Bytes written so far.
    package var count: Int { unsafe buffer.count - start }

    /// Forgets what was written.
    package mutating func reset() { rewind(to: 0) }

    /// Forgets what was written since ``count`` was `earlier`.
    package mutating func rewind(to earlier: Int) { unsafe start = max(start, buffer.count - earlier) }

    /// What was written, from its beginning.
    package var bytes: [UInt8] { unsafe Array(buffer[start...]) }

    // MARK: - Fields

    package mutating func add(_ field: UInt32, varint value: UInt64) {
        prepend(varint: value)
        prepend(tag: field, .varint)
    }

    /// A `sint32` or `sint64`.
    package mutating func add(_ field: UInt32, zigzag value: Int64) {
        add(field, varint: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    package mutating func add(_ field: UInt32, fixed64 value: UInt64) {
        prepend(fixed64: value)
        prepend(tag: field, .fixed64)
    }

    package mutating func add(_ field: UInt32, double value: Double) { add(field, fixed64: value.bitPattern) }

    package mutating func add(_ field: UInt32, text: String) {
        var text = text
        text.withUTF8 { utf8 in unsafe prepend(UnsafeRawBufferPointer(utf8)) }
        prepend(length: text.utf8.count, field)
    }

    /// Bytes that are numbers of eight each, the most significant byte first.
    package mutating func add(_ field: UInt32, bigEndian words: [UInt64]) {
        for word in words.reversed() { prepend(fixed64: word.byteSwapped) }
        prepend(length: words.count * 8, field)
    }

    /// A message, whose fields `body` adds, the last one first.
    package mutating func add(_ field: UInt32, message body: (inout WireWriter) -> Void) {
        let end = count
        body(&self)
        endMessage(field, since: end)
    }

    /// Makes a message of all that was written since ``count`` was `end`.
    package mutating func endMessage(_ field: UInt32, since end: Int) { prepend(length: count - end, field) }

    // MARK: - Packed fields

    // Elements come in the order of the array.

    package mutating func add(_ field: UInt32, packedFixed64 values: [UInt64]) {
        for value in values.reversed() { prepend(fixed64: value) }
        prepend(length: values.count * 8, field)
    }

    package mutating func add(_ field: UInt32, packedDoubles values: [Double]) {
        for value in values.reversed() { prepend(fixed64: value.bitPattern) }
        prepend(length: values.count * 8, field)
    }

    package mutating func add(_ field: UInt32, packedVarints values: [UInt64]) {
        let end = count
        for value in values.reversed() { prepend(varint: value) }
        prepend(length: count - end, field)
    }

    package mutating func add(_ field: UInt32, packedZigzags values: [Int64]) {
        let end = count
        for value in values.reversed() { prepend(varint: UInt64(bitPattern: (value << 1) ^ (value >> 63))) }
        prepend(length: count - end, field)
    }

    // MARK: - Bytes

    private mutating func prepend(tag field: UInt32, _ kind: WireKind) {
        prepend(varint: UInt64(field) << 3 | UInt64(kind.rawValue))
    }

    private mutating func prepend(length: Int, _ field: UInt32) {
        prepend(varint: UInt64(length))
        prepend(tag: field, .bytes)
    }

    private mutating func prepend(varint value: UInt64) {
        let length = value < 0x80 ? 1 : (70 - value.leadingZeroBitCount) / 7
        makeRoom(length)
        start -= length
        var rest = value
        for place in start..<(start + length - 1) {
            unsafe buffer[place] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
        }
        unsafe buffer[start + length - 1] = UInt8(truncatingIfNeeded: rest)
    }

    private mutating func prepend(fixed64 value: UInt64) {
        makeRoom(8)
        start -= 8
        unsafe buffer.storeBytes(of: value.littleEndian, toByteOffset: start, as: UInt64.self)
    }

    private mutating func prepend(_ bytes: UnsafeRawBufferPointer) {
        makeRoom(bytes.count)
        start -= bytes.count
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[start...]).copyMemory(from: bytes)
    }

    private mutating func makeRoom(_ length: Int) {
        if start < length { grow(by: length) }
    }

    private mutating func grow(by length: Int) {
        let written = count
        let capacity = unsafe max(buffer.count * 2, written + length)
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
        unsafe UnsafeMutableRawBufferPointer(rebasing: larger[(capacity - written)...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start...]))
        unsafe buffer.deallocate()
        unsafe buffer = larger
        start = capacity - written
    }
}

/// How a field's value is written.
package enum WireKind: UInt8, Sendable {
    case varint = 0
    case fixed64 = 1
    case bytes = 2
    case fixed32 = 5
}
