import CWeirCPU
import Synchronization
import Testing
import WeirBatch
import WeirTestSupport

@testable import WeirExport
@testable import WeirRecording

/// A wall clock that is set, drifts and stands, beside a monotonic one that moves on.
final class SetClock: Sendable {
    private let monotonicTime = Atomic<UInt64>(5_000_000_000_000)
    private let offset = Atomic<UInt64>(1_700_000_000_000_000_000)
    /// By how much it moves on whenever somebody looks. Nanoseconds.
    private let tick: UInt64

    init(tick: UInt64 = 0) { self.tick = tick }

    /// The same to a reader of ``StatsClock``.
    var clock: StatsClock { StatsClock(monotonic: { self.monotonic }, wall: { self.wall }) }
    var monotonic: UInt64 { monotonicTime.add(tick, ordering: .relaxed).newValue }
    var wall: UInt64 { monotonic &+ offset.load(ordering: .relaxed) }

    func advance(_ nanoseconds: UInt64) { monotonicTime.add(nanoseconds, ordering: .relaxed) }
    func set(by step: Int64) { offset.wrappingAdd(UInt64(bitPattern: step), ordering: .relaxed) }
}

@Suite("Clocks that are set", .timeLimit(.minutes(2)))
struct ClockTests {
    private static let key: TagKey = "clock.key"
    private let clock = SetClock()
    private let stats: Stats
    private let amounts = Measure<Int64>("clock.amounts")
    private let times = Measure<Double>("clock.times")

    init() throws {
        stats = Stats(stripes: try StripeSet(cells: 1 << 16), clock: clock.clock)
        try stats.register(
            View("sum", of: amounts, by: [Self.key], as: .sum), View("level", of: amounts, as: .upDownSum),
            View("last", of: amounts, as: .lastValue),
            View("times", of: times, by: [Self.key], as: .distribution(bounds: [1, 2], extremes: true)))
    }

    private func tag(_ value: String) -> Tags { Tags([(Self.key, value)]) }

    private let second: UInt64 = 1_000_000_000

    /// Feeds as a pipeline drives them: what they told, stream by stream.
    private final class Told {
        let feed: Feed
        private let collector: Collector
        private var encoder: BatchEncoder
        private var decoder: BatchDecoder
        private(set) var batches: [(header: FrameHeader, batch: Batch)] = []

        init(
            _ collector: Collector, _ temporality: ViewColumns.Temporality, asks: Bool = false
        ) throws {
            self.collector = collector
            let definition = try FeedDefinition(
                {
                    var sink = try Destination(.accepting).sink("a")
                    sink.temporality = temporality
                    return sink
                }(), in: Pipeline.Configuration())
            feed = Feed(
                FeedPlan(definition: asks ? definition.asked(by: "a") : definition, stream: .random(), sinks: []),
                tick: 0)
            encoder = try BatchEncoder()
            decoder = try BatchDecoder()
        }

        func tell(_ collection: inout Collected) throws {
            for batch in try feed.encode(&collection, with: &encoder, upTo: 4 << 20, MemoryBudget()) {
                let decoded = try decoder.decode(batch.bytes, header: batch.plainHeader)
                batches.append((batch.plainHeader, decoded))
            }
        }

        func sum(_ view: String) -> Int64 {
            // Of each stream the last word where it tells totals; deltas add up.
            var sums: [StreamID: Int64] = [:]
            for (header, batch) in batches {
                for table in batch.views where table.name == view {
                    let sum = table.integers.reduce(0, +)
                    if table.temporality == .delta {
                        sums[header.stream, default: 0] += sum
                    } else {
                        sums[header.stream] = sum
                    }
                }
            }
            return sums.values.reduce(0, +)
        }
    }

    @discardableResult
    private func collect(_ collector: Collector, _ told: [Told]) throws -> Collected {
        var collection = Collected()
        collector.collect(into: &collection.source)
        collection.step = collector.clockStep
        for told in told {
            try told.tell(&collection)
            if collector.clockStep != 0 { told.feed.follow(collector.clockStep, behind: collection) }
        }
        return collection
    }

