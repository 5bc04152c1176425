import Testing
import WeirDump
import WeirTestSupport
import WeirExporterSupport

@Suite("Percentiles")
struct PercentileTests {
    private func distribution(
        _ bounds: [Double], _ counts: [UInt64], minimum: Double? = nil, maximum: Double? = nil
    ) -> Distribution {
        Distribution(
            sum: .double(0), minimum: minimum, maximum: maximum, buckets: .explicit(bounds: bounds, counts: counts))
    }

    @Test("values lie evenly within their bucket")
    func interpolates() {
        let even = distribution([10, 20, 30], [10, 10, 10, 0])
        #expect(even.percentile(0.5)?.value == 15)
        #expect(even.percentile(1)?.value == 30)
        #expect(even.percentile(0.1)?.value == 3)
        #expect(even.percentile(0)?.value == 0)
    }

    @Test("minimum and maximum narrow the buckets that hold them")
    func clamps() {
        let narrow = distribution([10, 20], [0, 4, 0], minimum: 14, maximum: 16)
        #expect(narrow.percentile(0)?.value == 14)
        #expect(narrow.percentile(0.5)?.value == 15)
        #expect(narrow.percentile(0.99)!.value <= 16)
        let single = distribution([10, 20], [0, 1, 0], minimum: 14, maximum: 14)
        #expect(single.percentile(0.5) == Percentile(value: 14))
    }

    @Test("past the last bound the maximum ends the bucket, and without one the percentile is beyond the bound")
    func overflow() {
        #expect(distribution([10], [0, 2], minimum: 12, maximum: 20).percentile(0.5)?.value == 16)
        #expect(distribution([10], [1, 9]).percentile(0.9) == Percentile(value: 10, isBeyond: true))
        #expect(distribution([], [3]).percentile(0.5) == nil)
        #expect(distribution([], [4], minimum: 1, maximum: 3).percentile(0.5)?.value == 2)
    }

    @Test("below a first bound that is not above zero nothing is known but the bound")
    func negative() {
        #expect(distribution([-5, 5], [3, 0, 0]).percentile(0.5)?.value == -5)
        #expect(distribution([-5, 5], [3, 0, 0], minimum: -7).percentile(0)?.value == -7)
    }

    @Test("nothing measured has no percentile and no mean")
    func empty() {
        #expect(distribution([1, 2], [0, 0, 0]).percentile(0.5) == nil)
        #expect(distribution([1, 2], [0, 0, 0]).mean == nil)
        let exponential = Distribution(sum: .double(0), buckets: .exponential(ExponentialBuckets(scale: 3)))
        #expect(exponential.percentile(0.5) == nil)
    }

    @Test("exponential percentiles keep within their relative error", arguments: [Int32(-2), 0, 3, 7, 12])
    func exponentialError(scale: Int32) throws {
        var generator = SeededGenerator(seed: UInt64(bitPattern: Int64(scale)) &+ 3)
        let values = (0..<5000).map { _ in Double.random(in: 0.0001...5000, using: &generator) }.sorted()
        let empty = ExponentialBuckets(scale: scale)
        var counts: [Int32: UInt64] = [:]
        for value in values {
            // The bucket by its definition: the index whose edges enclose the value.
            var index = Int32((scale >= 0 ? 1 : -1))
            var (low, high) = (Int32(-2_000_000), Int32(2_000_000))
            while low <= high {
                index = low + (high - low) / 2
                if empty.upperEdge(of: index) < value {
                    low = index + 1
                } else if empty.lowerEdge(of: index) >= value {
                    high = index - 1
                } else {
                    break
                }
            }
            counts[index, default: 0] += 1
        }
        var buckets = empty
        buckets.positive = counts.sorted { $0.key < $1.key }.map { .init(index: $0.key, count: $0.value) }
        let distribution = Distribution(sum: .double(0), buckets: .exponential(buckets))
        for part in [0.01, 0.5, 0.9, 0.99, 1.0] {
            let exact = values[Int((part * Double(values.count)).rounded(.up)) - 1]
            let value = try #require(distribution.percentile(part)).value
            #expect(abs(value - exact) / exact <= buckets.relativeError * (1 + 1e-9))
        }
    }

    @Test("exponential percentiles go from below zero over zero to above")
    func exponentialSigns() {
        let buckets = ExponentialBuckets(
            scale: 0, zeroCount: 2, positive: [.init(index: 0, count: 2)],
            negative: [.init(index: 0, count: 1), .init(index: 3, count: 1)])
        let distribution = Distribution(sum: .double(0), buckets: .exponential(buckets))
        let values = [1, 2, 3, 4, 5, 6].map { distribution.percentile(Double($0) / 6)!.value }
        #expect(values[0] < -8 && values[0] > -16)
        #expect(values[1] < -1 && values[1] > -2)
        #expect(values[2...3] == [0, 0])
        #expect(values[4] > 1 && values[4] < 2)
    }

    @Test(
        "no scale and no index makes a percentile trap or leave the numbers", arguments: [Int32.min, -11, 0, 21, .max])
    func hostileScales(scale: Int32) {
        for index in [Int32.min, -1, 0, 1, .max] {
            let buckets = ExponentialBuckets(scale: scale, positive: [.init(index: index, count: .max)])
            let distribution = Distribution(sum: .double(0), buckets: .exponential(buckets))
            #expect(distribution.percentile(0.5)!.value.isFinite)
        }
    }

    @Test("merging to a coarser scale keeps every count in its range")
    func merges() {
        let fine = ExponentialBuckets(scale: 1, positive: [-3, -2, 0, 1, 2].map { .init(index: $0, count: 1) })
        let coarse = ExponentialBuckets(scale: 0, zeroCount: 1, positive: [.init(index: 1, count: 5)])
        let left = Distribution(sum: .integer(3), minimum: 1, buckets: .exponential(fine))
        let right = Distribution(sum: .integer(4), minimum: 0, maximum: 9, buckets: .exponential(coarse))
        let merged = left.merged(with: right)!
        #expect(
            merged.buckets
                == .exponential(
                    ExponentialBuckets(
                        scale: 0, zeroCount: 1,
                        positive: [
                            .init(index: -2, count: 1), .init(index: -1, count: 1), .init(index: 0, count: 2),
                            .init(index: 1, count: 6),
                        ])))
        #expect(merged.sum == .integer(7))
        #expect(merged.minimum == 0)
        #expect(merged.maximum == 9)
    }
}
