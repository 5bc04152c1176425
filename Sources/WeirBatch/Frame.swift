/// What a reader meets, in order.
package enum Item {
    /// A header and its payload.
    case frame(Frame)
    /// A stream's orderly end.
    case endMark(EndMark)
    /// A payload that no header precedes: number, stream and gaps are not known.
    case headless(HeadlessFrame)
    /// Bytes that cannot be read.
    case damage(Damage)
}

/// A header, and a payload that is decompressed only when asked for.
package struct Frame {
    /// Where the header begins.
    package let offset: UInt64
    package let header: FrameHeader
    /// Bytes of header and payload.
    package let length: UInt64
    let payload: StoredPayload

    /// The payload as it was written: one zstd frame, not yet looked at.
    package func payloadBytes() throws(BatchError) -> [UInt8] { try payload.read() }

    /// The message `weir.v1.Batches` in the payload, decompressed and its checksum checked.
    package func message() throws(BatchError) -> [UInt8] {
        try payload.decoding { bytes, decoder throws(BatchError) in try decoder.message(bytes, header: header) }
    }

    /// Decompresses and checks the batch.
    ///
    /// - Throws: what is wrong with it; ``damage(_:)`` then says what was lost. Reading goes on either way.
    package func batch() throws(BatchError) -> Batch {
        try payload.decoding { bytes, decoder throws(BatchError) in try decoder.decode(bytes, header: header) }
    }

    /// What is lost with a frame whose batch could not be had.
    package func damage(_ reason: BatchError) -> Damage {
        Damage(offset: offset, length: length, reason: reason, lost: header)
    }
}

/// A header without a payload: nothing follows in its stream.
package struct EndMark: Equatable, Sendable {
    /// Where the header begins, and its bytes.
    package let offset: UInt64
    package let length: UInt64
    package let header: FrameHeader
}

/// A zstd frame without a header: somebody compressed batches by hand, or the header is damaged.
package struct HeadlessFrame {
    package let offset: UInt64
    package let length: UInt64
    let payload: StoredPayload

    /// Decompresses and checks what may be any number of batches, or no Weir batch at all.
    package func batches() throws(BatchError) -> [Batch] {
        try payload.decoding { bytes, decoder throws(BatchError) in try decoder.decode(headless: bytes) }
    }

    /// What is lost with a frame whose batches could not be had.
    package func damage(_ reason: BatchError) -> Damage {
        Damage(offset: offset, length: length, reason: reason, lost: nil)
    }
}

/// Bytes that could not be read, and what went with them.
package struct Damage: Equatable, Sendable {
    package let offset: UInt64
    /// Bytes passed over.
    package let length: UInt64
    package let reason: BatchError
    /// The header of the batch that is lost, where a header could be read; what else is lost nobody knows.
    package let lost: FrameHeader?
}

/// A payload at hand, or still in its source.
struct StoredPayload {
    let access: BatchAccess
    let offset: UInt64
    let length: Int
    /// Set where the source will not have them again.
    var bytes: [UInt8]?

    func read() throws(BatchError) -> [UInt8] {
        if let bytes { return bytes }
        let bytes = try access.source.read(at: offset, atLeast: length, upTo: length)
        guard bytes.count == length else { throw .truncated(expected: UInt64(length), found: UInt64(bytes.count)) }
        return bytes
    }

    func decoding<Result>(
        _ body: ([UInt8], inout BatchDecoder) throws(BatchError) -> Result
    ) throws(BatchError) -> Result {
        do {
            return try body(try read(), &access.decoder)
        } catch {
            access.failedPayload = offset
            throw error
        }
    }
}

/// The source and the one decoder that a reader and its frames share.
final class BatchAccess {
    let source: any ByteSource
    var decoder: BatchDecoder
    /// Where the last payload begins that could not be decoded.
    var failedPayload: UInt64?

    init(source: any ByteSource, limits: ReadLimits) throws(BatchError) {
        self.source = source
        decoder = try BatchDecoder(limits: limits)
    }
}
