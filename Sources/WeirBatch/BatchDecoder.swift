/// Turns payloads back into batches; keeps zstd's state from one to the next. Thread-confined.
package struct BatchDecoder: ~Copyable {
    private var decompressor: Decompressor
    private let limits: ReadLimits

    package init(limits: ReadLimits = ReadLimits()) throws(BatchError) {
        decompressor = try Decompressor()
        self.limits = limits
    }

    /// The one batch of a frame, which must agree with the header before it.
    package mutating func decode(_ frame: [UInt8], header: FrameHeader) throws(BatchError) -> Batch {
        let batches = try Batch.unpack(message(frame, header: header), budget: limits.unpackedLength)
        guard batches.count == 1 else { throw .batchCount(expected: 1, found: batches.count) }
        try agree(header.startTime, batches[0].startTime, "start_time")
        try agree(header.endTime, batches[0].endTime, "end_time")
        try agree(header.rows, UInt64(batches[0].rows), "rows")
        try agree(header.points, UInt64(batches[0].points), "points")
        return batches[0]
    }

    /// The message `weir.v1.Batches` in a frame, whose checksum holds; the message itself is not looked at.
    package mutating func message(_ frame: [UInt8], header: FrameHeader) throws(BatchError) -> [UInt8] {
        guard frame.count == header.payloadLength else {
            throw .payloadLength(expected: header.payloadLength, found: UInt64(frame.count))
        }
        guard ZstdFrame.hasChecksum(frame) else { throw .noContentChecksum }
        let message = try decompressor.decompress(frame, limit: limits.rawLength)
        guard message.count == header.rawLength else {
            throw .rawLength(expected: header.rawLength, found: UInt64(message.count))
        }
        return message
    }

    /// The batches of a frame that stands alone.
    package mutating func decode(headless frame: [UInt8]) throws(BatchError) -> [Batch] {
        try Batch.unpack(decompressor.decompress(frame, limit: limits.rawLength), budget: limits.unpackedLength)
    }

    private func agree(_ header: UInt64, _ batch: UInt64, _ field: String) throws(BatchError) {
        guard header == batch else { throw .headerDisagrees(field: field, header: header, batch: batch) }
    }
}
