import Synchronization
import Testing
import WeirBatch

@testable import WeirExport
import WeirExporterKit
import WeirTestSupport

/// A ``TestExporter`` that gets batches when it asks for them.
final class AskingExporter: Exporter {
    static let kind = ExporterKind(
        name: "asking", version: "1", settings: [TestExporter.idSetting], collectsOnRequest: true)
    static let plugin = ExporterPlugin(AskingExporter.self)
    private static let hosts = Mutex<[String: ExporterHost]>([:])

    private let base: TestExporter

    init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        base = try TestExporter(settings: settings, host: host)
        Self.hosts.withLock { $0[settings.text(TestExporter.idSetting)] = host }
    }

    func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult { base.deliver(frame) }

    func close() { base.close() }

    static func ask(for destination: Destination) throws {
        try #require(hosts.withLock { $0[destination.id] }).collect()
    }
}

extension Destination {
    func askingSink(_ name: String) throws -> SinkConfiguration {
        var sink = try sink(name)
        sink.exporter = try unsafe PluginTable(builtIn: AskingExporter.plugin.table)
        return sink
    }

    /// Waits until so many batches have come.
    func frames(_ count: Int) async -> [FrameFacts] {
        await changes.wait { state.facts.count >= count }
        return state.facts
    }
}

@Suite("Collections that a sink asks for", .serialized)
struct CollectRequestTests {
    private static let day: Int64 = 86_400_000_000_000

    @Test("who asks gets a batch at once, in a stream of its own, and nobody else does")
    func asks() async throws {
        let (asking, other) = (Destination(.accepting), Destination(.accepting))
        let pipeline = try Pipeline.started(
            CountingSource(), [asking.askingSink("asking"), other.sink("other")], intervalNanoseconds: Self.day)
        for number in 1...3 {
            try AskingExporter.ask(for: asking)
            let facts = await asking.frames(number)
            #expect(facts.last?.numbers == .some(UInt64(number)...UInt64(number)))
        }
        #expect(other.state.facts.isEmpty)
        let report = await pipeline.end()
        #expect(report.isComplete)
        #expect(asking.state.facts.map(\.numbers.lowerBound) == [1, 2, 3, 4])
        #expect(other.state.facts.map(\.numbers.lowerBound) == [1])
        #expect(asking.state.facts[0].stream != other.state.facts[0].stream)
        for sink in report.sinks { #expect(sink.accounts.imbalance == nil) }
    }

    @Test("nobody asks: nothing comes, however often the others get something, until the end")
    func doesNotTick() async throws {
        let (asking, other) = (Destination(.accepting), Destination(.accepting))
        let pipeline = try Pipeline.started(CountingSource(), [asking.askingSink("asking"), other.sink("other")])
        _ = await other.frames(5)
        #expect(asking.state.facts.isEmpty)
        _ = await pipeline.end()
        #expect(asking.state.facts.count == 1)
    }

    @Test("where the user names an interval, it ticks as well")
    func ticks() async throws {
        let asking = Destination(.accepting)
        var sink = try asking.askingSink("asking")
        sink.intervalNanoseconds = 5_000_000
        let pipeline = try Pipeline.started(CountingSource(), [sink], intervalNanoseconds: Self.day)
        _ = await asking.frames(3)
        _ = await pipeline.end()
    }

    @Test("what many ask at once is one request, and there is a pause between two collections")
    func coalesces() async throws {
        let asking = Destination(.accepting)
        let source = CountingSource()
        let pipeline = try Pipeline.started(source, [asking.askingSink("asking")], intervalNanoseconds: Self.day)
        let began = TimeSource.system.monotonic()
        while asking.state.facts.count < 4 {
            for _ in 0..<1000 { try AskingExporter.ask(for: asking) }
        }
        let collections = source.count
        let pauses = (TimeSource.system.monotonic() - began) / 50_000_000
        #expect(collections <= pauses + 1)
        #expect(pauses >= 3)
        _ = await pipeline.end()
    }

    @Test("the request of a sink that shares its feed changes nothing")
    func sharedFeed() async throws {
        let (asking, other) = (Destination(.accepting), Destination(.accepting))
        let pipeline = try Pipeline.started(
            CountingSource(), [asking.askingSink("asking"), other.sink("other")], intervalNanoseconds: Self.day)
        pipeline.control.withLock { $0.requests.formUnion(["other", "nobody"]) }
        try AskingExporter.ask(for: asking)
        _ = await asking.frames(1)
        #expect(other.state.facts.isEmpty)
        _ = await pipeline.end()
    }

    @Test("a sink that follows another goes on asking, in the same stream")
    func reconfiguring() async throws {
        let asking = Destination(.accepting)
        var sink = try asking.askingSink("asking")
        let pipeline = try Pipeline.started(CountingSource(), [sink], intervalNanoseconds: Self.day)
        try AskingExporter.ask(for: asking)
        _ = await asking.frames(1)
        sink.timeoutNanoseconds += 1
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = Self.day
        try pipeline.reconfigure(configuration, sinks: [sink], unchanged: [])
        try AskingExporter.ask(for: asking)
        let facts = await asking.frames(2)
        #expect(Set(facts.map(\.stream)).count == 1)
        #expect(facts.map(\.numbers.lowerBound) == [1, 2])
        let report = await pipeline.end()
        for sink in report.sinks { #expect(sink.accounts.imbalance == nil) }
    }

    @Test("a request after the end is harmless, and keeps nothing alive")
    func afterTheEnd() async throws {
        let asking = Destination(.accepting)
        weak var control: Monitor<Pipeline.Control>?
        do {
            let pipeline = try Pipeline.started(CountingSource(), [asking.askingSink("asking")])
            control = pipeline.control
            _ = await pipeline.end()
        }
        while control != nil { await Task.yield() }
        try AskingExporter.ask(for: asking)
        #expect(asking.state.isClosed)
    }
}
