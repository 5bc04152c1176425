extension Int64 {
    /// A Double in the bucket that the number belongs to: the number itself, or the next Double up where it is none. A bucket
    /// holds its upper bound, so that compares with every bound as the number does.
    ///
    /// The buckets of an exponential distribution below zero are those above it, mirrored: there it is the next Double down.
    @inline(__always)
    func asDouble(inBucketOf kind: Series.Kind) -> Double {
        // Every number up to 2^53 is a Double.
        magnitude <= 1 << 53 ? Double(self) : rounded(inBucketOf: kind)
    }

    @inline(never)
    private func rounded(inBucketOf kind: Series.Kind) -> Double {
        let nearest = Double(self)
        // 2^63 is more than any number.
        let whole = Int64(exactly: nearest) ?? .max
        if kind == .exponential, self < 0 { return whole > self ? nearest.nextDown : nearest }
        return whole < self ? nearest.nextUp : nearest
    }
}
