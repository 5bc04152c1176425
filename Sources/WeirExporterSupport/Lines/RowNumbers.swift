package import WeirExporterKit

/// What a row comes to where a line has one number.
package enum RowNumbers {
    /// A number in text; nil for what is none.
    package static func text(_ value: Double) -> String? { value.isFinite ? "\(value)" : nil }

    /// A count, a sum or a last value.
    package static func text(of row: DeliveredRow, in view: DeliveredView) -> String? {
        view.isInteger ? "\(row.integer)" : text(row.value)
    }

    /// What is told of a distribution beside its count and sum: name and value, estimated from its buckets as `weir dump`
    /// does.
    package static func summary(of row: DeliveredRow, in view: DeliveredView) -> [(name: String, value: Double)] {
        let buckets: Distribution.Buckets
        switch view.kind {
        case .distribution(let bounds):
            guard row.buckets.count == bounds.count + 1 else { return [] }
            buckets = .explicit(bounds: bounds, counts: row.buckets)
        case .exponentialDistribution(let scale):
            buckets = .exponential(
                ExponentialBuckets(
                    scale: scale, zeroCount: row.zeroCount, positive: row.positive.map(ExponentialBuckets.Bucket.init),
                    negative: row.negative.map(ExponentialBuckets.Bucket.init)))
        case .count, .sum, .lastValue: return []
        }
        let distribution = Distribution(
            sum: .double(row.value), minimum: row.range?.lowerBound, maximum: row.range?.upperBound, squares: nil,
            buckets: buckets)
        guard distribution.count > 0 else { return [] }
        var numbers: [(name: String, value: Double)] = []
        if let range = row.range { numbers = [("min", range.lowerBound), ("max", range.upperBound)] }
        for (name, part) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
            if let percentile = distribution.percentile(part) { numbers.append((name, percentile.value)) }
        }
        return numbers
    }
}

extension ExponentialBuckets.Bucket {
    fileprivate init(_ bucket: DeliveredBucket) { self.init(index: bucket.index, count: bucket.count) }
}
