private import WeirSystem

/// A distribution at one time, of either kind.
package struct Distribution: Equatable, Sendable {
    package var sum: Scalar
    /// Smallest and greatest value, where the view keeps them and there was one.
    package var minimum: Double?
    package var maximum: Double?
    /// Sum of the squares, where the view keeps it.
    package var squares: Double?
    package var buckets: Buckets

    package enum Buckets: Equatable, Sendable {
        /// Upper bounds, each inclusive; one more count than bounds.
        case explicit(bounds: [Double], counts: [UInt64])
        case exponential(ExponentialBuckets)
    }

    package init(
        sum: Scalar, minimum: Double? = nil, maximum: Double? = nil, squares: Double? = nil, buckets: Buckets
    ) {
        self.sum = sum
        self.minimum = minimum
        self.maximum = maximum
        self.squares = squares
        self.buckets = buckets
    }

    /// How many measurements: the sum of the buckets.
    package var count: UInt64 {
        switch buckets {
        case .explicit(_, let counts): counts.reduce(0, &+)
        case .exponential(let buckets): buckets.count
        }
    }

    /// Nil where nothing was measured.
    package var mean: Double? {
        let count = count
        return count == 0 ? nil : sum.double / Double(count)
    }

    /// Both together; nil where the bounds differ.
    package func merged(with other: Distribution) -> Distribution? {
        var result = self
        switch (buckets, other.buckets) {
        case (.explicit(let bounds, var counts), .explicit(let otherBounds, let otherCounts)):
            guard bounds == otherBounds, counts.count == otherCounts.count else { return nil }
            for index in counts.indices { counts[index] &+= otherCounts[index] }
            result.buckets = .explicit(bounds: bounds, counts: counts)
        case (.exponential(let left), .exponential(let right)):
            result.buckets = .exponential(left.merged(with: right))
        default: return nil
        }
        result.sum = sum + other.sum
        result.minimum = Self.either(minimum, other.minimum, Swift.min)
        result.maximum = Self.either(maximum, other.maximum, Swift.max)
        result.squares = Self.either(squares, other.squares, +)
        return result
    }

    private static func either(_ left: Double?, _ right: Double?, _ both: (Double, Double) -> Double) -> Double? {
        guard let left, let right else { return left ?? right }
        return both(left, right)
    }
}

/// The buckets in use of an exponential distribution: index `i` is `(base^i, base^(i+1)]`, base 2^(2^-scale).
package struct ExponentialBuckets: Equatable, Sendable {
    package var scale: Int32
    package var zeroCount: UInt64
    /// Ascending by index.
    package var positive: [Bucket]
    /// Values below zero by their magnitude, ascending by index.
    package var negative: [Bucket]

    package struct Bucket: Equatable, Sendable {
        package var index: Int32
        package var count: UInt64

        package init(index: Int32, count: UInt64) {
            self.index = index
            self.count = count
        }
    }

    package init(scale: Int32, zeroCount: UInt64 = 0, positive: [Bucket] = [], negative: [Bucket] = []) {
        self.scale = scale
        self.zeroCount = zeroCount
        self.positive = positive
        self.negative = negative
    }

    package var count: UInt64 {
        positive.reduce(zeroCount) { $0 &+ $1.count } &+ negative.reduce(0) { $0 &+ $1.count }
    }

    /// Where bucket `index` ends: base^(index+1). Infinite past what a Double can hold.
    package func upperEdge(of index: Int32) -> Double { edge(Double(index) + 1) }

    /// Where bucket `index` begins: base^index.
    package func lowerEdge(of index: Int32) -> Double { edge(Double(index)) }

    private func edge(_ index: Double) -> Double {
        // A product of zero and infinity, from a scale that no encoder writes, is the edge at 1.
        let exponent = index * exp2(-Double(scale))
        return exponent.isNaN ? 1 : exp2(exponent)
    }

    /// How far a percentile may be off, as a part of it: half a bucket.
    package var relativeError: Double {
        let base = upperEdge(of: 0)
        return base.isFinite ? (base - 1) / (base + 1) : 1
    }

    /// The sum of both at the coarser scale.
    func merged(with other: ExponentialBuckets) -> ExponentialBuckets {
        let scale = min(scale, other.scale)
        return ExponentialBuckets(
            scale: scale, zeroCount: zeroCount &+ other.zeroCount,
            positive: Self.merge(coarsened(positive, to: scale), other.coarsened(other.positive, to: scale)),
            negative: Self.merge(coarsened(negative, to: scale), other.coarsened(other.negative, to: scale)))
    }

    /// Buckets at a coarser scale: each step of scale joins two neighbours.
    private func coarsened(_ buckets: [Bucket], to coarser: Int32) -> [Bucket] {
        let steps = Int64(scale) - Int64(coarser)
        guard steps > 0 else { return buckets }
        var result: [Bucket] = []
        for bucket in buckets {
            let index = bucket.index >> min(steps, 31)
            if result.last?.index == index {
                result[result.count - 1].count &+= bucket.count
            } else {
                result.append(Bucket(index: index, count: bucket.count))
            }
        }
        return result
    }

    private static func merge(_ left: [Bucket], _ right: [Bucket]) -> [Bucket] {
        var result: [Bucket] = []
        result.reserveCapacity(max(left.count, right.count))
        var (l, r) = (0, 0)
        while l < left.count || r < right.count {
            if r == right.count || (l < left.count && left[l].index < right[r].index) {
                result.append(left[l])
                l += 1
            } else if l == left.count || right[r].index < left[l].index {
                result.append(right[r])
                r += 1
            } else {
                result.append(Bucket(index: left[l].index, count: left[l].count &+ right[r].count))
                (l, r) = (l + 1, r + 1)
            }
        }
        return result
    }
}
