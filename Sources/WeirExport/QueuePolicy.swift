package import WeirBatch

/// What a full queue does. A policy is a small function of the queue's levels and the clock; the queue does the rest:
/// it moves batches, keeps the accounts and remembers the gaps.
package protocol QueuePolicy: Sendable {
    /// Whether the newest waiting batch is delivered first. The order by number, otherwise.
    var deliversNewestFirst: Bool { get }

    /// Whether an arriving batch enters. `levels` do not yet include it.
    mutating func admit(_ arriving: Amount, _ levels: QueueLevels, now: UInt64) -> Admission

    /// Which waiting batch goes, asked after each change until it says nil. What is in flight is never asked about.
    mutating func evict(_ levels: QueueLevels, now: UInt64) -> Eviction?
}

extension QueuePolicy {
    package var deliversNewestFirst: Bool { false }

    package mutating func admit(_ arriving: Amount, _ levels: QueueLevels, now: UInt64) -> Admission { .accept }
}

/// What a policy says of an arriving batch.
package enum Admission: Equatable, Sendable {
    case accept
    case refuse(Gap.Cause)
}

/// Which batch a policy lets go.
package enum Eviction: Equatable, Sendable {
    case oldest(Gap.Cause)
    case newest(Gap.Cause)
}

/// How much a sink may hold. What is in flight counts.
package struct QueueBounds: Equatable, Sendable {
    package var batches: UInt64
    package var bytes: UInt64
    /// A batch that waited longer is dropped as expired. Nanoseconds; nil for no such bound.
    package var ageNanoseconds: UInt64?

    package init(batches: UInt64 = 256, bytes: UInt64 = 32 << 20, ageNanoseconds: UInt64? = nil) {
        self.batches = batches
        self.bytes = bytes
        self.ageNanoseconds = ageNanoseconds
    }
}

/// What a policy may look at.
package struct QueueLevels: Equatable, Sendable {
    package var queued: Amount
    package var inflight: Amount
    package var bounds: QueueBounds
    /// When the oldest waiting batch arrived, by the monotonic clock.
    package var oldestArrival: UInt64?

    package var isOverBounds: Bool {
        queued.batches + inflight.batches > bounds.batches || queued.bytes + inflight.bytes > bounds.bytes
    }
}

/// The oldest waiting batch goes: after an outage, the newest are there.
package struct DropOldest: QueuePolicy {
    package init() {}

    package mutating func evict(_ levels: QueueLevels, now: UInt64) -> Eviction? {
        levels.isOverBounds ? .oldest(.overflowOldest) : nil
    }
}
