/// One encoded batch: exactly one standard zstd frame, immutable, shared by all sinks of a feed.
package final class Payload: Sendable {
    /// The zstd frame, with content size and checksum; its content is a `weir.v1.Batches` of one batch.
    package let bytes: [UInt8]

    /// Bytes of the frame's content.
    package let rawLength: UInt64
    /// Series, and single numbers in the value columns.
    package let rows: UInt64
    package let points: UInt64
    /// Nanoseconds since 1970.
    package let startTime: UInt64
    package let endTime: UInt64

    init(bytes: [UInt8], rawLength: UInt64, batch: borrowing Batch) {
        self.bytes = bytes
        self.rawLength = rawLength
        rows = UInt64(batch.rows)
        points = UInt64(batch.points)
        startTime = batch.startTime
        endTime = batch.endTime
    }
}

extension FrameHeader {
    /// A header for a payload; the sink adds its gaps.
    package init(stream: StreamID, first: UInt64, last: UInt64, payload: borrowing Payload) {
        self.init(stream: stream, first: first, last: last)
        startTime = payload.startTime
        endTime = payload.endTime
        rows = payload.rows
        points = payload.points
        payloadLength = UInt64(payload.bytes.count)
        rawLength = payload.rawLength
    }
}
