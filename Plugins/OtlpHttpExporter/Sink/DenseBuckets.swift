internal import WeirExporterKit

/// An exponential distribution's buckets as OpenTelemetry writes them: all from the first in use to the last, empty ones
/// too.
///
/// Buckets that lie far apart would be a long list of zeros. Such a distribution is shown at a lower scale, at which pairs
/// of buckets are one: no count is in a wrong bucket, only in a wider one.
struct DenseBuckets: Equatable {
    struct Side: Equatable {
        var offset: Int32 = 0
        var counts: [UInt64] = []
    }

    private(set) var scale: Int32
    private(set) var positive: Side
    private(set) var negative: Side

    /// Far more than a series of ours has, whose buckets are at most 160.
    private static let mostBuckets: Int64 = 1024

    init(scale: Int32, positive: [DeliveredBucket], negative: [DeliveredBucket]) {
        var shift: Int32 = 0
        while shift < 31, max(Self.width(positive, shift), Self.width(negative, shift)) > Self.mostBuckets {
            shift += 1
        }
        self.scale = scale - shift
        self.positive = Self.side(positive, shift)
        self.negative = Self.side(negative, shift)
    }

    private static func width(_ buckets: [DeliveredBucket], _ shift: Int32) -> Int64 {
        guard let first = buckets.first, let last = buckets.last else { return 0 }
        return Int64(last.index >> shift) - Int64(first.index >> shift) + 1
    }

    private static func side(_ buckets: [DeliveredBucket], _ shift: Int32) -> Side {
        guard let first = buckets.first else { return Side() }
        let offset = first.index >> shift
        var counts = [UInt64](repeating: 0, count: Int(width(buckets, shift)))
        for bucket in buckets { counts[Int(bucket.index >> shift) - Int(offset)] += bucket.count }
        return Side(offset: offset, counts: counts)
    }
}
