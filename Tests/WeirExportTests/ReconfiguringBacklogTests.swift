import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

// One after the other: each keeps threads busy that others wait for.
@Suite("Changing a sink that is behind", .serialized, .timeLimit(.minutes(1)))
struct ReconfiguringBacklogTests {
    private let source = CountingSource()

    private func configuration(_ change: (inout Pipeline.Configuration) -> Void) -> Pipeline.Configuration {
        var configuration = Pipeline.Configuration()
        change(&configuration)
        return configuration
    }

    @Test(
        "deltas of a sink that is behind add up over a change, at a bound of a few batches", arguments: [600, 4 << 20])
    func deltasAddUp(partBytes: Int) async throws {
        let away = Destination(.failingUntilReleased)
        func sink(timeout: UInt64) throws -> SinkConfiguration {
            var sink = try away.sink("a", bounds: QueueBounds(batches: 4), policy: Coalesce())
            sink.temporality = .delta
            sink.timeoutNanoseconds = timeout
            sink.retry = Retry(first: 1_000_000, longest: 1_000_000)
            sink.breaker = Breaker(failuresInARow: 0, failuresOf20: 0)
            return sink
        }
        // Half a second of collections for a relief on a busy machine.
        let first = configuration { ($0.partBytes, $0.intervalNanoseconds) = (partBytes, 20_000_000) }
        let pipeline = try Pipeline(first, source: source, sinks: [sink(timeout: 1_000_000_000)])
        try pipeline.start()
        await source.collections.wait(for: 10)
        try pipeline.reconfigure(first, sinks: [sink(timeout: 2_000_000_000)], unchanged: [])
        await source.collections.wait(for: source.count + 5)
        away.release()
        let sink = await pipeline.end().sinks[0]
        #expect(sink.accounts.imbalance == nil)
        #expect(sink.accounts.dropped.total == Amount() && sink.accounts.refused.total == Amount())
        var decoder = try BatchDecoder()
        var counted: Int64 = 0
        for frame in away.state.frames {
            let batches = try decoder.decode(headless: frame)
            counted += batches.flatMap(\.views).filter { $0.name == "collections" }.flatMap(\.integers).reduce(0, +)
        }
        #expect(counted == Int64(source.count))
    }

    @Test(
        "a batch from disk that a hanging call holds is delivered by the successor, and the late answer is void")
    func hungRecall() async throws {
        let directory = try TemporaryDirectory()
        let (hanging, there) = (Destination(.hanging), Destination(.accepting))
        func sink(_ destination: Destination) throws -> SinkConfiguration {
            var sink = try destination.sink("a", bounds: QueueBounds(batches: 4))
            sink.spill = SinkConfiguration.Spill(directory: directory.path + "/spill", sync: .never)
            sink.timeoutNanoseconds = 50_000_000
            return sink
        }
        // A process before leaves batches on disk.
        let away = CountingSource()
        let before = try Pipeline.started(away, [sink(Destination(.failing))])
        await away.collections.wait(for: 20)
        let left = await before.end(deadlineNanoseconds: 100_000_000).sinks[0].accounts.spilled.batches
        #expect(left > 0)

        let quiet = configuration { $0.intervalNanoseconds = 3_600_000_000_000 }
        let pipeline = try Pipeline(quiet, source: source, sinks: [sink(hanging)])
        try pipeline.start()
        await hanging.changes.wait { hanging.hangs > 0 }
        try pipeline.reconfigure(quiet, sinks: [sink(there)], unchanged: [])
        await there.changes.wait { there.state.facts.count >= Int(left) }
        hanging.release()
        await hanging.changes.wait { hanging.state.isClosed }
        let report = await pipeline.end().sinks[0]
        #expect(report.accounts.imbalance == nil && report.accounts.spilled == Amount())
        #expect(report.accounts.delivered.batches == left + source.count)
        #expect(report.accounts.uncertain.batches == 1)
        #expect(report.deliveries.late == 1)
        #expect(try directory.names(in: "spill") == ["lock"])
    }
}
