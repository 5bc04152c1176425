internal import Synchronization
import Testing
import WeirBatch
import WeirTestSupport

@testable import WeirExport
@testable import WeirRecording

@Suite("Collector")
struct CollectorTests {
    private static let key: TagKey = "collector.key"
    private static let other: TagKey = "collector.other"
    private let integers = Measure<Int64>("collector.integers", unit: .bytes, description: "Whole numbers")
    private let doubles = Measure<Double>("collector.doubles", unit: .seconds)

    /// An instance whose clock stands at 10 s until it is moved.
    private func instance() throws -> (stats: Stats, clock: MovedClock) {
        let clock = MovedClock()
        return (Stats(stripes: try StripeSet(cells: 1 << 16), clock: { clock.time }), clock)
    }

    private final class MovedClock: Sendable {
        private let nanoseconds = Atomic<UInt64>(10_000_000_000)
        var time: UInt64 { nanoseconds.load(ordering: .relaxed) }
        func advance(_ seconds: UInt64) { nanoseconds.add(seconds * 1_000_000_000, ordering: .relaxed) }
        func setBack(_ seconds: UInt64) { nanoseconds.subtract(seconds * 1_000_000_000, ordering: .relaxed) }
    }

    private func tag(_ value: String) -> Tags { Tags([(Self.key, value)]) }

    @Test("every kind of view becomes the columns that are its own")
    func columns() throws {
        let (stats, clock) = try instance()
        try stats.register(
            View("count", of: doubles, by: [Self.key], as: .count, description: "How often"),
            View("sum", of: integers, by: [Self.other, Self.key], as: .sum),
            View("up-down", of: doubles, as: .upDownSum),
            View("last", of: integers, by: [Self.key], as: .lastValue),
            View("explicit", of: doubles, as: .distribution(bounds: [1, 2], extremes: true, squares: true)),
            View("exponential", of: integers, as: .exponentialDistribution(relativeError: 0.4)),
            View("none", of: doubles, by: [Self.other], as: .sum))
        for value in [0.5, 1, 2.5, -3] { doubles.record(value, tag("a"), in: stats) }
        clock.advance(1)
        for value in [Int64(4), 0, 5] { integers.record(value, tag("b"), in: stats) }
        _ = doubles.bound(to: tag("unset"), in: stats)
        let bound = integers.bound(to: tag("never recorded"), in: stats)
        clock.advance(1)
        var batch = Batch()
        Collector(stats: stats).collect(into: &batch)
        withExtendedLifetime(bound) {}
        #expect(batch.startTime == 10_000_000_000)
        #expect(batch.endTime == 12_000_000_000)

        let count = try #require(batch.table("count"))
        #expect(count.aggregation == .count && count.number == .int64 && count.isMonotonic)
        #expect(count.unit == "1" && count.description == "How often" && count.measure == "collector.doubles")
        #expect(count.integers == [4, 0])
        #expect(batch.tags(count) == [["a"], ["unset"]])
        #expect(count.startTimes == [10_000_000_000, 11_000_000_000])
        #expect(count.endTimes == [] && count.temporality == .cumulative)

        let sum = try #require(batch.table("sum"))
        #expect(sum.aggregation == .sum && sum.number == .int64 && sum.isMonotonic && sum.unit == "By")
        #expect(sum.description == "Whole numbers" && sum.integers == [9, 0] && sum.doubles == [])
        #expect(sum.tagKeys == ["collector.other", "collector.key"])
        #expect(batch.tags(sum) == [[nil, "b"], [nil, "never recorded"]])

        let upDown = try #require(batch.table("up-down"))
        #expect(!upDown.isMonotonic && upDown.number == .double && upDown.doubles == [1] && upDown.tagValues == [])

        // A series that was never set has no last value.
        let last = try #require(batch.table("last"))
        #expect(last.aggregation == .lastValue && !last.isMonotonic && last.integers == [5])
        #expect(batch.tags(last) == [["b"]])

        let explicit = try #require(batch.table("explicit"))
        #expect(explicit.bounds == [1, 2] && explicit.bucketCounts == [3, 0, 1] && explicit.doubles == [1])
        #expect(explicit.minima == [-3] && explicit.maxima == [2.5] && explicit.squares == [16.5])

        let exponential = try #require(batch.table("exponential"))
        #expect(exponential.scale == 0 && exponential.zeroCounts == [1] && exponential.integers == [9])
        #expect(exponential.positive.lengths == [2])
        #expect(exponential.positive.indexes == [1, 2] && exponential.positive.counts == [1, 1])
        #expect(exponential.negative.lengths == [0] && exponential.minima == [])

        // A sum with a series of its own and one that rejected all but two of its values.
        #expect(batch.table("none")?.doubles == [4])
        #expect(batch.table("weir.measurements.discarded").map(\.integers) == [1, 0, 0])
    }

