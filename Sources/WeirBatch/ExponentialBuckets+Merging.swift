extension ViewColumns {
    /// Makes an exponential distribution coarser: each step of scale joins two neighbouring buckets, and loses nothing
    /// but the difference between them.
    mutating func coarsen(to coarser: Int32) {
        guard aggregation == .exponentialDistribution, coarser < scale else { return }
        let steps = min(Int64(scale) - Int64(coarser), 31)
        positive.coarsen(steps: steps)
        negative.coarsen(steps: steps)
        scale = coarser
    }
}

extension ViewColumns.ExponentialBuckets {
    fileprivate mutating func coarsen(steps: Int64) {
        var result = Self()
        var position = 0
        for length in lengths {
            let first = result.indexes.count
            for _ in 0..<length {
                // Arithmetic, so that it rounds down on both sides of zero.
                result.append(indexes[position] >> steps, counts[position], first: first)
                position += 1
            }
            result.lengths.append(UInt32(result.indexes.count - first))
        }
        self = result
    }

    /// A bucket of the row whose buckets begin at `first`; one that is there already gets the count.
    private mutating func append(_ index: Int32, _ count: UInt64, first: Int) {
        if indexes.count > first, indexes[indexes.count - 1] == index {
            counts[counts.count - 1] &+= count
        } else {
            indexes.append(index)
            counts.append(count)
        }
    }

    /// Each row's buckets and those of its partner in another table, where it has one (not -1).
    package func adding(_ other: Self, _ partners: [Int]) -> Self {
        guard !other.lengths.isEmpty else { return self }
        let (mine, theirs) = (starts, other.starts)
        var result = Self()
        for (row, partner) in partners.enumerated() {
            let first = result.indexes.count
            let range = lengths.isEmpty ? 0..<0 : mine[row]..<mine[row + 1]
            let otherRange = partner < 0 ? 0..<0 : theirs[partner]..<theirs[partner + 1]
            var (left, right) = (range.lowerBound, otherRange.lowerBound)
            while left < range.upperBound || right < otherRange.upperBound {
                let takesLeft =
                    right == otherRange.upperBound
                    || left < range.upperBound && indexes[left] <= other.indexes[right]
                if takesLeft {
                    result.append(indexes[left], counts[left], first: first)
                    left += 1
                } else {
                    result.append(other.indexes[right], other.counts[right], first: first)
                    right += 1
                }
            }
            result.lengths.append(UInt32(result.indexes.count - first))
        }
        return result
    }
}
