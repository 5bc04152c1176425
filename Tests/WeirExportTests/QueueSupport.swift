import Testing
import WeirBatch
import WeirExport

/// A batch of a test stream, with no bytes that anybody would decode.
func batch(_ number: UInt64, rows: UInt64 = 10, bytes: Int = 100) -> SharedBatch {
    SharedBatch(
        stream: StreamID(high: 1, low: 2), numbers: number...number, startTime: number * 1000,
        endTime: number * 1000 + 999, rows: rows, bytes: [UInt8](repeating: 0, count: bytes))
}

/// Takes a batch that must be there.
func take(_ queue: inout SinkQueue, now: UInt64 = 0) throws -> InflightBatch {
    let taken = queue.take(now: now)
    return try #require(taken)
}

/// The numbers that a list of gaps covers, one by one.
func numbers(_ gaps: [Gap]) -> [UInt64] { gaps.flatMap { Array($0.first...$0.last) } }

/// Delivers the newest batch first and drops the oldest: exercises the queue's other end.
struct NewestFirst: QueuePolicy {
    var deliversNewestFirst: Bool { true }

    mutating func evict(_ levels: QueueLevels, now: UInt64) -> Eviction? {
        levels.isOverBounds ? .oldest(.overflowOldest) : nil
    }
}

/// Turns arriving batches away where the queue is full.
struct RefuseNewest: QueuePolicy {
    mutating func admit(_ arriving: Amount, _ levels: QueueLevels, now: UInt64) -> Admission {
        let held = levels.queued.batches + levels.inflight.batches
        let bytes = levels.queued.bytes + levels.inflight.bytes
        return held + 1 > levels.bounds.batches || bytes + arriving.bytes > levels.bounds.bytes
            ? .refuse(.overflowNewest) : .accept
    }

    mutating func evict(_ levels: QueueLevels, now: UInt64) -> Eviction? { nil }
}

/// Accepts, and lets the newest waiting batch go.
struct DropNewestWaiting: QueuePolicy {
    mutating func evict(_ levels: QueueLevels, now: UInt64) -> Eviction? {
        levels.isOverBounds ? .newest(.random) : nil
    }
}
