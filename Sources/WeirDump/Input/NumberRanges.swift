/// A set of numbers as ranges, neighbours merged: a stream's numbers without holes take one range.
struct NumberRanges: Equatable {
    /// Ascending, apart from each other by at least one number.
    private(set) var ranges: [ClosedRange<UInt64>] = []

    /// How many ranges are kept. Beyond that, the lowest two become one, and what lay between them counts as seen.
    static let limit = 65_536

    mutating func insert(_ range: ClosedRange<UInt64>) {
        var merged = range
        // The first range that ends at or after the number before this one; nearly always the last, or none.
        var low = ranges.count
        while low > 0, Self.reaches(ranges[low - 1], merged.lowerBound) { low -= 1 }
        var high = low
        while high < ranges.count, Self.reaches(merged, ranges[high].lowerBound) {
            merged = min(merged.lowerBound, ranges[high].lowerBound)...max(merged.upperBound, ranges[high].upperBound)
            high += 1
        }
        ranges.replaceSubrange(low..<high, with: [merged])
        if ranges.count > Self.limit {
            ranges.replaceSubrange(0..<2, with: [ranges[0].lowerBound...ranges[1].upperBound])
        }
    }

    /// Whether all numbers of a range are in the set.
    func contains(_ range: ClosedRange<UInt64>) -> Bool {
        ranges.last { $0.lowerBound <= range.lowerBound }.map { $0.upperBound >= range.upperBound } ?? false
    }

    /// The parts of a range that are not in the set.
    func missing(from range: ClosedRange<UInt64>) -> [ClosedRange<UInt64>] {
        var result: [ClosedRange<UInt64>] = []
        var next = range.lowerBound
        for known in ranges where known.upperBound >= next {
            if known.lowerBound > range.upperBound { break }
            if known.lowerBound > next { result.append(next...known.lowerBound - 1) }
            if known.upperBound >= range.upperBound { return result }
            next = known.upperBound + 1
        }
        result.append(next...range.upperBound)
        return result
    }

    /// The numbers that are in both sets.
    func common(with other: NumberRanges) -> [ClosedRange<UInt64>] {
        var result: [ClosedRange<UInt64>] = []
        var (mine, theirs) = (ranges[...], other.ranges[...])
        while let left = mine.first, let right = theirs.first {
            if left.overlaps(right) { result.append(left.clamped(to: right)) }
            if left.upperBound < right.upperBound { mine.removeFirst() } else { theirs.removeFirst() }
        }
        return result
    }

    /// Whether a range ends at or after the number before another begins.
    private static func reaches(_ range: ClosedRange<UInt64>, _ start: UInt64) -> Bool {
        range.upperBound >= start || range.upperBound + 1 == start
    }
}
