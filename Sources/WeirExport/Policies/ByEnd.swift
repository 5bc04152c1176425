private import WeirBatch

/// The oldest waiting batch goes: after an outage, the newest are there.
package struct DropOldest: QueuePolicy {
    package init() {}
}

/// The arriving batch goes: what began an outage is there afterwards, and its end is not.
package struct DropNewest: QueuePolicy {
    package init() {}

    package mutating func admit(_ arriving: Amount, _ levels: QueueLevels, now: UInt64) -> Admission {
        levels.fits(arriving) ? .accept : .refuse(.overflowNewest)
    }
}

/// The newest waiting batch is delivered first and the oldest goes: what is seen is as fresh as can be, and out of order.
package struct LastInFirstOut: QueuePolicy {
    package init() {}

    package var deliversNewestFirst: Bool { true }
}

/// The two oldest become one. Deltas lose resolution and no counts: they are merged while the queue fills, and only
/// where that does not keep up the oldest goes. Of cumulative batches the newer one says all that the older one said.
package struct Coalesce: QueuePolicy {
    package init() {}

    package var mergesDeltas: Bool { true }

    package mutating func evict(_ levels: QueueLevels, now: UInt64) -> Eviction? {
        levels.isOverBounds ? .superseded : nil
    }
}
