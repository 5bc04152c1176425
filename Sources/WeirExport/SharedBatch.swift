package import WeirBatch
private import Synchronization

/// A batch with its place in a stream: immutable, encoded once, held by every sink that still wants it.
package final class SharedBatch: Sendable {
    package let stream: StreamID
    /// The numbers that it covers; they differ after coalescing.
    package let numbers: ClosedRange<UInt64>
    /// Part ``part`` of ``parts`` where a collection was split; 1 of 1 otherwise.
    package let part: UInt32
    package let parts: UInt32
    /// Nanoseconds since 1970.
    package let startTime: UInt64
    package let endTime: UInt64
    package let rows: UInt64
    package let points: UInt64
    /// What the payload decompresses to.
    package let rawLength: UInt64
    /// One standard zstd frame.
    package let bytes: [UInt8]

    private let budget: MemoryBudget?

    /// - Parameter budget: Counts the bytes as long as anybody holds the batch.
    package init(
        stream: StreamID, numbers: ClosedRange<UInt64>, startTime: UInt64 = 0, endTime: UInt64 = 0, rows: UInt64,
        points: UInt64 = 0, rawLength: UInt64 = 0, bytes: [UInt8], part: UInt32 = 1, parts: UInt32 = 1,
        budget: MemoryBudget? = nil
    ) {
        self.stream = stream
        self.numbers = numbers
        self.part = part
        self.parts = parts
        self.startTime = startTime
        self.endTime = endTime
        self.rows = rows
        self.points = points
        self.rawLength = rawLength
        self.bytes = bytes
        self.budget = budget
        budget?.add(bytes.count)
    }

    deinit {
        budget?.remove(bytes.count)
    }

    package var amount: Amount { Amount(batches: 1, rows: rows, bytes: UInt64(bytes.count)) }

    package func gap(_ cause: Gap.Cause) -> Gap {
        Gap(
            first: numbers.lowerBound, last: numbers.upperBound, batches: 1, rows: rows, startTime: startTime,
            endTime: endTime, cause: cause)
    }
}

/// How many bytes of batches all sinks together hold, each batch counted once however many sinks share it.
package final class MemoryBudget: Sendable {
    /// Bytes.
    package let limit: Int

    // Relaxed: a number alone, which orders nothing else.
    private let held = Atomic<Int>(0)

    package init(limit: Int = 128 << 20) {
        self.limit = limit
    }

    package var used: Int { held.load(ordering: .relaxed) }

    package var isExceeded: Bool { used > limit }

    fileprivate func add(_ bytes: Int) { held.add(bytes, ordering: .relaxed) }

    fileprivate func remove(_ bytes: Int) { held.subtract(bytes, ordering: .relaxed) }
}
