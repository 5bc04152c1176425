import Synchronization
import Testing
import WeirBatch
import WeirTestSupport

@testable import WeirExport
@testable import WeirRecording

/// What sinks are told when their feed becomes another one, or export ends and begins again.
@Suite("Sinks that move from feed to feed", .serialized, .timeLimit(.minutes(2)))
struct FeedMovingTests {
    private static let key: TagKey = "moving.key"
    private let stats: Stats
    private let amounts = Measure<Int64>("moving.amounts")
    private let others = Measure<Int64>("moving.others")

    init() throws {
        stats = Stats(stripes: try StripeSet(cells: 1 << 16), clock: StatsClock())
        try stats.register(
            View("a/sum", of: amounts, by: [Self.key], as: .sum), View("b/sum", of: others, by: [Self.key], as: .sum))
    }

    private func tag(_ value: String) -> Tags { Tags([(Self.key, value)]) }

    /// An interval that does not pass: batches are told by what a test does.
    private func configuration(seconds: Int64 = 3_600) -> Pipeline.Configuration {
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = seconds * 1_000_000_000
        return configuration
    }

    private func sink(
        _ name: String, _ destination: Destination, _ temporality: ViewColumns.Temporality = .delta,
        _ change: (inout SinkConfiguration) -> Void = { _ in }
    ) throws -> SinkConfiguration {
        var sink = try destination.sink(name)
        sink.temporality = temporality
        change(&sink)
        return sink
    }

    private func pipeline(_ sinks: [SinkConfiguration]) throws -> Pipeline {
        let pipeline = try Pipeline(configuration(), source: Collector(stats: stats), sinks: sinks)
        try pipeline.start()
        return pipeline
    }

    /// What the deltas at a destination add up to, and how many ends they tell.
    private func told(_ destination: Destination, _ view: String = "a/sum") throws -> (sum: Int64, ends: Int) {
        var decoder = try BatchDecoder()
        let state = destination.state
        var (sum, ends) = (Int64(0), 0)
        for (frame, header) in zip(state.frames, state.headers.filter { !$0.isEndMark }) {
            let batch = try decoder.decode(frame, header: header)
            for table in batch.views where table.name == view && table.temporality == .delta {
                sum += table.integers.reduce(0, +)
                ends += table.endTimes.count { $0 != 0 }
            }
        }
        return (sum, ends)
    }

    /// No delta starts before the batch before it ended, and nothing follows an end mark.
    private func expectOrder(_ destination: Destination) {
        var ended: Set<StreamID> = []
        var last: UInt64 = 0
        for header in destination.state.headers {
            #expect(!ended.contains(header.stream), "behind its end mark")
            if header.isEndMark {
                ended.insert(header.stream)
            } else {
                #expect(header.startTime >= last)
                last = header.endTime
            }
        }
    }

    @Test("a delta sink is told nothing twice when its interval, level or views change")
    func deltasContinue() async throws {
        let destination = Destination(.accepting)
        let running = try pipeline([sink("a", destination)])
        let changes: [(inout SinkConfiguration) -> Void] = [
            { $0.intervalNanoseconds = 7_200_000_000_000 }, { $0.level = 3 }, { $0.match = ["a/*"] },
            { $0.match = ["!b/*"] }, { _ in },
        ]
        for change in changes {
            amounts.record(100, tag("x"), in: stats)
            try running.reconfigure(configuration(), sinks: [sink("a", destination, .delta, change)], unchanged: [])
        }
        _ = await running.end()
        #expect(try told(destination).sum == 500)
        expectOrder(destination)
    }

    @Test("totals that become deltas, and deltas that become totals, count nothing twice")
    func temporalities() async throws {
        let destination = Destination(.accepting)
        let running = try pipeline([sink("a", destination)])
        var expected: Int64 = 0
        for round in 0..<6 {
            amounts.record(100, tag("x"), in: stats)
            if round % 2 == 0 { expected += 100 }
            let next: ViewColumns.Temporality = round % 2 == 0 ? .cumulative : .delta
            try running.reconfigure(configuration(), sinks: [sink("a", destination, next)], unchanged: [])
        }
        _ = await running.end()
        #expect(try told(destination).sum == expected)
        expectOrder(destination)
    }

