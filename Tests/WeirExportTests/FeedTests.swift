import Testing
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

// One after the other: each keeps threads busy that others wait for.
@Suite("Feeds of one pipeline", .serialized)
struct FeedTests {
    private let source = ShopSource()

    /// Two views; the tags of one are nobody's business but its own.
    private final class ShopSource: BatchSource {
        let collections = Signal()
        /// Whether every second collection cannot be encoded.
        let fails: Bool

        init(fails: Bool = false) { self.fails = fails }

        func collect(into batch: inout Batch) {
            let number = collections.count + 1
            var builder = BatchBuilder(start: number * 10, end: number * 10 + 10)
            builder.view("http/requests", .count, keys: ["route"]) { $0.row(["/a"], start: 5, Int64(number)) }
            builder.view("debug/secrets", .count, keys: ["token"]) { $0.row(["hush"], start: 5, Int64(number)) }
            let resource = batch.resource
            batch = builder.batch
            batch.resource = resource
            if fails, number % 2 == 0 { batch.views[0].integers = [Int64](repeating: 1, count: Int(number)) }
            collections.fire()
        }
    }

    private func batches(_ destination: Destination, stream: StreamID) throws -> [Batch] {
        var decoder = try BatchDecoder()
        let state = destination.state
        return try zip(state.facts, state.frames).map { facts, payload in
            var header = FrameHeader(stream: stream, first: facts.numbers.lowerBound, last: facts.numbers.upperBound)
            (header.startTime, header.endTime) = (facts.startTime, facts.endTime)
            (header.rows, header.points) = (facts.rows, facts.points)
            (header.payloadLength, header.rawLength) = (facts.payloadLength, facts.rawLength)
            return try decoder.decode(payload, header: header)
        }
    }

    private func names(_ batch: Batch) -> Set<String> {
        Set(batch.views.map(\.name).filter { !$0.hasPrefix("weir.") })
    }

    @Test("sinks that agree share the bytes, others have a stream of their own, numbered from 1")
    func shares() async throws {
        let destinations = (0..<5).map { _ in Destination(.accepting) }
        var sinks = try destinations.enumerated().map { try $1.sink("\($0)") }
        (sinks[1].temporality, sinks[2].temporality) = (.delta, .delta)
        (sinks[3].level, sinks[4].match) = (3, ["!debug/*"])
        let pipeline = try Pipeline.started(source, sinks + [try destinations[0].sink("0 again")])
        #expect(pipeline.streams.count == 4)
        await source.collections.wait(for: 20)
        let report = await pipeline.end()
        #expect(report.isComplete && report.sinks.allSatisfy { $0.hasEndMark && $0.accounts.imbalance == nil })
        let states = destinations.map(\.state)
        #expect(states[1].frames == states[2].frames && states[1].frames != states[0].frames)
        for state in states[1...] {
            #expect(state.facts.map(\.numbers.lowerBound) == Array(1...source.collections.count))
        }
        #expect(Set(states[0].facts.map(\.stream) + states[1...].flatMap { $0.facts.map(\.stream) }).count == 4)
        #expect(states[0].facts.count == 2 * Int(source.collections.count))

        let deltas = try batches(destinations[1], stream: pipeline.streams[1])
        var sum: Int64 = 0
        for batch in deltas { sum += batch.views.first { $0.name == "http/requests" }?.integers.first ?? 0 }
        #expect(sum == Int64(source.collections.count))
        // Its own accounts, too: what the sink was offered adds up to what it was offered before the last.
        let offered = deltas.reduce(Int64(0)) { $0 + $1.offered(sink: "1") }
        #expect(offered == Int64(source.collections.count) - 1)
        #expect(deltas.allSatisfy { batch in batch.views.contains { $0.name == "weir.sink.held.batches" } })
    }

    @Test("a filtered feed has no other view, and not one of its strings")
    func filters() async throws {
        let (all, filtered, own) = (Destination(.accepting), Destination(.accepting), Destination(.accepting))
        var sinks = [try all.sink("all"), try filtered.sink("filtered"), try own.sink("own")]
        sinks[1].match = ["http/*"]
        sinks[2].match = ["debug/*", "!weir.*"]
        let pipeline = try Pipeline.started(source, sinks)
        await source.collections.wait(for: 3)
        _ = await pipeline.end()
        for batch in try batches(all, stream: pipeline.streams[0]) {
            #expect(names(batch) == ["http/requests", "debug/secrets"])
        }
        for batch in try batches(filtered, stream: pipeline.streams[1]) {
            #expect(names(batch) == ["http/requests"])
            #expect(!(0..<batch.strings.count).map { batch.strings[$0] }.contains("hush"))
            #expect(batch.views.contains { $0.name == "weir.sink.batches" })
        }
        for batch in try batches(own, stream: pipeline.streams[2]) {
            #expect(batch.views.map(\.name) == ["debug/secrets"])
            #expect(batch.strings.count == 1)
        }
    }

