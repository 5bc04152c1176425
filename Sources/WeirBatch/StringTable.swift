/// Strings in one buffer, each ended by a zero byte, found by index.
///
/// The layout is what protobuf-c wants to see, so that a dictionary of any size reaches the wire without one
/// allocation a string. It does not look for equal strings: whoever adds knows what is already there.
package struct StringTable: Equatable, Sendable {
    /// The UTF-8 of all strings, a zero byte after each.
    package private(set) var bytes: [UInt8] = []

    /// Where each string begins in ``bytes``.
    package private(set) var offsets: [UInt32] = []

    package init() {}

    /// How many strings.
    package var count: Int { offsets.count }

    /// Adds a string and returns its index. The bytes must be UTF-8 and hold no zero byte.
    @discardableResult
    package mutating func append(utf8: Span<UInt8>) -> UInt32 {
        let index = UInt32(offsets.count)
        offsets.append(UInt32(bytes.count))
        unsafe utf8.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        bytes.append(0)
        return index
    }

    /// Adds a string and returns its index. A zero byte in it is written as ``WireText`` says, so what comes from another
    /// table is not to be added as a string.
    @discardableResult
    package mutating func append(_ string: String) -> UInt32 {
        let index = UInt32(offsets.count)
        offsets.append(UInt32(bytes.count))
        WireText.forEachByte(of: string) { bytes.append($0) }
        bytes.append(0)
        return index
    }

    /// Adds the string at an index of another table and returns its index.
    @discardableResult
    package mutating func append(_ other: StringTable, _ index: Int) -> UInt32 {
        let place = UInt32(offsets.count)
        offsets.append(UInt32(bytes.count))
        bytes += other.bytes[Int(other.offsets[index])..<other.end(of: index)]
        return place
    }

    /// Where a string ends in ``bytes``, its zero byte included.
    private func end(of index: Int) -> Int {
        index + 1 < offsets.count ? Int(offsets[index + 1]) : bytes.count
    }

    /// Bytes that a string takes, its zero byte included.
    func length(of index: Int) -> Int { end(of: index) - Int(offsets[index]) }

    /// The string at an index below ``count``.
    package subscript(index: Int) -> String {
        String(decoding: bytes[Int(offsets[index])..<(end(of: index) - 1)], as: UTF8.self)
    }

    /// Forgets all strings and keeps the memory.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
    }
}