    /// Times ascend in each stream, no row starts behind its end, and a stream follows the one before by the step.
    private func expectOrder(_ told: Told) {
        var last: FrameHeader?
        for (header, batch) in told.batches {
            #expect(header.startTime < header.endTime)
            if let last, last.stream == header.stream {
                #expect(header.startTime == last.endTime && header.clockStep == last.clockStep)
            } else if let last {
                #expect(header.clockStep != 0)
                #expect(header.startTime == last.endTime.movedClamped(by: header.clockStep))
            }
            for table in batch.views {
                for row in 0..<table.rows {
                    let end = table.endTimes.isEmpty || table.endTimes[row] == 0 ? batch.endTime : table.endTimes[row]
                    #expect(table.startTimes[row] <= end, "\(table.name)")
                    #expect(end <= batch.endTime, "\(table.name)")
                    if told.feed.isPushed, header.clockStep != 0, table.isMonotonic {
                        let first = told.batches.first { $0.header.stream == header.stream }
                        #expect(table.startTimes[row] >= first?.header.startTime ?? 0, "\(table.name)")
                    }
                }
            }
            last = header
        }
    }

    @Test(
        "a clock that is set ends the stream, and nobody who adds streams up adds anything twice",
        arguments: [-600, 3_600])
    func step(seconds: Int64) throws {
        let collector = Collector(stats: stats)
        let told = try [
            Told(collector, .delta), Told(collector, .cumulative), Told(collector, .cumulative, asks: true),
        ]
        func record() {
            amounts.record(3, tag("a"), in: stats)
            amounts.record(4, tag("b"), in: stats)
            times.record(1.5, tag("a"), in: stats)
            clock.advance(second)
        }
        for round in 0..<9 {
            record()
            if round == 3 { clock.set(by: seconds * Int64(second)) }
            if round == 6 { amounts.record(5, tag("new"), in: stats) }
            try collect(collector, told)
        }
        for told in told { expectOrder(told) }
        let recorded = 9 * 7 + Int64(5)
        #expect(told[0].sum("sum") == recorded)
        #expect(told[1].sum("sum") == recorded)
        // A scrape keeps its values, and a level is told whole.
        let asked = try #require(told[2].batches.last)
        for (name, batch) in [
            ("sum", asked.batch), ("level", told[1].batches.last!.batch), ("level", told[0].batches.last!.batch),
        ] {
            #expect(batch.views.first { $0.name == name }?.integers.reduce(0, +) == recorded)
        }
        for told in told {
            #expect(Set(told.batches.map(\.header.stream)).count == 2)
            let last = try #require(told.batches.last)
            // The times of now are those of the wall clock, and lengths of time are true.
            #expect(last.header.endTime == clock.wall)
            #expect(told.batches.dropFirst().allSatisfy { $0.header.endTime - $0.header.startTime == second })
            #expect(last.header.clockStep == seconds * Int64(second))
        }
    }

