internal import Synchronization
import Testing
import WeirBatch
import WeirTestSupport

@testable import WeirExport
@testable import WeirRecording

@Suite("Exemplars in feeds")
struct ExemplarFeedTests {
    private static let route: TagKey = "feed.exemplar.route"
    private static let user: TagKey = "feed.exemplar.user"
    private let latency = Measure<Double>("feed.exemplar.latency", unit: .seconds)
    private let clock = MovedClock()

    /// Stands at 10 s until it is moved.
    private final class MovedClock: Sendable {
        private let nanoseconds = Atomic<UInt64>(10_000_000_000)
        var time: UInt64 { nanoseconds.load(ordering: .relaxed) }
        func advance() { nanoseconds.add(1_000_000_000, ordering: .relaxed) }
        func setBack() { nanoseconds.subtract(5_000_000_000, ordering: .relaxed) }
    }

    private func source(_ views: View...) throws -> (Stats, Collector) {
        let stats = Stats(stripes: try StripeSet(cells: 1 << 16), clock: { [clock] in clock.time })
        try stats.register(views)
        return (stats, Collector(stats: stats))
    }

    private func view(_ aggregation: Aggregation, forgetsIdle: Duration? = nil) -> View {
        View("v", of: latency, by: [Self.route], as: aggregation, forgetsIdle: forgetsIdle, exemplars: .alwaysOn)
    }

    private func record(_ value: Double, _ route: String = "/", _ user: String = "me", in stats: Stats) {
        latency.record(value, Tags([(Self.route, route), (Self.user, user)]), in: stats)
    }

    /// What is collected a second later.
    private func collect(_ collector: Collector) -> Batch {
        clock.advance()
        var batch = Batch()
        collector.collect(into: &batch)
        return batch
    }

    @Test("a collection says of each exemplar its row, its value, its span and what its tags are")
    func columns() throws {
        let (stats, collector) = try source(view(.distribution(bounds: [1, 2])))
        let span = SpanReference(traceHigh: 1, low: 2, spanID: 3, isSampled: false)
        record(0.5, "/a", in: stats)
        clock.advance()
        withSpan(span) { record(1.5, "/b", "somebody else", in: stats) }
        let batch = collect(collector)
        #expect(batch.isSound)
        let exemplars = try #require(batch.views.first).exemplars
        #expect(exemplars.rows == [0, 1] && exemplars.values == [0.5, 1.5])
        #expect(exemplars.times == [10_000_000_001, 11_000_000_000])
        #expect((exemplars.traceHighs, exemplars.traceLows, exemplars.spans) == ([0, 1], [0, 2], [0, 3]))
        #expect(exemplars.tagCounts == [1, 1])
        #expect(exemplars.tagKeys.map { batch.strings[Int($0) - 1] } == ["feed.exemplar.user", "feed.exemplar.user"])
        #expect(exemplars.tagValues.map { batch.strings[Int($0) - 1] } == ["me", "somebody else"])
    }

    @Test("a feed that is collected less often gets those that it missed, and none gets one twice")
    func missed() throws {
        let (stats, collector) = try source(view(.distribution(bounds: [1, 2])))
        let (often, seldom) = (try FeedReader(.cumulative), try FeedReader(.cumulative))
        func values(_ batch: Batch) -> [Double] { batch.views.first { $0.name == "v" }?.exemplars.values ?? [] }
        record(0.1, in: stats)
        #expect(values(try often.tell(collect(collector))) == [0.1])
        record(0.2, in: stats)
        record(1.2, in: stats)
        #expect(values(try often.tell(collect(collector))) == [0.2, 1.2])
        record(0.3, in: stats)
        let both = collect(collector)
        #expect(values(try often.tell(both)) == [0.3])
        #expect(values(try seldom.tell(both)) == [0.3, 1.2])
        let nothing = collect(collector)
        #expect(values(try often.tell(nothing)).isEmpty)
        #expect(values(try seldom.tell(nothing)).isEmpty)
        // A series that is quiet is not told what was said before when another one speaks.
        record(5, "/other", in: stats)
        #expect(values(try often.tell(collect(collector))) == [5])
    }

    @Test("strings of exemplars that a feed does not tell are not in its batch")
    func strings() throws {
        let (stats, collector) = try source(view(.sum))
        let feed = try FeedReader(.cumulative)
        record(1, "/", "first", in: stats)
        _ = try feed.tell(collect(collector))
        record(1, "/", "second", in: stats)
        let second = try feed.tell(collect(collector))
        let strings = (0..<second.strings.count).map { second.strings[$0] }
        #expect(strings.contains("second") && !strings.contains("first"))
    }

