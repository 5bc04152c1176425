import CWeirCPU
import Testing
import WeirBatch
import WeirRecording
import WeirTestSupport

@testable import WeirExport

/// Deltas are as exact as a sum that is emptied each interval, whatever was recorded before.
@Suite("Exact deltas", .timeLimit(.minutes(1)))
struct ExactDeltaTests {
    /// An instance, and feeds of its own rhythm: each tells what came since it was due last.
    private final class World {
        let stats: Stats
        let collector: Collector
        let feeds: [FeedReader]

        init(feeds: [ViewColumns.Temporality]) throws {
            stats = try Stats(cellsPerCore: 1 << 16)
            collector = Collector(stats: stats)
            self.feeds = try feeds.map { try FeedReader($0) }
        }

        /// One collection, as the feeds that are due tell it.
        func tell(_ due: Int...) throws -> [Batch] {
            var collected = Collected()
            collector.collect(into: &collected.source)
            collected.beginning = stats.startTime
            _ = collected.removeUnsound()
            return try due.map { try #require(try feeds[$0].tell(&collected).first) }
        }
    }

    @Test("after a great value small ones are told as they are, to every feed")
    func smallAfterGreat() throws {
        guard weir_cpu_restart() || !weir_cpu_is_rseq() else { return }
        let world = try World(feeds: [.delta, .delta])
        let amount = Measure<Double>("exact.amount")
        try world.stats.register(
            View("sum", of: amount, as: .sum),
            View("spread", of: amount, as: .distribution(bounds: [1], squares: true)))
        let recorder = amount.bound(in: world.stats)
        recorder.record(1e18)
        _ = try world.tell(0, 1)
        for _ in 0..<10 { recorder.record(20) }
        for table in try #require(try world.tell(0).first).views where !table.name.hasPrefix("weir.") {
            #expect(table.doubles == [200], "\(table.name)")
            if table.name == "spread" { #expect(table.squares == [4_000]) }
        }
        for round in 1...5 {
            recorder.record(0.1)
            let told = try world.tell(0)[0]
            #expect(told.table("sum")?.doubles == [0.1] && told.table("spread")?.doubles == [0.1], "\(round)")
        }
        // The other feed was told nothing of all that, and is now.
        let slow = try world.tell(1)[0]
        #expect(slow.table("sum")?.doubles == [200.5] && slow.table("spread")?.doubles == [200.5])
        // Nothing came, and nothing is told.
        #expect(try world.tell(0, 1).allSatisfy { $0.table("sum") == nil && $0.table("spread") == nil })
    }

    @Test("an integer beyond an Int64 is told as the nearest in totals, counted, and in deltas as it came")
    func integersBeyond() throws {
        let world = try World(feeds: [.delta, .cumulative])
        let count = Measure<Int64>("exact.count")
        try world.stats.register(View("sum", of: count, as: .sum))
        let recorder = count.bound(in: world.stats)
        recorder.record(.max)
        _ = try world.tell(0, 1)
        recorder.record(1)
        var told = try world.tell(0, 1)
        #expect(told[0].table("sum")?.integers == [1])
        #expect(told[1].table("sum")?.integers == [.max])
        #expect(told[1].table("weir.values.clamped")?.integers == [1])
        recorder.record(7)
        told = try world.tell(0, 1)
        #expect(told[0].table("sum")?.integers == [7] && told[1].table("sum")?.integers == [.max])
        #expect(told[1].table("weir.values.clamped")?.integers == [2])
        // More than an Int64 holds in one interval: what is too much is told with the next one.
        recorder.record(.max)
        recorder.record(2)
        #expect(try world.tell(0)[0].table("sum")?.integers == [.max])
        #expect(try world.tell(0)[0].table("sum")?.integers == [2])
        #expect(try world.tell(0)[0].table("sum") == nil)
    }

    @Test("random amounts of all magnitudes are told as a sum of each interval says, of feeds of three rhythms")
    func randomAmounts() throws {
        guard weir_cpu_restart() || !weir_cpu_is_rseq() else { return }
        var random = SeededGenerator(seed: 11)
        let world = try World(feeds: [.delta, .delta, .delta])
        let amount = Measure<Double>("exact.random")
        try world.stats.register(View("sum", of: amount, as: .sum))
        // Two great magnitudes that come first, and small whole numbers of eighths.
        for great in [1e200, 1e80] {
            amount.record(great, in: world.stats)
            _ = try world.tell(0, 1, 2)
        }
        var expected = [0.0, 0, 0]
        for round in 1...200 {
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                let value = Double(Int.random(in: 0...1_000, using: &random)) / 8
                amount.record(value, in: world.stats)
                for feed in 0..<3 { expected[feed] += value }
            }
            for feed in 0..<3 where round % (feed + 1) == 0 {
                #expect(try world.tell(feed)[0].table("sum")?.doubles.first ?? 0 == expected[feed], "\(round), \(feed)")
                expected[feed] = 0
            }
        }
    }
}
