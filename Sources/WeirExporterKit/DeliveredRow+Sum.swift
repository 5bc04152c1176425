extension DeliveredRow {
    /// Rows of one view as one: values, counts and buckets added, from the earliest start to the latest end, with the tags
    /// of the first and the exemplars of all. There must be one at least.
    package static func sum(_ rows: [DeliveredRow]) -> DeliveredRow {
        rows.dropFirst().reduce(rows[0]) { DeliveredRow($0, adding: $1) }
    }

    private init(_ row: DeliveredRow, adding other: DeliveredRow) {
        tags = row.tags
        startTime = min(row.startTime, other.startTime)
        endTime = max(row.endTime, other.endTime)
        value = row.value + other.value
        // Where no Int64 holds it, the nearest.
        integer = Int64(clamping: Int128(row.integer) + Int128(other.integer))
        count = row.count &+ other.count
        range = Self.union(row.range, other.range)
        // A view's rows have the same bounds, and so as many buckets.
        buckets = zip(row.buckets, other.buckets).map { $0 &+ $1 }
        zeroCount = row.zeroCount &+ other.zeroCount
        positive = Self.merged(row.positive, other.positive)
        negative = Self.merged(row.negative, other.negative)
        exemplars = row.exemplars + other.exemplars
    }

    private static func union(_ left: ClosedRange<Double>?, _ right: ClosedRange<Double>?) -> ClosedRange<Double>? {
        guard let left, let right else { return left ?? right }
        return min(left.lowerBound, right.lowerBound)...max(left.upperBound, right.upperBound)
    }

    /// Both ascend by index, and so does what comes of them.
    private static func merged(_ left: [DeliveredBucket], _ right: [DeliveredBucket]) -> [DeliveredBucket] {
        var result: [DeliveredBucket] = []
        for bucket in (left + right).sorted(by: { $0.index < $1.index }) {
            guard let last = result.last, last.index == bucket.index else {
                result.append(bucket)
                continue
            }
            result[result.count - 1] = DeliveredBucket(index: bucket.index, count: last.count &+ bucket.count)
        }
        return result
    }
}
