/// Turns batches into payloads; keeps its buffers and zstd's state from one to the next.
///
/// Columns go to protobuf-c as whole arrays, where they lie: no message exists per row and nothing is copied on the way
/// into the one buffer that zstd then reads.
package struct BatchEncoder: ~Copyable {
    /// zstd's levels.
    package static var levels: ClosedRange<Int32> { compressionLevels }

    private var packer: BatchPacker
    private var compressor: Compressor
    private let limits: ReadLimits

    /// - Parameters:
    ///   - level: zstd's. 1 by default: on columns, 3 costs almost three times the time for 3 % of the size.
    ///   - limits: Those of the readers that are to read the batches.
    /// - Throws: ``BatchError/compressionLevel(allowed:found:)`` or ``BatchError/outOfMemory``.
    package init(level: Int32 = 1, limits: ReadLimits = ReadLimits()) throws(BatchError) {
        compressor = try Compressor(level: level)
        packer = BatchPacker(rawLimit: limits.rawLength)
        self.limits = limits
    }

    /// Encodes and compresses a batch. Allocates the payload's bytes and, where the batch is the greatest so far, larger
    /// buffers.
    ///
    /// - Throws: a content error where columns contradict each other, ``BatchError/tooLong(_:limit:found:)`` where a
    ///   reader with the encoder's limits would refuse it.
    package mutating func encode(_ batch: borrowing Batch) throws(BatchError) -> Payload {
        if let batch = batch.withOneOverflow { return try encode(batch) }
        try packer.pack(batch)
        let bytes = try compressor.compress(packer.output)
        let limit = UInt64(limits.payloadLength)
        guard bytes.count <= limit else { throw .tooLong(.payload, limit: limit, found: UInt64(bytes.count)) }
        return Payload(bytes: bytes, rawLength: UInt64(packer.output.count), batch: batch)
    }
}
