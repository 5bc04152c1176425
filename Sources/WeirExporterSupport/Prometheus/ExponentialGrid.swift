package import WeirExporterKit
private import WeirSystem

/// The bounds that an exponential distribution is shown with: one list for all series of a view, since queries add
/// buckets of one bound.
///
/// Buckets that any series uses are in it, and the lower bound of each first one, so that what is below is seen to be
/// empty. Where they are too many, neighbours merge; every bound that is left then was one before.
package struct ExponentialGrid {
    /// What a series has, before all are known.
    package struct Buckets {
        package var zeroCount: UInt64
        package var positive: [DeliveredBucket]
        package var negative: [DeliveredBucket]

        package init(zeroCount: UInt64, positive: [DeliveredBucket], negative: [DeliveredBucket]) {
            self.zeroCount = zeroCount
            self.positive = positive
            self.negative = negative
        }
    }

    private let scale: Int32
    /// By how many halvings of the scale buckets are merged.
    private var shift: Int32 = 0
    /// Bounds, ascending.
    package let bounds: [Double]

    package init(scale: Int32, series: some Collection<Buckets>, limit: Int) {
        self.scale = scale
        var positive: Set<Int32> = []
        var negative: Set<Int32> = []
        for buckets in series {
            for bucket in buckets.positive where bucket.count > 0 { positive.insert(bucket.index) }
            for bucket in buckets.negative where bucket.count > 0 { negative.insert(bucket.index) }
        }
        while positive.count + negative.count > limit, shift < 31 {
            shift += 1
            positive = Set(positive.map { $0 >> 1 })
            negative = Set(negative.map { $0 >> 1 })
        }
        var found: Set<Double> = []
        let present = scale - shift
        for index in positive {
            found.insert(Self.edge(Int64(index), present))
            found.insert(Self.edge(Int64(index) + 1, present))
        }
        for index in negative {
            found.insert(-Self.edge(Int64(index), present))
            found.insert(-Self.edge(Int64(index) + 1, present))
        }
        if series.contains(where: { $0.zeroCount > 0 }) || !negative.isEmpty && !positive.isEmpty { found.insert(0) }
        // -0 and 0 are one bound, and its text is one.
        bounds = found.filter(\.isFinite).map { $0 == 0 ? 0 : $0 }.sorted()
    }

    /// Counts by bucket, one more than there are bounds.
    package func counts(_ buckets: Buckets) -> [UInt64] {
        var counts = [UInt64](repeating: 0, count: bounds.count + 1)
        let present = scale - shift
        for bucket in buckets.positive {
            counts[place(of: Self.edge(Int64(bucket.index >> shift) + 1, present))] &+= bucket.count
        }
        for bucket in buckets.negative {
            counts[place(of: -Self.edge(Int64(bucket.index >> shift), present))] &+= bucket.count
        }
        if buckets.zeroCount > 0 { counts[place(of: 0)] &+= buckets.zeroCount }
        return counts
    }

    /// The first bucket whose bound is not less.
    private func place(of bound: Double) -> Int {
        var (low, high) = (0, bounds.count)
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] < bound { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// base^index, where base is 2^(2^-scale); powers of two are exact.
    private static func edge(_ index: Int64, _ scale: Int32) -> Double {
        exp2(Double(index) * exp2(Double(-scale)))
    }
}
