/// The collector waits for room, at most so long; then the batch is refused.
package struct Block: QueuePolicy {
    /// Nanoseconds.
    package let deadline: UInt64

    package init(deadline: UInt64) {
        self.deadline = deadline
    }

    package mutating func admit(_ arriving: Amount, _ levels: QueueLevels, now: UInt64) -> Admission {
        levels.fits(arriving) ? .accept : .park(until: now.addingClamped(deadline))
    }
}

/// Takes batches as they come until the queue is filled to the high mark; from then on the collector waits with each
/// one until no more than the low mark is taken, which makes it asynchronous again.
package struct AsyncThenSync: QueuePolicy {
    /// Parts of the bounds.
    package let high: Double
    package let low: Double
    /// Nanoseconds.
    package let deadline: UInt64

    private var isSynchronous = false

    package init(high: Double, low: Double, deadline: UInt64) {
        self.high = high
        self.low = min(low, high)
        self.deadline = deadline
    }

    package mutating func admit(_ arriving: Amount, _ levels: QueueLevels, now: UInt64) -> Admission {
        isSynchronous = levels.fill > (isSynchronous ? low : high)
        return !isSynchronous && levels.fits(arriving) ? .accept : .park(until: now.addingClamped(deadline))
    }
}

extension UInt64 {
    /// The sum, or the greatest number there is.
    func addingClamped(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
