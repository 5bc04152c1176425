import Testing

@testable import WeirRecording

/// Numbers past 2^53, of which most are no Doubles.
@Suite("Buckets of integers")
struct IntegerBucketTests {
    private static let edge: Int64 = 1 << 53
    private static let numbers: [Int64] = [
        edge - 1, edge, edge + 1, edge + 2, edge + 3, (1 << 62) - 1, 1 << 62, (1 << 62) + 1, .max - 1, .max,
    ]
    private let measure = Measure<Int64>("integer.bucket")

    private func reading(_ value: Int64, _ aggregation: Aggregation, isBound: Bool) throws -> Reading {
        let stats = try Stats.small()
        try stats.register(View("v", of: measure, as: aggregation))
        if isBound { measure.bound(in: stats).record(value) } else { measure.record(value, in: stats) }
        return try #require(stats.readings()["v"])
    }

    @Test(
        "a number is in the bucket that its exact value belongs to", .timeLimit(.minutes(1)), arguments: [true, false])
    func explicit(isBound: Bool) throws {
        let bounds: [Int64] = [-(1 << 62), -Self.edge - 2, -Self.edge, 0, Self.edge, Self.edge + 2, 1 << 62]
        for value in Self.numbers + Self.numbers.map({ -$0 }) + [.min] {
            for hasExtremes in [true, false] {
                let aggregation = Aggregation.distribution(bounds: bounds.map { Double($0) }, extremes: hasExtremes)
                let buckets = try reading(value, aggregation, isBound: isBound).buckets
                #expect(buckets.firstIndex(of: 1) == bounds.count { $0 < value }, "\(value)")
            }
        }
    }

    @Test("a number is in the bucket of its power of two, below zero too", .timeLimit(.minutes(1)))
    func exponential() throws {
        // The scale whose buckets are the powers of two.
        for value in Self.numbers {
            let bucket = Int32(63 - (value - 1).leadingZeroBitCount)
            let above = try reading(value, .exponentialDistribution(relativeError: 0.4), isBound: true)
            #expect(above.positive == [bucket: 1], "\(value)")
            let below = try reading(-value, .exponentialDistribution(relativeError: 0.4), isBound: false)
            #expect(below.negative == [bucket: 1], "\(-value)")
        }
    }

    @Test("an exemplar is the bucket's that its number is in", .timeLimit(.minutes(1)))
    func exemplars() throws {
        let stats = try Stats.small()
        let bounds = [Double(Self.edge)]
        try stats.register(View("v", of: measure, as: .distribution(bounds: bounds), exemplars: .alwaysOn))
        for value in [Self.edge, Self.edge + 1] { measure.record(value, in: stats) }
        #expect(stats.readings()["v"]?.buckets == [1, 1])
        #expect(stats.exemplars().map { $0.value > bounds[0] } == [false, true])
    }
}
