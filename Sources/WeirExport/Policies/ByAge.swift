private import WeirBatch

/// A batch goes that waited longer than `age`, and the oldest of a full queue.
package struct Expire: QueuePolicy {
    /// Nanoseconds.
    package let age: UInt64

    package init(age: UInt64) {
        self.age = age
    }

    package mutating func evict(_ levels: QueueLevels, now: UInt64) -> Eviction? {
        if let arrival = levels.oldestArrival, now > arrival, now - arrival > age { return .oldest(.expired) }
        return levels.isOverBounds ? .oldest(.overflowOldest) : nil
    }
}

/// CoDel for queues: a burst passes, a standing queue does not. When the oldest batch has waited longer than `target`
/// for a whole `interval`, batches go: the first at once, the next ones `interval / √n` after each other, until the
/// oldest has waited less.
///
/// After Nichols and Jacobson, "Controlling Queue Delay" (ACM Queue 10(5), 2012), with RFC 8289's way of taking up the
/// rate at which it dropped last. A link drops as it sends; a sink whose delivery hangs sends nothing, so here batches
/// also go when others arrive. A lone batch stays, as a lone packet does there: nothing stands behind it.
package struct ControlledDelay: QueuePolicy {
    /// Nanoseconds.
    package let target: UInt64
    package let interval: UInt64

    /// When dropping may begin if the oldest goes on to wait longer than the target; nil while it waits less.
    private var patience: UInt64?
    private var isDropping = false
    private var nextDrop: UInt64 = 0
    /// Batches dropped since dropping began, and what that count began with.
    private var count: UInt64 = 0
    private var firstCount: UInt64 = 0

    package init(target: UInt64, interval: UInt64) {
        self.target = target
        self.interval = max(interval, 1)
    }

    package mutating func evict(_ levels: QueueLevels, now: UInt64) -> Eviction? {
        guard stands(levels, now: now) else {
            isDropping = false
            return levels.isOverBounds ? .oldest(.overflowOldest) : nil
        }
        if !isDropping {
            let dropped = count - firstCount
            // Soon after it last dropped, at the rate that was needed then.
            count = dropped > 1 && now < nextDrop.addingClamped(interval.multipliedClamped(by: 16)) ? dropped : 1
            firstCount = count
            isDropping = true
            nextDrop = now.addingClamped(spacing)
            return .oldest(.codel)
        }
        if now >= nextDrop {
            count += 1
            nextDrop = nextDrop.addingClamped(spacing)
            return .oldest(.codel)
        }
        return levels.isOverBounds ? .oldest(.overflowOldest) : nil
    }

    /// Whether the oldest batch has waited longer than the target for a whole interval.
    private mutating func stands(_ levels: QueueLevels, now: UInt64) -> Bool {
        guard let arrival = levels.oldestArrival, levels.queued.batches > 1, now > arrival, now - arrival > target
        else {
            patience = nil
            return false
        }
        if let patience { return now >= patience }
        patience = now.addingClamped(interval)
        return false
    }

    private var spacing: UInt64 { UInt64(Double(min(interval, 1 << 62)) / Double(count).squareRoot()) }
}

extension UInt64 {
    fileprivate func multipliedClamped(by other: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
