import Testing
import WeirTestSupport

@testable import WeirRecording

@Suite("Cardinality")
struct CardinalityTests {
    private static let key: TagKey = "cardinality.key"
    private let measure = Measure<Int64>("cardinality.measure")

    private func tags(_ number: Int) -> Tags { Tags([(Self.key, "\(number)")]) }

    private func view(limit: Int, forgetsIdle: Duration? = nil) -> View {
        View("v", of: measure, by: [Self.key], as: .sum, seriesLimit: limit, forgetsIdle: forgetsIdle)
    }

    @Test("as many series as the limit, and the rest in one", arguments: [1, 2, 15, 16, 17, 100])
    func limit(limit: Int) throws {
        let stats = try Stats.small()
        try stats.register(view(limit: limit))
        for _ in 0..<3 { for number in 0..<limit { measure.record(1, tags(number), in: stats) } }
        var readings = stats.readings()
        #expect(readings.liveCount("v") == limit)
        #expect(readings.live[.overflow("v")] == nil)
        #expect(readings.overflowed["v"] == 0)

        for _ in 0..<3 { for number in 0..<limit + 50 { measure.record(1, tags(number), in: stats) } }
        readings = stats.readings()
        #expect(readings.liveCount("v") == limit + 1)
        for number in 0..<limit { #expect(readings["v", tags(number)]?.integer == 6) }
        #expect(readings.live[.overflow("v")]?.integer == 150)
        #expect(readings.overflowed["v"] == 150)
    }

    @Test("forgetting makes room again, and the overflow series stays")
    func roomAgain() throws {
        let stats = try Stats.small()
        try stats.register(view(limit: 4))
        for number in 0..<6 { measure.record(1, tags(number), in: stats) }
        #expect(stats.forget(tags(2)) == 1)
        #expect(stats.forget(tags(5)) == 0)
        for number in 0..<6 { measure.record(1, tags(number), in: stats) }
        // The first that came after took the place: number 2 itself.
        let readings = stats.readings()
        #expect(readings["v", tags(2)]?.integer == 1)
        #expect(readings["v", tags(3)]?.integer == 2)
        #expect(readings.live[.overflow("v")]?.integer == 4)
        #expect(readings.ended.map(\.reading.integer) == [1])
        #expect(stats.forget(Tags()) == 4)
        for number in 10..<14 { measure.record(1, tags(number), in: stats) }
        #expect(stats.readings().live[.overflow("v")]?.integer == 4)
    }

    @Test("a recorder that is bound at the limit stays in the overflow series, and binding is no measurement")
    func boundToOverflow() throws {
        let stats = try Stats.small()
        try stats.register(view(limit: 1))
        measure.record(1, tags(0), in: stats)
        let recorder = measure.bound(to: tags(1), in: stats)
        #expect(stats.readings().overflowed["v"] == 0)
        stats.forget(tags(0))
        recorder.record(5)
        measure.record(2, tags(1), in: stats)
        let readings = stats.readings()
        #expect(readings.live[.overflow("v")]?.integer == 5)
        #expect(readings["v", tags(1)]?.integer == 2)
    }

    @Test("threads that make the same series at once make one")
    func concurrentCreation() throws {
        for round in 0..<20 * testScale {
            let stats = try Stats.small()
            try stats.register(view(limit: 64))
            onThreads(8) { _ in
                for number in 0..<100 { measure.record(1, tags((number + round) % 100), in: stats) }
            }
            let readings = stats.readings()
            #expect(readings.liveCount("v") == 65)
            #expect(readings.live.values.reduce(0) { $0 + $1.integer } == 800)
            // A series that became full between two threads' looks may have sent one of its own there.
            #expect(readings.overflowed["v"] == UInt64(readings.live[.overflow("v")]!.integer))
        }
    }

    @Test("series that cannot have cells are counted as lost, the overflow series too")
    func noMemory() throws {
        // One page: 512 cells, 16 of which are the process's.
        let stats = try Stats.small(cells: 512)
        try stats.register(view(limit: 10_000))
        for number in 0..<600 { measure.record(1, tags(number), in: stats) }
        let readings = stats.readings()
        let total = readings.live.values.reduce(0) { $0 + $1.integer }
        #expect(total > 400)
        #expect(readings.counts.lost == UInt64(600 - total))

        let full = try Stats.small(cells: 512)
        try full.register(
            view(limit: 1), View("filler", of: Measure<Int64>("cardinality.filler"), by: [Self.key], as: .count))
        measure.record(1, tags(0), in: full)
        for number in 0..<512 { Measure<Int64>("cardinality.filler").record(1, tags(number), in: full) }
        let lost = full.readings().counts.lost
        for number in 1..<5 { measure.record(1, tags(number), in: full) }
        #expect(full.readings().counts.lost == lost + 4)
        #expect(full.readings().liveCount("v") == 1)
    }

    @Test("a bucket without memory is counted as lost, and not in the sum either")
    func noMemoryForBuckets() throws {
        let stats = try Stats.small(cells: 512)
        try stats.register(View("e", of: measure, as: .exponentialDistribution(relativeError: 0.01, extremes: true)))
        for exponent in 0..<60 { measure.record(1 << Int64(exponent), in: stats) }
        let readings = stats.readings()
        let reading = try #require(readings["e"])
        #expect(reading.count + readings.counts.lost == 60)
        #expect(readings.counts.lost > 0)
        #expect(reading.integer == (1 << Int64(reading.count)) - 1)
        #expect(reading.greatest == Double(1 << (reading.count - 1)))
    }

    @Test("measures of keys past the sixty-third are told apart by all of them")
    func manyKeys() throws {
        let keys = (0..<80).map { TagKey("cardinality.many.\($0)") }
        let kept = [keys[2], keys[70], keys[79]]
        let stats = try Stats.small()
        try stats.register(View("v", of: measure, by: kept, as: .count))
        for number in 0..<8 {
            let elements = keys.enumerated().map { index, key in
                (key, kept.firstIndex(of: key).map { "\(number >> $0 & 1)" } ?? "dropped \(number)")
            }
            measure.record(1, Tags(elements), in: stats)
            measure.record(1, Tags(elements.reversed()), in: stats)
        }
        let readings = stats.readings()
        #expect(readings.liveCount("v") == 8)
        #expect(readings.live.values.allSatisfy { $0.integer == 2 })
    }
}