    @Test("a batch that is used again says the same as a fresh one, whatever came and went")
    func reuse() throws {
        let (stats, clock) = try instance()
        let (kept, fresh) = (Collector(stats: stats), { Collector(stats: stats) })
        var random = SeededGenerator(seed: 5)
        let aggregations: [Aggregation] = [
            .count, .sum, .lastValue, .distribution(bounds: [1, 5], extremes: true), .exponentialDistribution(),
        ]
        var reused = Batch()
        for step in 0..<300 {
            clock.advance(1)
            let name = "v\(Int.random(in: 0..<5, using: &random))"
            switch Int.random(in: 0..<10, using: &random) {
            case 0 where stats.viewNames.contains(name): try stats.unregister(name)
            case 0, 1:
                guard !stats.viewNames.contains(name) else { continue }
                try stats.register(
                    View(
                        name, of: doubles, by: step % 2 == 0 ? [Self.key] : [Self.other, Self.key],
                        as: aggregations.randomElement(using: &random)!, seriesLimit: 4))
            case 2: stats.forget(tag("\(Int.random(in: 0..<8, using: &random))"))
            default: doubles.record(1, tag("\(Int.random(in: 0..<8, using: &random))"), in: stats)
            }
            // What ended is reported once, when no reader can have it any more (tests beside this one are readers too):
            // by the first, so that both see the same afterwards.
            repeat {
                kept.collect(into: &reused)
            } while stats.withState { state in unsafe state.gate.retiredCount + state.ended.count > 0 }
            kept.collect(into: &reused)
            var other = Batch()
            fresh().collect(into: &other)
            let own = { (batch: Batch) in batch.views.filter { !$0.name.hasPrefix("weir.") } }
            #expect(own(reused).map(\.name) == own(other).map(\.name))
            for (left, right) in zip(own(reused), own(other)) {
                #expect(reused.tags(left) == other.tags(right))
                var (left, right) = (left, right)
                (left.tagValues, right.tagValues) = ([], [])
                #expect(left == right)
            }
            #expect(reused.startTime <= reused.endTime)
        }
    }

    @Test("each batch begins where the one before ended, with a clock that is set back too")
    func intervals() throws {
        let (stats, clock) = try instance()
        let collector = Collector(stats: stats)
        var batch = Batch()
        collector.collect(into: &batch)
        var end = batch.endTime
        for step in 0..<10 {
            step == 5 ? clock.setBack(3) : clock.advance(2)
            collector.collect(into: &batch)
            #expect(batch.startTime == end)
            #expect(batch.endTime >= end)
            end = batch.endTime
        }
    }

    @Test("the overflow series has a column of its own, and every measurement is in one row")
    func overflow() throws {
        let (stats, _) = try instance()
        try stats.register(View("v", of: integers, by: [Self.key], as: .sum, seriesLimit: 3))
        for number in 0..<10 { integers.record(1, tag("\(number)"), in: stats) }
        var batch = Batch()
        Collector(stats: stats).collect(into: &batch)
        let table = try #require(batch.table("v"))
        #expect(table.tagKeys == ["collector.key", "otel.metric.overflow"])
        #expect(batch.tags(table) == [["0", nil], ["1", nil], ["2", nil], [nil, "true"]])
        #expect(table.integers == [1, 1, 1, 7])
        let overflowed = try #require(batch.table("weir.measurements.overflowed"))
        #expect(overflowed.integers == [7] && batch.tags(overflowed) == [["v"]])
    }