    @Test("sinks that move in the very collection that notices a step are told nothing twice", arguments: [-600, 600])
    func movingAtStep(seconds: Int64) throws {
        let collector = Collector(stats: stats)
        let (before, after) = (try Told(collector, .delta), try Told(collector, .delta))
        for amount: Int64 in [5, 3] {
            amounts.record(amount, tag("a"), in: stats)
            clock.advance(second)
            if amount == 3 { clock.set(by: seconds * Int64(second)) }
            let collection = try collect(collector, [before])
            if amount == 3 { after.feed.takeOver(from: [before.feed], at: collection) }
        }
        amounts.record(4, tag("a"), in: stats)
        clock.advance(second)
        try collect(collector, [after])
        #expect(before.sum("sum") == 8 && after.sum("sum") == 4)
        let (last, first) = try (#require(before.batches.last).header, #require(after.batches.first).header)
        #expect(first.clockStep == seconds * Int64(second))
        #expect(first.startTime == last.endTime.movedClamped(by: first.clockStep))
    }

    @Test(
        "what ended before the clock was set, and waits for a reader, is told once, and so is what the reader adds yet",
        arguments: [0, 5])
    func endsBeforeStep(late: Int64) throws {
        let collector = Collector(stats: stats)
        let told = try [Told(collector, .delta), Told(collector, .cumulative)]
        func record(_ amount: Int64) {
            amounts.record(amount, tag("a"), in: stats)
            clock.advance(second)
        }
        record(3)
        try collect(collector, told)
        record(4)
        let visit = unsafe weir_reader_enter()
        let found = unsafe stats.withState { state in
            unsafe state.order.flatMap { view in unsafe view.view.name == "sum" ? view.series : [] }
        }
        stats.forget(tag("a"), of: "sum")
        clock.set(by: -600 * Int64(second))
        try collect(collector, told)
        unsafe found.forEach { series in
            unsafe series.record(late, StripeGeometry(stats.stripes), RecordedTags(tag("a").storage))
        }
        record(2)
        clock.set(by: 300 * Int64(second))
        try collect(collector, told)
        unsafe weir_reader_leave(visit)
        repeat {
            clock.advance(second)
            try collect(collector, told)
        } while stats.withState { state in unsafe state.gate.retiredCount + state.ended.count > 0 }
        for told in told {
            expectOrder(told)
            // Of totals each life counts once, by its last word.
            var lives: [[UInt64]: Int64] = [:]
            for (header, batch) in told.batches {
                for table in batch.views where table.name == "sum" {
                    for row in 0..<table.rows {
                        let life = [header.stream.high, header.stream.low, table.startTimes[row]]
                        if table.temporality == .delta {
                            lives[life, default: 0] += table.integers[row]
                        } else {
                            lives[life] = table.integers[row]
                        }
                    }
                }
            }
            #expect(lives.values.reduce(0, +) == 9 + late)
        }
        #expect(stats.withState { state in unsafe state.rests.isEmpty })
    }

    @Test("a clock that drifts is followed without a step, and no interval is far from its length")
    func drift() throws {
        let collector = Collector(stats: stats)
        let told = try Told(collector, .delta)
        for round in 0..<50 {
            amounts.record(1, tag("a"), in: stats)
            clock.advance(second)
            clock.set(by: round % 2 == 0 ? 90_000_000 : -20_000_000)
            if round > 25 { clock.set(by: -70_000_000) }
            try collect(collector, [told])
        }
        #expect(Set(told.batches.map(\.header.stream)).count == 1)
        expectOrder(told)
        for (header, _) in told.batches.dropFirst() {
            #expect((header.endTime - header.startTime).distance(to: second).magnitude <= second / 10)
        }
        #expect(told.sum("sum") == 50)
    }

    @Test("series are forgotten by how long they were idle, whatever the clock says")
    func idle() throws {
        let rare = Measure<Int64>("clock.rare")
        try stats.register(View("rare", of: rare, by: [Self.key], as: .sum, forgetsIdle: .seconds(60)))
        let collector = Collector(stats: stats)
        let told = try Told(collector, .delta)
        rare.record(1, tag("a"), in: stats)
        try collect(collector, [told])
        for step in [3_600, -7_200, 3_600] {
            clock.set(by: Int64(step) * Int64(second))
            clock.advance(10 * second)
            try collect(collector, [told])
        }
        try collect(collector, [told])
        #expect(stats.withState { $0.order.last?.cells.count } == 1)
        for _ in 0..<4 {
            clock.advance(20 * second)
            try collect(collector, [told])
        }
        #expect(stats.withState { $0.order.last?.cells.count } == 0)
    }

    @Test("two collectors of one instance both tell a step, and neither counts anything twice")
    func twoCollectors() throws {
        let collectors = [Collector(stats: stats), Collector(stats: stats)]
        let told = try collectors.map { try Told($0, .cumulative) }
        var recorded: Int64 = 0
        for round in 0..<20 {
            amounts.record(2, tag("\(round / 5)"), in: stats)
            recorded += 2
            clock.advance(second)
            if round == 7 { clock.set(by: -600 * Int64(second)) }
            let which = round % 2
            try collect(collectors[which], [told[which]])
        }
        for which in 0..<2 {
            try collect(collectors[which], [told[which]])
            expectOrder(told[which])
            #expect(told[which].sum("sum") == recorded)
            #expect(Set(told[which].batches.map(\.header.stream)).count == 2)
        }
    }

    @Test("a pipeline ends its streams when the clock is set, names the step, and says so once")
    func pipeline() async throws {
        let log = LogLines()
        let (totals, deltas) = (Destination(.accepting), Destination(.accepting))
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = 2_000_000
        var deltaSink = try deltas.sink("deltas")
        deltaSink.temporality = .delta
        let sinks = [try totals.sink("totals"), deltaSink]
        let running = try Pipeline(configuration, source: Collector(stats: stats), sinks: sinks, logger: log.logger)
        try running.start()
        amounts.record(3, tag("a"), in: stats)
        let before = running.streams
        await deltas.changes.wait { deltas.state.frames.count > 3 }
        clock.set(by: -600 * Int64(second))
        await deltas.changes.wait { Set(deltas.state.headers.map(\.stream)).count > 1 }
        // What was planned by the streams of before goes on with those of now.
        deltaSink.level = 3
        try running.reconfigure(configuration, sinks: [sinks[0], deltaSink], unchanged: ["totals"])
        amounts.record(4, tag("a"), in: stats)
        _ = await running.end()
        #expect(Set(before).isDisjoint(with: running.streams))
        for destination in [totals, deltas] {
            let headers = destination.state.headers
            let new = try #require(headers.first { $0.clockStep != 0 && !$0.isEndMark })
            let last = try #require(headers.last { $0.stream == new.previousStream && !$0.isEndMark })
            #expect(new.clockStep == -600 * Int64(second) && new.first == 1)
            #expect(new.startTime == last.endTime.movedClamped(by: new.clockStep))
            #expect(Set(headers.filter(\.isEndMark).map(\.stream)) == Set(headers.map(\.stream)))
        }
        #expect(log.all.count { $0.contains("the clock was set by -600.0 s") } == 1)
    }

    @Test("a sink that leaves a shared stream as the clock is set writes nothing behind its end mark when it returns")
    func leavingAtStep() async throws {
        let (stays, moves) = (Destination(.accepting), Destination(.accepting))
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = 2_000_000
        let sinks = try [stays.sink("stays"), moves.sink("moves")]
        let running = try Pipeline(configuration, source: Collector(stats: stats), sinks: sinks)
        try running.start()
        await stays.changes.wait { stays.state.frames.count > 3 }
        var changed = sinks[1]
        changed.level = 3
        // The streams that the change began with are others before it is done.
        moves.opening.withLock { [clock] in
            $0 = {
                let before = stays.state.headers.last?.stream
                clock.set(by: -600_000_000_000)
                while stays.state.headers.last?.stream == before {}
            }
        }
        try running.reconfigure(configuration, sinks: [sinks[0], changed], unchanged: ["stays"])
        moves.opening.withLock { $0 = {} }
        try running.reconfigure(configuration, sinks: sinks, unchanged: ["stays"])
        let count = moves.state.frames.count
        await moves.changes.wait { moves.state.frames.count > count + 3 }
        _ = await running.end()
        var ended: Set<StreamID> = []
        for header in moves.state.headers {
            #expect(!ended.contains(header.stream))
            if header.isEndMark { ended.insert(header.stream) }
        }
        #expect(ended == Set(moves.state.headers.map(\.stream)))
    }

    @Test(
        "random steps, drifts and lives of series leave every feed with all that was recorded",
        arguments: 0..<40 * testScale)
    func schedules(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let collector = Collector(stats: stats)
        let told = try [Told(collector, .delta), Told(collector, .cumulative)]
        var recorded: Int64 = 0
        var ended: [[StreamID: Int64]] = [[:], [:]]
        for _ in 0..<60 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0: clock.set(by: Int64.random(in: -40_000...40_000, using: &random) * 1_000_000_000)
            case 1: clock.set(by: Int64.random(in: -99_000_000...99_000_000, using: &random))
            case 2: stats.forget(tag("\(Int.random(in: 0..<4, using: &random))"))
            case 3, 4, 5:
                clock.advance(UInt64.random(in: 1...20_000_000_000, using: &random))
                try collect(collector, told)
            default:
                let amount = Int64.random(in: 0...9, using: &random)
                amounts.record(amount, tag("\(Int.random(in: 0..<4, using: &random))"), in: stats)
                recorded += amount
                clock.advance(UInt64.random(in: 1...1_000_000, using: &random))
            }
        }
        // What ended is reported when no reader can have it any more; tests beside this one are readers too.
        repeat {
            clock.advance(second)
            try collect(collector, told)
        } while stats.withState { state in unsafe state.gate.retiredCount + state.ended.count > 0 }
        for told in told { expectOrder(told) }
        #expect(told[0].sum("sum") == recorded)
        // Of totals, what ended in a stream stays said.
        var last: [StreamID: Int64] = [:]
        for (header, batch) in told[1].batches {
            guard let table = batch.views.first(where: { $0.name == "sum" }) else { continue }
            last[header.stream] = 0
            for row in 0..<table.rows {
                if table.endTimes.isEmpty || table.endTimes[row] == 0 {
                    last[header.stream]! += table.integers[row]
                } else {
                    ended[1][header.stream, default: 0] += table.integers[row]
                }
            }
        }
        #expect(last.values.reduce(0, +) + ended[1].values.reduce(0, +) == recorded)
    }
}
