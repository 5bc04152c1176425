package import WeirBatch

/// What a full queue does. A policy is a small function of the queue's levels and the clock; the queue does the rest:
/// it moves batches, keeps the accounts and remembers the gaps.
///
/// Bounds hold whatever a policy says: ``evict(_:now:)`` is asked until nothing is over them. Where the queue can make room
/// without a loss, by merging or by a disk, it does that before it drops what a policy names.
package protocol QueuePolicy: Sendable {
    /// Whether the newest waiting batch is delivered first. The order of arrival, otherwise.
    var deliversNewestFirst: Bool { get }

    /// Whether waiting delta batches are merged, two by two from the oldest on, before the queue is full.
    var mergesDeltas: Bool { get }

    /// Whether an arriving batch enters. `levels` do not yet include it. One that is parked is asked about again
    /// whenever the levels have changed.
    mutating func admit(_ arriving: Amount, _ levels: QueueLevels, now: UInt64) -> Admission

    /// Which waiting batch goes, asked after each change until it says nil. What is in flight is never asked about.
    mutating func evict(_ levels: QueueLevels, now: UInt64) -> Eviction?
}

extension QueuePolicy {
    package var deliversNewestFirst: Bool { false }

    package var mergesDeltas: Bool { false }

    package mutating func admit(_ arriving: Amount, _ levels: QueueLevels, now: UInt64) -> Admission { .accept }

    package mutating func evict(_ levels: QueueLevels, now: UInt64) -> Eviction? {
        levels.isOverBounds ? .oldest(.overflowOldest) : nil
    }
}

/// What a policy says of an arriving batch.
package enum Admission: Equatable, Sendable {
    case accept
    case refuse(Gap.Cause)
    /// The collector waits until there is room, at most so long; then the batch is refused as timed out.
    case park(until: UInt64)
}

/// Which batch a policy lets go.
package enum Eviction: Equatable, Sendable {
    case oldest(Gap.Cause)
    case newest(Gap.Cause)
    /// The oldest, of which nothing is lost where a newer one of the same cumulative series waits.
    case superseded

    /// Whether the batch goes since the queue is over its bounds, not for its age or by chance.
    var isForRoom: Bool {
        switch self {
        case .oldest(.overflowOldest), .newest(.overflowNewest), .superseded: true
        case .oldest, .newest: false
        }
    }
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

    package init(queued: Amount, inflight: Amount, bounds: QueueBounds, oldestArrival: UInt64? = nil) {
        self.queued = queued
        self.inflight = inflight
        self.bounds = bounds
        self.oldestArrival = oldestArrival
    }

    package var isOverBounds: Bool {
        queued.batches + inflight.batches > bounds.batches || queued.bytes + inflight.bytes > bounds.bytes
    }

    /// Whether one more would stay within the bounds.
    package func fits(_ arriving: Amount) -> Bool {
        queued.batches + inflight.batches + arriving.batches <= bounds.batches
            && queued.bytes + inflight.bytes + arriving.bytes <= bounds.bytes
    }

    /// How much of the bounds is taken, the greater part of batches and bytes: from 0 to 1, more where they are passed.
    package var fill: Double {
        max(
            Double(queued.batches + inflight.batches) / Double(max(bounds.batches, 1)),
            Double(queued.bytes + inflight.bytes) / Double(max(bounds.bytes, 1)))
    }
}
