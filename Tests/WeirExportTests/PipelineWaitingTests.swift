import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("A pipeline with a sink that makes it wait")
struct PipelineWaitingTests {
    private let source = CountingSource()

    @Test("the collector waits with a sink that blocks, and loses nothing of a slow one")
    func blocks() async throws {
        let slow = Destination(.slow(nanoseconds: 2_000_000))
        let pipeline = try Pipeline.started(
            source, [slow.sink("slow", bounds: QueueBounds(batches: 2), policy: Block(deadline: 60_000_000_000))],
            intervalNanoseconds: 60_000_000)
        await source.collections.wait(for: 5)
        let report = await pipeline.end()
        #expect(report.sinks[0].accounts.delivered.batches == source.count)
        #expect(report.sinks[0].accounts.imbalance == nil)
    }

    @Test("a sink that hangs costs half an interval at most, and the others nothing")
    func waitsHalfAnInterval() async throws {
        let hanging = Destination(.hanging)
        let working = Destination(.accepting)
        let bounds = QueueBounds(batches: 1)
        let pipeline = try Pipeline.started(
            source,
            [
                hanging.sink("hanging", bounds: bounds, policy: Block(deadline: .max)),
                hanging.sink("beside", bounds: bounds, policy: Block(deadline: .max)),
                working.sink("working"),
            ], intervalNanoseconds: 20_000_000)
        await source.collections.wait(for: 10)
        let report = await pipeline.end(deadlineNanoseconds: 100_000_000)
        for sink in report.sinks {
            #expect(sink.accounts.offered.batches == source.count)
            #expect(sink.accounts.imbalance == nil)
        }
        #expect(report.sinks[0].accounts.refused[.timedOut].batches == source.count - 1)
        #expect(report.sinks[1].accounts.refused[.timedOut].batches == source.count - 1)
        #expect(report.sinks[2].accounts.delivered.batches == source.count)
        hanging.release()
    }

    @Test("a shutdown does not wait for a policy's patience")
    func shutdownCutsWaiting() async throws {
        // Below empty there is no mark, so this one always waits.
        let policy = AsyncThenSync(high: -1, low: -1, deadline: .max)
        let pipeline = try Pipeline.started(
            source, [Destination(.accepting).sink("a", policy: policy)], intervalNanoseconds: 3_600_000_000_000)
        let report = await pipeline.end(deadlineNanoseconds: 200_000_000)
        #expect(report.isComplete)
        #expect(report.sinks[0].accounts.refused[.timedOut].batches == 1)
        #expect(report.sinks[0].accounts.imbalance == nil)
    }
}