    @Test("a series that ended is in one batch with its end, and a view that is gone with it")
    func endings() throws {
        let (stats, clock) = try instance()
        try stats.register(
            View("stays", of: integers, by: [Self.key], as: .sum), View("goes", of: doubles, by: [Self.key], as: .sum))
        for value in ["a", "b"] {
            integers.record(3, tag(value), in: stats)
            doubles.record(1.5, tag(value), in: stats)
        }
        clock.advance(1)
        stats.forget(tag("a"), of: "stays")
        try stats.unregister("goes")
        clock.advance(1)
        let collector = Collector(stats: stats)
        var ended: [String: [UInt64]] = [:]
        var sums: [String: Double] = [:]
        var batch = Batch()
        // What ended is reported when no reader can have it any more; tests beside this one are readers too.
        while ended.values.joined().count(where: { $0 != 0 }) < 3 {
            collector.collect(into: &batch)
            for table in batch.views where !table.endTimes.isEmpty {
                ended[table.name, default: []] += table.endTimes
                for (row, end) in table.endTimes.enumerated() where end != 0 {
                    let value = table.number == .double ? table.doubles[row] : Double(table.integers[row])
                    sums[table.name, default: 0] += value
                }
            }
        }
        #expect(ended["stays"]?.filter { $0 != 0 } == [11_000_000_000])
        #expect(ended["goes"] == [11_000_000_000, 11_000_000_000])
        #expect(sums == ["stays": 3, "goes": 3])
        collector.collect(into: &batch)
        #expect(batch.table("goes") == nil)
        #expect(batch.table("stays")?.integers == [3])
        #expect(batch.table("stays")?.endTimes == [])
    }

    @Test("an application's own tag that is called like that of the overflow series keeps its value")
    func ownOverflowTag() throws {
        let (stats, _) = try instance()
        try stats.register(View("all", of: integers, as: .sum, seriesLimit: 3).keepingAllTags())
        let own: TagKey = "otel.metric.overflow"
        for value in ["false", "no", "yes", "past the limit"] {
            integers.record(1, Tags([(own, value), (Self.key, "a")]), in: stats)
        }
        var batch = Batch()
        Collector(stats: stats).collect(into: &batch)
        let table = try #require(batch.table("all"))
        #expect(table.tagKeys == ["collector.key", "otel.metric.overflow"])
        #expect(batch.tags(table) == [["a", "false"], ["a", "no"], ["a", "yes"], [nil, "true"]])
    }

    @Test("a view at the address of one that is gone has columns of its own", .timeLimit(.minutes(1)))
    func addressesReturn() throws {
        let (stats, clock) = try instance()
        let collector = Collector(stats: stats)
        let others = (0..<2).map { Measure<Int64>("collector.other.\($0)") }
        var batch = Batch()
        for round in 0..<50 {
            try stats.register(View("x", of: integers, by: [Self.key], as: .sum))
            integers.record(5, tag("a"), in: stats)
            stats.forget(tag("a"))
            clock.advance(1)
            for _ in 0..<2 { collector.collect(into: &batch) }
            try stats.unregister("x")
            for (number, measure) in others.enumerated() {
                try stats.register(View("y\(number)", of: measure, by: [Self.key], as: .sum))
                for value in ["a", "b"] { measure.record(1, tag(value), in: stats) }
            }
            clock.advance(1)
            collector.collect(into: &batch)
            try batch.validateShape()
            for number in 0..<2 {
                let table = try #require(batch.table("y\(number)"), "round \(round)")
                #expect(table.measure == "collector.other.\(number)" && table.integers.suffix(2) == [1, 1])
                try stats.unregister("y\(number)")
            }
        }
    }

