import WeirBatch
import WeirTestSupport

/// The bytes of files that the shop's server wrote: killed once, restarted once, with a slow sink in between.
enum ShopFiles {
    /// Header and payload.
    static func frame(
        _ batch: Batch, _ number: UInt64, stream: StreamID = ShopBatches.stream, previous: StreamID? = nil,
        gaps: [Gap] = []
    ) throws -> [UInt8] {
        var encoder = try BatchEncoder()
        let payload = try encoder.encode(batch)
        var header = FrameHeader(stream: stream, first: number, last: number, payload: payload)
        header.previousStream = previous
        header.gaps = gaps
        return header.encoded() + payload.bytes
    }

    static func endMark(_ number: UInt64, stream: StreamID, time: UInt64) -> [UInt8] {
        var header = FrameHeader(stream: stream, first: number, last: number)
        (header.startTime, header.endTime) = (time, time)
        return header.encoded()
    }

    static let gap = Gap(
        first: 3, last: 4, batches: 2, rows: 22, startTime: ShopBatches.begin + 20 * ShopBatches.second,
        endTime: ShopBatches.begin + 40 * ShopBatches.second, cause: .overflowOldest)

    static let firstName = "20261124T130000Z-1.weir.zst"
    static let secondName = "20261124T130120Z-1.weir.zst"

    /// Batches 1, 2, 5 and 7: two dropped with a word, one missing without, no end mark.
    static func first() throws -> [UInt8] {
        try frame(ShopBatches.batch(1), 1) + frame(ShopBatches.batch(2), 2)
            + frame(ShopBatches.batch(5), 5, gaps: [gap]) + frame(ShopBatches.batch(7), 7)
    }

    /// After the restart: two batches and an end in order.
    static func second() throws -> [UInt8] {
        let since = ShopBatches.begin + 80 * ShopBatches.second
        let stream = ShopBatches.restarted
        return try frame(ShopBatches.batch(9, since: since), 1, stream: stream, previous: ShopBatches.stream)
            + frame(ShopBatches.batch(10, since: since), 2, stream: stream, previous: ShopBatches.stream)
            + endMark(2, stream: stream, time: ShopBatches.begin + 100 * ShopBatches.second)
    }

    /// Both files in a folder of their own.
    static func folder() throws -> TemporaryDirectory {
        let folder = try TemporaryDirectory()
        try folder.write(first(), to: firstName)
        try folder.write(second(), to: secondName)
        return folder
    }
}
