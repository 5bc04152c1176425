import Testing
import WeirBatch
import WeirTestSupport

@testable import WeirExport
@testable import WeirRecording

@Suite("Dictionary of tag values", .timeLimit(.minutes(3)))
struct TagDictionaryTests {
    private static let key: TagKey = "dictionary.key"
    private let measure = Measure<Int64>("dictionary.measure")

    private func instance(limit: Int = 200_000) throws -> Stats {
        let stats = Stats(stripes: try StripeSet(cells: 1 << 20), clock: StatsClock())
        try stats.register(View("v", of: measure, by: [Self.key], as: .sum, seriesLimit: limit))
        return stats
    }

    private func tags(_ number: Int) -> Tags { Tags([(Self.key, "a value of some length, \(number)")]) }

    @Test("strings of a spike go with its series, from batches and from memory, and no feed notices")
    func spike() throws {
        let stats = try instance()
        let (count, kept) = (100_000, 133)
        for number in 0..<count { measure.record(1, tags(number), in: stats) }
        let collector = Collector(stats: stats)
        let delta = try FeedReader(.delta)
        var collection = Collected()
        var told: [String: Int64] = [:]
        func collect() throws {
            collector.collect(into: &collection.source)
            collection.beginning = stats.startTime
            _ = collection.removeUnsound()
            for batch in try delta.tell(&collection) {
                for view in batch.views where view.name == "v" {
                    for row in 0..<view.rows {
                        told[batch.strings[Int(view.tagValues[row]) - 1], default: 0] += view.integers[row]
                    }
                }
            }
        }
        try collect()
        // Who is held stays.
        let held = (0..<kept).map { measure.bound(to: tags($0), in: stats) }
        #expect(stats.forget(Tags(), of: "v") == count - kept)
        for round in 0..<10 {
            for number in 0..<kept { measure.record(Int64(round), tags(number), in: stats) }
            try collect()
        }
        withExtendedLifetime(held) {}
        let strings = collection.source.strings
        #expect(collection.source.views.first { $0.name == "v" }?.rows == kept)
        #expect(strings.bytes.count < 20_000 && strings.bytes.capacity < 100_000 && strings.offsets.capacity < 10_000)
        #expect(told.count == count)
        for number in 0..<count {
            #expect(told["a value of some length, \(number)"] == (number < kept ? 46 : 1))
        }
    }

    @Test("a dictionary of a few strings is kept, however many of them are gone")
    func small() throws {
        let stats = try instance()
        let collector = Collector(stats: stats)
        var batch = Batch()
        for number in 0..<200 {
            measure.record(1, tags(number), in: stats)
            collector.collect(into: &batch)
            stats.forget(tags(number))
        }
        #expect((0..<batch.strings.count).contains { batch.strings[$0] == "a value of some length, 0" })
    }

    @Test("values that come and go for ever take no more room than some collections of them")
    func churn() throws {
        let stats = try instance()
        let collector = Collector(stats: stats)
        var (batch, longest) = (Batch(), 0)
        for round in 0..<60 {
            for number in 0..<1_000 { measure.record(1, tags(round * 1_000 + number), in: stats) }
            collector.collect(into: &batch)
            stats.forget(Tags(), of: "v")
            longest = max(longest, batch.strings.bytes.count)
            // What every row says is there.
            try batch.validateShape()
            let view = try #require(batch.views.first { $0.name == "v" })
            let values = Set((0..<view.rows).map { batch.strings[Int(view.tagValues[$0]) - 1] })
            for number in 0..<1_000 {
                #expect(values.contains("a value of some length, \(round * 1_000 + number)"))
            }
        }
        #expect(longest < 400_000)
    }

    @Test("exemplars' strings go, though no table changes")
    func exemplars() throws {
        let stats = Stats(stripes: try StripeSet(cells: 1 << 16), clock: StatsClock())
        try stats.register(View("e", of: measure, as: .sum, exemplars: .alwaysOn))
        let collector = Collector(stats: stats)
        var (batch, longest) = (Batch(), 0)
        for round in 0..<2_000 {
            let value = String(repeating: "x", count: 100) + "\(round)"
            measure.record(1, Tags([(Self.key, value)]), in: stats)
            collector.collect(into: &batch)
            longest = max(longest, batch.strings.bytes.count)
        }
        #expect(longest < 40_000)
    }

    @Test("tags of a series that was forgotten are freed once its end is told")
    func recording() throws {
        let stats = try instance()
        let collector = Collector(stats: stats)
        weak var storage: TagStorage?
        do {
            let tags = tags(1)
            storage = tags.storage
            measure.record(1, tags, in: stats)
        }
        var batch = Batch()
        collector.collect(into: &batch)
        #expect(storage != nil)
        stats.forget(Tags(), of: "v")
        // Readers that may still see it are waited for.
        var rounds = 0
        while storage != nil, rounds < 1_000 {
            collector.collect(into: &batch)
            rounds += 1
        }
        #expect(storage == nil)
    }
}
