internal import WeirExporterSupport

/// A distribution's buckets as one line of bars, the tallest for the fullest; an empty bucket is a dot.
enum BarPicture {
    private static let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// How many bars at most; neighbouring buckets are drawn together beyond that.
    static let width = 24

    static func text(_ buckets: Distribution.Buckets) -> String {
        switch buckets {
        case .explicit(_, let counts): draw(joined(counts))
        case .exponential(let buckets): draw(columns(buckets))
        }
    }

    private static func draw(_ counts: [UInt64]) -> String {
        guard let most = counts.max(), most > 0 else { return "" }
        return String(
            counts.map { count -> Character in
                guard count > 0 else { return "·" }
                let level = Int((Double(count) / Double(most) * Double(bars.count)).rounded(.up))
                return bars[min(max(level, 1), bars.count) - 1]
            })
    }

    private static func joined(_ counts: [UInt64]) -> [UInt64] {
        let step = (counts.count + width - 1) / width
        guard step > 1 else { return counts }
        return stride(from: 0, to: counts.count, by: step).map { start in
            counts[start..<min(start + step, counts.count)].reduce(0, &+)
        }
    }

    /// From the smallest value to the greatest: below zero, zero, above zero, each only where there is something.
    private static func columns(_ buckets: ExponentialBuckets) -> [UInt64] {
        var counts: [UInt64] = joined(buckets.negative).reversed()
        if buckets.zeroCount > 0 { counts.append(buckets.zeroCount) }
        return counts + joined(buckets.positive)
    }

    /// Bars of equal ratio over the span of the buckets in use.
    private static func joined(_ buckets: [ExponentialBuckets.Bucket]) -> [UInt64] {
        guard let first = buckets.first?.index, let last = buckets.last?.index, first <= last else { return [] }
        let span = Int64(last) - Int64(first) + 1
        let step = (span + Int64(width) - 1) / Int64(width)
        var counts = [UInt64](repeating: 0, count: Int((span + step - 1) / step))
        for bucket in buckets {
            let column = Int((Int64(bucket.index) - Int64(first)) / step)
            if counts.indices.contains(column) { counts[column] &+= bucket.count }
        }
        return counts
    }
}