    @Test("what ended since a slow sink's last batch is told before it changes, or goes", arguments: [true, false])
    func endsAreTold(isRemoved: Bool) async throws {
        let (slow, fast) = (Destination(.accepting), Destination(.accepting))
        let fastSink = try sink("fast", fast) { $0.intervalNanoseconds = 2_000_000 }
        let running = try pipeline([sink("slow", slow), fastSink])
        amounts.record(5, tag("x"), in: stats)
        await fast.changes.wait { fast.state.frames.count > 2 }
        stats.forget(tag("x"))
        // Until the fast one has told the end, so that the slow one alone has yet to.
        while try told(fast).ends == 0 { await fast.changes.wait(for: fast.changes.count + 1) }
        let changed = try isRemoved ? [fastSink] : [sink("slow", slow) { $0.level = 5 }, fastSink]
        try running.reconfigure(configuration(), sinks: changed, unchanged: ["fast"])
        _ = await running.end()
        for destination in [slow, fast] {
            let told = try told(destination)
            #expect(told.sum == 5 && told.ends == 1)
            expectOrder(destination)
        }
    }

    @Test("a sink that leaves a shared feed and returns writes nothing behind an end mark")
    func returning() async throws {
        let (stays, moves) = (Destination(.accepting), Destination(.accepting))
        let shared = try sink("stays", stays)
        let running = try pipeline([shared, sink("moves", moves)])
        for round in 0..<6 {
            amounts.record(1, tag("x"), in: stats)
            let moved = try sink("moves", moves) { if round % 2 == 0 { $0.level = 4 } }
            try running.reconfigure(configuration(), sinks: [shared, moved], unchanged: ["stays"])
        }
        amounts.record(1, tag("x"), in: stats)
        _ = await running.end()
        for destination in [stays, moves] {
            #expect(try told(destination).sum == 7)
            expectOrder(destination)
            #expect(destination.state.headers.allSatisfy { $0.gaps.isEmpty })
        }
    }

    @Test("export that ends and begins again tells a delta sink nothing twice, and a sink that was away all of it")
    func beginningAgain() async throws {
        let destination = Destination(.accepting)
        for _ in 0..<4 {
            amounts.record(10, tag("x"), in: stats)
            let running = try pipeline([sink("a", destination)])
            amounts.record(5, tag("y"), in: stats)
            stats.forget(tag("y"))
            _ = await running.end()
            amounts.record(1, tag("z"), in: stats)
        }
        let running = try pipeline([sink("a", destination)])
        try running.reconfigure(configuration(), sinks: [], unchanged: [])
        amounts.record(7, tag("x"), in: stats)
        try running.reconfigure(configuration(), sinks: [sink("a", destination)], unchanged: [])
        _ = await running.end()
        #expect(try told(destination).sum == 4 * 16 + 7)
    }

    @Test("random changes of several sinks leave each with all that was recorded for it", arguments: 0..<30 * testScale)
    func schedules(seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let destinations = (0..<3).map { _ in Destination(.accepting) }
        // Either views come and go, or series do: of a series that ends, a sink that did not want it may be told late.
        let isMatching = seed % 2 == 0
        var wants = [Bool](repeating: true, count: 3)
        func sinks() throws -> [SinkConfiguration] {
            try destinations.enumerated().map { number, destination in
                try sink("s\(number)", destination) { sink in
                    sink.level = [nil, 2].randomElement(using: &random)!
                    sink.intervalNanoseconds = [nil, 1_000_000].randomElement(using: &random)!
                    if isMatching { sink.match = [nil, ["a/*"], ["b/*"], ["!a/*"]].randomElement(using: &random)! }
                    wants[number] = sink.match == nil || sink.match == ["a/*"]
                }
            }
        }
        let running = try pipeline(sinks())
        var expected = [Int64](repeating: 0, count: 3)
        for _ in 0..<Int.random(in: 2...12, using: &random) {
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                let tags = tag("\(Int.random(in: 0..<4, using: &random))")
                amounts.record(3, tags, in: stats)
                for number in 0..<3 where wants[number] { expected[number] += 3 }
                if !isMatching, Int.random(in: 0..<3, using: &random) == 0 { stats.forget(tags) }
            }
            try running.reconfigure(configuration(), sinks: sinks(), unchanged: [])
        }
        _ = await running.end()
        // Ends that wait for readers of the whole process, other tests' too, are told by a later export.
        let last = try destinations.enumerated().map { number, destination in try sink("s\(number)", destination) }
        for _ in 0..<100 where stats.withState({ state in unsafe state.gate.retiredCount + state.ended.count > 0 }) {
            _ = await (try pipeline(last)).end()
        }
        for (number, destination) in destinations.enumerated() {
            let sum = try told(destination).sum
            #expect(sum == expected[number])
            expectOrder(destination)
        }
    }
}