    @Test("a row whose sum did not change is told in a delta where it has an exemplar")
    func deltas() throws {
        let (stats, collector) = try source(view(.sum))
        let feed = try FeedReader(.delta)
        for number in 0..<40 { record(1, "/\(number)", in: stats) }
        #expect(try feed.tell(collect(collector)).views[0].exemplars.count == 40)
        record(0, "/7", in: stats)
        let second = try feed.tell(collect(collector))
        let view = try #require(second.views.first { $0.name == "v" })
        #expect(view.rows == 1 && view.doubles == [0] && view.exemplars.values == [0])
        #expect(try feed.tell(collect(collector)).views.first { $0.name == "v" } == nil)
    }

    @Test("levels in a delta feed have theirs, too, and merged batches have the newest")
    func levels() throws {
        let (stats, collector) = try source(view(.lastValue))
        let feed = try FeedReader(.delta)
        record(1, in: stats)
        let first = try feed.tell(collect(collector))
        record(2, in: stats)
        let second = try feed.tell(collect(collector))
        let merged = try #require(BatchMerge.merge(older: first, newer: second))
        #expect([first, second, merged].map { $0.views[0].exemplars.values } == [[1], [2], [2]])
    }

    @Test("a series that ended tells its last ones also to a feed that was not due")
    func ended() throws {
        let (stats, collector) = try source(view(.sum))
        let (often, seldom) = (try FeedReader(.cumulative), try FeedReader(.cumulative))
        record(1, "/gone", in: stats)
        record(2, "/stays", in: stats)
        stats.forget(Tags([(Self.route, "/gone")]))
        var ended = collect(collector)
        // Another test's threads may be recording.
        while !ended.views[0].endTimes.contains(where: { $0 != 0 }) { ended = collect(collector) }
        #expect(Set(try often.tell(ended).views[0].exemplars.values) == [1, 2])
        #expect(seldom.pass(ended) == 0)
        let next = try seldom.tell(collect(collector))
        #expect(Set(next.views[0].exemplars.values) == [1, 2])
        #expect(next.isSound)
    }

    @Test("a clock that is set back makes no time before a batch's own")
    func setBack() throws {
        let (stats, collector) = try source(view(.distribution(bounds: [1, 2])))
        let feed = try FeedReader(.cumulative)
        _ = try feed.tell(collect(collector))
        clock.setBack()
        // Times ascend all the same, if only by a nanosecond.
        for value in [0.5, 1.5] {
            record(value, in: stats)
            let batch = try feed.tell(collect(collector))
            #expect(batch.views[0].exemplars.values == [value])
            let times = batch.views[0].exemplars.times
            #expect(times.allSatisfy { batch.startTime < $0 && $0 <= batch.endTime })
            for _ in 0..<5 { clock.advance() }
        }
    }

    @Test("with views that have none beside it, nothing is mixed up, batch after batch")
    func beside() throws {
        let (stats, collector) = try source(
            View("plain", of: latency, by: [Self.route, Self.user], as: .count), view(.sum),
            View("later", of: latency, by: [Self.user], as: .sum, exemplars: .alwaysOn))
        let later = try FeedReader(.cumulative, match: ["later"])
        let feeds = [try FeedReader(.cumulative), try FeedReader(.delta), later]
        var random = SeededGenerator(seed: 5)
        for _ in 0..<50 * testScale {
            for _ in 0..<20 {
                let (route, user) = (Int.random(in: 0..<5, using: &random), Int.random(in: 0..<50, using: &random))
                record(Double(route * 100 + user), "/\(route)", "user \(user)", in: stats)
            }
            let collected = collect(collector)
            for feed in feeds {
                let batch = try feed.tell(collected)
                for view in batch.views where view.name == "v" || view.name == "later" {
                    expectConsistent(view, batch.strings)
                }
            }
        }
    }

    /// A value says which tags its measurement had.
    private func expectConsistent(_ view: ViewColumns, _ strings: StringTable) {
        for index in 0..<view.exemplars.count {
            let value = Int(view.exemplars.values[index])
            let expected = ["/\(value / 100)", "user \(value % 100)"]
            let own = strings[Int(view.tagValues[Int(view.exemplars.rows[index])]) - 1]
            let other = strings[Int(view.exemplars.tagValues[index]) - 1]
            #expect((view.name == "v" ? [own, other] : [other, own]) == expected)
        }
    }
}
