package import WeirBatch
private import Synchronization

/// A batch with its place in a stream: immutable, encoded once, held by every sink that still wants it.
package final class SharedBatch: Sendable {
    package let stream: StreamID
    /// The numbers that it covers; they differ after coalescing.
    package let numbers: ClosedRange<UInt64>
    /// Those of its newest collection: all but what went into it by coalescing.
    package let newestNumbers: ClosedRange<UInt64>
    /// Whether its values count from the batch before; dropping one then loses totals.
    package let isDelta: Bool
    /// Part ``part`` of ``parts`` where a collection was split; 1 of 1 otherwise.
    package let part: UInt32
    package let parts: UInt32
    /// Nanoseconds since 1970.
    package let startTime: UInt64
    package let endTime: UInt64
    package let rows: UInt64
    package let points: UInt64
    /// By how much the clock was set where its stream began for that reason; otherwise 0. Nanoseconds.
    package let clockStep: Int64
    /// What the payload decompresses to.
    package let rawLength: UInt64
    /// One standard zstd frame.
    package let bytes: [UInt8]

    private let budget: MemoryBudget?

    /// - Parameters:
    ///   - newestNumbers: Those of its newest collection, where others were coalesced into it.
    ///   - budget: Counts the bytes as long as anybody holds the batch.
    package init(
        stream: StreamID, numbers: ClosedRange<UInt64>, newestNumbers: ClosedRange<UInt64>? = nil,
        startTime: UInt64 = 0, endTime: UInt64 = 0, rows: UInt64, points: UInt64 = 0, rawLength: UInt64 = 0,
        bytes: [UInt8], isDelta: Bool = false, part: UInt32 = 1, parts: UInt32 = 1, clockStep: Int64 = 0,
        budget: MemoryBudget? = nil
    ) {
        self.stream = stream
        self.numbers = numbers
        self.newestNumbers = newestNumbers ?? numbers
        self.isDelta = isDelta
        self.part = part
        self.parts = parts
        self.clockStep = clockStep
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

    /// What a reader misses without this batch. Of one that goes into a newer one, that is its newest collection: the
    /// others were told before.
    package func gap(_ cause: Gap.Cause) -> Gap {
        let numbers = cause == .coalesced ? newestNumbers : numbers
        return Gap(
            first: numbers.lowerBound, last: numbers.upperBound, batches: 1, rows: rows, startTime: startTime,
            endTime: endTime, cause: cause)
    }

    /// What goes before it: all but what a sink adds of its own.
    var plainHeader: FrameHeader {
        var header = FrameHeader(stream: stream, first: numbers.lowerBound, last: numbers.upperBound)
        header.part = part
        header.parts = parts
        header.startTime = startTime
        header.endTime = endTime
        header.rows = rows
        header.points = points
        header.payloadLength = UInt64(bytes.count)
        header.rawLength = rawLength
        header.clockStep = clockStep
        return header
    }

    /// A batch that came back from a spill, of this process or of one before.
    convenience init(spilled header: FrameHeader, bytes: [UInt8], budget: MemoryBudget? = nil) {
        self.init(
            stream: header.stream, numbers: header.first...max(header.first, header.last),
            startTime: header.startTime, endTime: header.endTime, rows: header.rows, points: header.points,
            rawLength: header.rawLength, bytes: bytes, part: header.part, parts: header.parts,
            clockStep: header.clockStep, budget: budget)
    }

    /// Several as one, or as a part of one. It covers the numbers of all, and counts against the newest one's budget.
    convenience init(
        merging older: SharedBatch, _ newest: SharedBatch, into payload: Payload, part: UInt32 = 1, parts: UInt32 = 1
    ) {
        self.init(
            stream: newest.stream, numbers: older.numbers.lowerBound...newest.numbers.upperBound,
            newestNumbers: newest.newestNumbers, startTime: payload.startTime, endTime: payload.endTime,
            rows: payload.rows, points: payload.points, rawLength: payload.rawLength, bytes: payload.bytes,
            isDelta: true, part: part, parts: parts, clockStep: newest.clockStep,
            budget: newest.budget)
    }

    /// Whether a newer batch says all that this one says. A part says what is in no other.
    func isSuperseded(by newer: SharedBatch) -> Bool {
        stream == newer.stream && !isDelta && !newer.isDelta && newer.parts == 1
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