    @Test("no row ends before a batch in which it went on, and none before it starts", .timeLimit(.minutes(1)))
    func timesOfOneCollection() throws {
        let ticks = Atomic<UInt64>(1)
        // Each look at the clock is later than the one before.
        let stats = Stats(
            stripes: try StripeSet(cells: 1 << 16), clock: { ticks.add(1, ordering: .relaxed).newValue })
        try stats.register(View("v", of: integers, by: [Self.key], as: .sum, seriesLimit: 100))
        let collector = Collector(stats: stats)
        let isDone = Atomic(false)
        onThreads(2) { thread in
            if thread == 0 {
                var batch = Batch()
                var goesOn: [String: UInt64] = [:]
                for _ in 0..<500 * testScale {
                    collector.collect(into: &batch)
                    guard let table = batch.table("v") else { continue }
                    for (row, tags) in batch.tags(table).enumerated() {
                        let end = table.endTimes.isEmpty ? 0 : table.endTimes[row]
                        let name = "\(tags[0] ?? "")/\(table.startTimes[row])"
                        #expect(table.startTimes[row] <= (end == 0 ? batch.endTime : end))
                        if end == 0 { goesOn[name] = batch.endTime } else { #expect(end >= goesOn[name] ?? 0) }
                    }
                }
                isDone.store(true, ordering: .relaxed)
            } else {
                var round = 0
                while !isDone.load(ordering: .relaxed) {
                    let tags = tag("\(round % 7)")
                    integers.record(1, tags, in: stats)
                    stats.forget(tags)
                    round += 1
                }
            }
        }
    }

    @Test(
        "ends of any number of series wait for the collection that tells them", .timeLimit(.minutes(2)),
        arguments: [true, false])
    func manyEnds(isForgotten: Bool) throws {
        let stats = Stats(stripes: try StripeSet(cells: 1 << 20), clock: StatsClock())
        let count = 150_000
        try stats.register(View("v", of: integers, by: [Self.key], as: .sum, seriesLimit: count))
        let collector = Collector(stats: stats)
        for number in 0..<count { integers.record(1, tag("\(number)"), in: stats) }
        if isForgotten { stats.forget(Tags(), of: "v") } else { try stats.unregister("v") }
        var (batch, ended) = (Batch(), 0)
        repeat {
            collector.collect(into: &batch)
            guard let table = batch.table("v") else { continue }
            for (row, end) in table.endTimes.enumerated() where end != 0 { ended += Int(table.integers[row]) }
        } while stats.withState { state in unsafe state.gate.retiredCount + state.ended.count > 0 }
        #expect(ended == count)
        #expect(batch.table("weir.series.unreported")?.integers == [0])
    }

    @Test("totals are exact when recording, forgetting and collecting go on at once")
    func totals() throws {
        let stats = Stats(stripes: try StripeSet(cells: 1 << 18), clock: StatsClock())
        try stats.register(
            View("sum", of: integers, by: [Self.key], as: .sum),
            View("buckets", of: integers, by: [Self.key], as: .distribution(bounds: [1, 2])))
        let collector = Collector(stats: stats)
        let measurements = 10_000 * testScale
        let left = Atomic<Int>(4)
        let ended = Mutex<[String: UInt64]>([:])
        @Sendable func addEnded(_ batch: Batch) {
            for table in batch.views {
                for (row, end) in table.endTimes.enumerated() where end != 0 {
                    ended.withLock { $0[table.name, default: 0] += table.total(row) }
                }
            }
        }
        onThreads(5) { thread in
            if thread < 4 {
                let tags = (0..<16).map { tag("\($0)") }
                for number in 0..<measurements { integers.record(Int64(number & 3), tags[number & 15], in: stats) }
                left.subtract(1, ordering: .sequentiallyConsistent)
                return
            }
            var batch = Batch()
            while left.load(ordering: .sequentiallyConsistent) > 0 {
                stats.forget(tag("3"))
                collector.collect(into: &batch)
                addEnded(batch)
            }
        }
        var batch = Batch()
        repeat {
            collector.collect(into: &batch)
            addEnded(batch)
        } while stats.withState { state in unsafe state.gate.retiredCount + state.ended.count > 0 }
        collector.collect(into: &batch)
        let live = ["sum", "buckets"].map { name in
            batch.table(name).map { table in (0..<table.rows).reduce(0) { $0 + table.total($1) } } ?? 0
        }
        let found = ended.withLock { [live[0] + ($0["sum"] ?? 0), live[1] + ($0["buckets"] ?? 0)] }
        let each = (0..<measurements).reduce(0) { $0 + UInt64($1 & 3) }
        #expect(found == [4 * each, UInt64(4 * measurements)])
    }
}

extension ViewColumns {
    /// Of a row: its sum, or how many measurements its buckets hold.
    fileprivate func total(_ row: Int) -> UInt64 {
        guard aggregation == .distribution else { return UInt64(integers[row]) }
        let width = bounds.count + 1
        return bucketCounts[row * width..<(row + 1) * width].reduce(0, +)
    }
}

extension Batch {
    func table(_ name: String) -> ViewColumns? { views.first { $0.name == name } }

    /// The tag values of each row, key by key.
    fileprivate func tags(_ table: ViewColumns) -> [[String?]] {
        (0..<table.rows).map { row in
            table.tagKeys.indices.map { key in
                let value = table.tagValues[key * table.rows + row]
                return value == 0 ? nil : strings[Int(value) - 1]
            }
        }
    }
}
