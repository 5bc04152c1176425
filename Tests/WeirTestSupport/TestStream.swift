package import WeirBatch

/// A stream of real frames: each payload a zstd frame of one small batch.
package struct TestStream: Sendable {
    package let stream: StreamID
    package let payload: Payload

    package init(_ seed: UInt64 = 1, rows: Int = 3) throws {
        stream = StreamID(high: seed, low: seed)
        var batch = Batch()
        batch.startTime = 1
        batch.endTime = 2
        var view = ViewColumns()
        view.name = "v"
        view.measure = "m"
        view.unit = "1"
        view.rows = rows
        view.isMonotonic = true
        view.startTimes = Array(repeating: 1, count: rows)
        view.integers = (0..<rows).map { Int64($0) &* 7_919 &* Int64(truncatingIfNeeded: seed) }
        batch.views = [view]
        var encoder = try BatchEncoder()
        payload = try encoder.encode(batch)
    }

    package func header(_ number: UInt64) -> FrameHeader {
        FrameHeader(stream: stream, first: number, last: number, payload: payload)
    }

    /// Header and payload, as they stand in a file.
    package func bytes(_ number: UInt64) -> [UInt8] { header(number).encoded() + payload.bytes }
}
