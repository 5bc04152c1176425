internal import WeirExporterKit

/// An exponential distribution as Prometheus's native histogram: buckets in runs, each count as the difference from the one
/// before.
///
/// A bucket of index i is (base^(i-1), base^i] there and (base^i, base^(i+1)] here. Schemas go from -4 to 8: a finer scale
/// is made coarser, pair by pair.
struct NativeHistogram: Equatable {
    struct Span: Equatable {
        /// From the end of the run before; the first one's from 0.
        var offset: Int32
        var length: UInt32
    }

    struct Buckets: Equatable {
        var spans: [Span] = []
        var deltas: [Int64] = []
    }

    var count: UInt64
    var sum: Double
    var schema: Int32
    var zeroCount: UInt64
    var positive: Buckets
    var negative: Buckets

    static let schemas: ClosedRange<Int32> = -4...8

    /// nil where the scale is coarser than any schema.
    init?(_ row: DeliveredRow, scale: Int32) {
        guard scale >= Self.schemas.lowerBound else { return nil }
        schema = min(scale, Self.schemas.upperBound)
        count = row.count
        sum = row.value
        zeroCount = row.zeroCount
        positive = Self.buckets(row.positive, shift: scale - schema)
        negative = Self.buckets(row.negative, shift: scale - schema)
    }

    /// One without a measurement: what a series that ended has beside its sum, which says so.
    init(ended sum: Double) {
        (count, self.sum, schema, zeroCount) = (0, sum, 0, 0)
        (positive, negative) = (Buckets(), Buckets())
    }

    static func buckets(_ buckets: [DeliveredBucket], shift: Int32) -> Buckets {
        var merged: [(index: Int64, count: UInt64)] = []
        for bucket in buckets where bucket.count > 0 {
            let index = Int64(shift > 31 ? (bucket.index < 0 ? -1 : 0) : bucket.index >> shift) + 1
            if merged.last?.index == index {
                merged[merged.count - 1].count += bucket.count
            } else {
                merged.append((index, bucket.count))
            }
        }
        var result = Buckets()
        var next: Int64 = 0
        var previous: UInt64 = 0
        for (index, count) in merged {
            if result.spans.isEmpty || index > next {
                result.spans.append(Span(offset: Int32(clamping: index - next), length: 0))
            }
            result.spans[result.spans.count - 1].length += 1
            result.deltas.append(Int64(bitPattern: count &- previous))
            next = index + 1
            previous = count
        }
        return result
    }
}
