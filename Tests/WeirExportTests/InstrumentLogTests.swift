import Testing
import WeirExport
import WeirTestSupport

@testable import WeirRecording

@Suite("Instruments without a view")
struct InstrumentLogTests {
    @Test("the log of whoever collects names each once, on one line", .timeLimit(.minutes(1)))
    func warnings() async throws {
        let stats = try Stats(cellsPerCore: 4_096)
        let log = LogLines()
        let destination = Destination(.accepting)
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = 2_000_000
        let running = try Pipeline(
            configuration, source: Collector(stats: stats), sinks: [try destination.sink("sink")], logger: log.logger)
        try running.start()
        for _ in 0..<2 { Counter("bad\nname", in: stats).add() }
        _ = Counter("instrument.log", in: stats)
        _ = Gauge("instrument.log", in: stats)
        await destination.changes.wait { destination.state.frames.count > 3 }
        _ = await running.end()
        let warnings = log.all.filter { $0.hasPrefix("warning: instrument") }
        #expect(warnings.count == 2)
        #expect(warnings.first?.hasPrefix(#"warning: instrument 'bad\nname' is not registered: view name"#) == true)
        #expect(warnings.allSatisfy { $0.contains("is counted as lost") && !$0.contains("\n") })
    }
}
