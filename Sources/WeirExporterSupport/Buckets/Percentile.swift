/// The value below which a part of the measurements lies, as far as buckets tell.
package struct Percentile: Equatable, Sendable {
    package var value: Double
    /// Whether it lies somewhere above ``value``: in the last bucket of a view that does not keep the maximum.
    package var isBeyond = false

    package init(value: Double, isBeyond: Bool = false) {
        self.value = value
        self.isBeyond = isBeyond
    }
}

extension Distribution {
    /// The percentile of a part between 0 and 1; nil where nothing was measured or the buckets do not tell.
    package func percentile(_ part: Double) -> Percentile? {
        let total = count
        guard total > 0 else { return nil }
        switch buckets {
        case .explicit(let bounds, let counts):
            return interpolated(rank: part * Double(total), bounds: bounds, counts: counts)
        case .exponential(let buckets):
            let rank = UInt64(min(max((part * Double(total)).rounded(.up), 1), 0x1p63))
            return Percentile(value: clamped(buckets.value(atRank: rank)))
        }
    }

    /// Explicit buckets: as if the values lay evenly within their bucket, whose edges minimum and maximum narrow.
    private func interpolated(rank: Double, bounds: [Double], counts: [UInt64]) -> Percentile? {
        let lastUsed = counts.lastIndex { $0 > 0 }
        var before = 0.0
        for (index, count) in counts.enumerated() where count > 0 {
            let after = before + Double(count)
            guard after >= rank || index == lastUsed else {
                before = after
                continue
            }
            guard let upper = index < bounds.count ? bounds[index] : maximum else {
                return bounds.last.map { Percentile(value: $0, isBeyond: true) }
            }
            let lower = lowerEdge(of: index, bounds: bounds, upper: upper)
            let within = min(max((rank - before) / Double(count), 0), 1)
            let (low, high) = (clamped(lower), clamped(upper))
            return Percentile(value: low + (high - low) * within)
        }
        return nil
    }

    /// Where a bucket begins. The first of a distribution that starts above zero begins at zero, as Prometheus has it.
    private func lowerEdge(of index: Int, bounds: [Double], upper: Double) -> Double {
        if index > 0, index <= bounds.count { return bounds[index - 1] }
        return minimum ?? (upper > 0 ? 0 : upper)
    }

    private func clamped(_ value: Double) -> Double {
        let raised = minimum.map { max(value, $0) } ?? value
        return maximum.map { min(raised, $0) } ?? raised
    }
}

extension ExponentialBuckets {
    /// The value that is nearest, relative to itself, to all of the bucket that holds the measurement of a rank from 1.
    func value(atRank rank: UInt64) -> Double {
        var before: UInt64 = 0
        for bucket in negative.reversed() {
            before &+= bucket.count
            if before >= rank { return -middle(of: bucket.index) }
        }
        before &+= zeroCount
        if before >= rank { return 0 }
        for bucket in positive {
            before &+= bucket.count
            if before >= rank { return middle(of: bucket.index) }
        }
        return positive.last.map { middle(of: $0.index) } ?? 0
    }

    /// `2ab / (a + b)`: as far from both edges, each distance taken as a part of the edge.
    private func middle(of index: Int32) -> Double {
        let (low, high) = (lowerEdge(of: index), min(upperEdge(of: index), .greatestFiniteMagnitude))
        // Of a bucket that begins at zero or past all Doubles, only an edge is left to name.
        guard low > 0, low < high else { return high }
        return low / (0.5 + 0.5 * low / high)
    }
}
