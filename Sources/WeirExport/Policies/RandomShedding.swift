private import WeirBatch

/// An arriving batch is refused with a probability that grows with the queue: never up to `low`, always from `high` on.
/// A reader then sees every so many batches instead of all up to some moment and none after it.
package struct RandomShedding: QueuePolicy {
    /// Parts of the bounds.
    package let low: Double
    package let high: Double

    private var random: any RandomNumberGenerator & Sendable

    package init(
        low: Double, high: Double, random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.low = low
        self.high = max(low, high)
        self.random = random
    }

    package mutating func admit(_ arriving: Amount, _ levels: QueueLevels, now: UInt64) -> Admission {
        let fill = levels.fill
        if fill <= low { return .accept }
        if fill >= high { return .refuse(.random) }
        let draw = Double(random.next() >> 11) / Double(UInt64(1) << 53)
        return draw < (fill - low) / (high - low) ? .refuse(.random) : .accept
    }
}
