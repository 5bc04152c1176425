/// Bytes that a reader takes from some offset on: a file, a descriptor, memory. Used by one reader at a time.
package protocol ByteSource: AnyObject {
    /// What error messages call it.
    var path: String { get }

    /// How many bytes there are now, where the source can be read at any offset; nil where it only passes by once.
    func length() throws(BatchError) -> UInt64?

    /// The bytes at an offset: as many as are at hand up to `upTo`, and no fewer than `atLeast` unless the source ends.
    ///
    /// A source that passes by waits until it has `atLeast` or has ended; what ended may later have more.
    func read(at offset: UInt64, atLeast: Int, upTo: Int) throws(BatchError) -> [UInt8]

    /// Promises that nothing before an offset will be asked for again.
    func forget(before offset: UInt64)
}

/// Bytes in memory.
package final class MemorySource: ByteSource {
    package let path = "memory"
    private var bytes: [UInt8]

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Grows, as a file does that is being written.
    package func append(_ more: some Sequence<UInt8>) {
        bytes += more
    }

    package func length() -> UInt64? { UInt64(bytes.count) }

    package func read(at offset: UInt64, atLeast: Int, upTo: Int) -> [UInt8] {
        guard offset < bytes.count else { return [] }
        return Array(bytes[Int(offset)...].prefix(upTo))
    }

    package func forget(before offset: UInt64) {}
}
