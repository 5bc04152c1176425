import Testing
import WeirBatch
import WeirExport

/// A batch of a test stream, with no bytes that anybody would decode.
func batch(_ number: UInt64, rows: UInt64 = 10, bytes: Int = 100, isDelta: Bool = false) -> SharedBatch {
    SharedBatch(
        stream: StreamID(high: 1, low: 2), numbers: number...number, startTime: number * 1000,
        endTime: number * 1000 + 999, rows: rows, bytes: [UInt8](repeating: 0, count: bytes), isDelta: isDelta)
}

/// Takes a batch that must be there.
func take(_ queue: inout SinkQueue, now: UInt64 = 0) throws -> InflightBatch {
    let taken = queue.take(now: now)
    return try #require(taken)
}

/// The numbers that a list of gaps covers, one by one.
func numbers(_ gaps: [Gap]) -> [UInt64] { gaps.flatMap { Array($0.first...$0.last) } }

/// Accepts, and lets the newest waiting batch go.
struct DropNewestWaiting: QueuePolicy {
    mutating func evict(_ levels: QueueLevels, now: UInt64) -> Eviction? {
        levels.isOverBounds ? .newest(.random) : nil
    }
}