    @Test("each has its interval, and a batch of the time since its own last one")
    func intervals() async throws {
        let (often, seldom, last) = (Destination(.accepting), Destination(.accepting), Destination(.accepting))
        var sinks = [try often.sink("often"), try seldom.sink("seldom"), try last.sink("last")]
        sinks[1].intervalNanoseconds = 20_000_000
        sinks[2].intervalNanoseconds = 3_600_000_000_000
        for index in 1...2 { sinks[index].temporality = .delta }
        let pipeline = try Pipeline.started(source, sinks, intervalNanoseconds: 2_000_000)
        await seldom.changes.wait { seldom.state.facts.count >= 3 }
        await often.changes.wait { often.state.facts.count >= 3 }
        _ = await pipeline.end()
        for (destination, stream) in zip([seldom, last], pipeline.streams.dropFirst()) {
            let facts = destination.state.facts
            #expect(facts.map(\.numbers.lowerBound) == Array(1...UInt64(facts.count)))
            #expect(facts.first?.startTime == 10 && facts.last?.endTime == source.collections.count * 10 + 10)
            for (before, after) in zip(facts, facts.dropFirst()) { #expect(after.startTime == before.endTime) }
            let told = try batches(destination, stream: stream)
            let sum = told.reduce(Int64(0)) { sum, batch in
                sum + (batch.views.first { $0.name == "http/requests" }?.integers.first ?? 0)
            }
            #expect(sum == Int64(source.collections.count))
        }
        #expect(last.state.facts.count == 1)
    }

    @Test("a view that cannot be encoded in every second collection stops no other, and what it missed is told next")
    func failures() async throws {
        let source = ShopSource(fails: true)
        let destination = Destination(.accepting)
        var sink = try destination.sink("a")
        sink.temporality = .delta
        let log = LogLines()
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = 5_000_000
        let pipeline = try Pipeline(configuration, source: source, sinks: [sink], logger: log.logger)
        try pipeline.start()
        await source.collections.wait(for: 9)
        _ = await pipeline.end()
        #expect(log.all.filter { $0.contains("view http/requests cannot be encoded") }.count == 1)
        #expect(pipeline.counts.failures == 0)
        #expect(pipeline.counts.failedViews["http/requests"]?.collections == source.collections.count / 2)
        let told = try batches(destination, stream: pipeline.streams[0])
        #expect(told.allSatisfy { batch in batch.views.contains { $0.name == "debug/secrets" } })
        let sum = told.reduce(Int64(0)) { sum, batch in
            sum + (batch.views.first { $0.name == "http/requests" }?.integers.first ?? 0)
        }
        let missed = told.compactMap { batch in batch.views.first { $0.name == "weir.collection.views.failed" } }
        #expect(missed.reduce(0) { $0 + $1.integers[0] } == Int64(source.collections.count / 2))
        #expect(sum == Int64((source.collections.count + 1) / 2 * 2 - 1))
        let facts = destination.state.facts
        #expect(facts.map(\.numbers.lowerBound) == Array(1...UInt64(facts.count)))
        for (before, after) in zip(facts, facts.dropFirst()) { #expect(after.startTime == before.endTime) }
    }

    @Test("a collection that is too large is several batches, each a number of its own")
    func splits() async throws {
        let destination = Destination(.accepting)
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = 3_600_000_000_000
        configuration.partBytes = 600
        let pipeline = try Pipeline(configuration, source: source, sinks: [destination.sink("a")])
        try pipeline.start()
        let report = await pipeline.end()
        #expect(report.isComplete)
        let facts = destination.state.facts
        #expect(facts.count > 1)
        #expect(facts.map(\.part) == Array(1...UInt32(facts.count)))
        #expect(facts.allSatisfy { $0.parts == facts.count && $0.payloadLength <= 600 })
        #expect(facts.map(\.numbers.lowerBound) == Array(1...UInt64(facts.count)))
        #expect(destination.state.endMarks.map(\.numbers.lowerBound) == [UInt64(facts.count)])
    }

    @Test("what a sink says of its feed is checked before anything is opened")
    func refuses() throws {
        let destination = Destination(.accepting)
        func error(_ change: (inout SinkConfiguration) -> Void) throws -> ExportError? {
            var sink = try destination.sink("a")
            change(&sink)
            return #expect(throws: ExportError.self) { try Pipeline.started(source, [sink]) }
        }
        #expect(
            try error { $0.intervalNanoseconds = 0 }
                == .setting(
                    sink: "a",
                    .invalid(key: "interval", wanted: "more than nothing and at most a year", found: "0 ns")))
        #expect(
            try error { $0.match = ["ok", "!"] }
                == .setting(
                    sink: "a", .invalid(key: "match", wanted: "patterns such as 'http/*' or '!debug/*'", found: "!")))
        guard case .setting("a", .invalid("level", _, "99")) = try error({ $0.level = 99 }) else {
            Issue.record("wanted a word about the level")
            return
        }
        #expect(!destination.state.isClosed)
    }
}

extension Batch {
    /// The account `offered` of a sink, in batches.
    fileprivate func offered(sink: String) -> Int64 {
        guard let view = views.first(where: { $0.name == "weir.sink.batches" }) else { return 0 }
        let tag = { (key: Int, row: Int) in self.strings[Int(view.tagValues[key * view.rows + row]) - 1] }
        for row in 0..<view.rows where tag(0, row) == sink && tag(1, row) == "offered" { return view.integers[row] }
        return 0
    }
}
