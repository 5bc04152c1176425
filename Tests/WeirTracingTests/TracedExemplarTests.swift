import InMemoryTracing
import Testing
import Tracing
import WeirBatch
import WeirExport
import WeirRecording
import WeirTracing

@Suite("Exemplars of traces")
struct TracedExemplarTests {
    @Test("an exemplar names the trace and the span of the context that it was recorded in, and has its tags")
    func traced() async {
        await #expect(processExitsWith: .success) {
            let tenant: TagKey = "exemplar.tenant"
            let measure = Measure<Int64>("exemplar.traced")
            let stats = try Stats(cellsPerCore: 4_096)
            try stats.register(
                View("v", of: measure, by: [tenant], as: .distribution(bounds: [10, 20]), exemplars: .traceBased))
            followServiceContext()
            measure.record(1, in: stats)
            withTracer(W3CTracer(flags: "00")) { withSpan("unsampled") { _ in measure.record(2, in: stats) } }
            await withTracer(W3CTracer()) {
                await withTags([tenant: "acme"]) {
                    await withSpan("outer") { _ in
                        measure.record(11, in: stats)
                        await Task { withSpan("inner") { _ in measure.record(21, in: stats) } }.value
                        // The first of a bucket stays.
                        measure.record(22, in: stats)
                    }
                }
            }
            var batch = Batch()
            Collector(stats: stats).collect(into: &batch)
            let view = try #require(batch.views.first { $0.name == "v" })
            let found = view.exemplars
            #expect(found.values == [11, 21])
            #expect(found.traceHighs == [0, 0])
            #expect(found.traceLows == [1, 1])
            #expect(found.spans == [1, 2])
            let tags = found.rows.map { view.tagValues[Int($0)] }.map { $0 == 0 ? "-" : batch.strings[Int($0) - 1] }
            #expect(tags == ["acme", "acme"])
        }
    }

    @Test("a tracer that records measurements of its own is not asked for their span again")
    func recursion() async {
        await #expect(processExitsWith: .success) {
            let measure = Measure<Int64>("exemplar.recursion")
            let stats = try Stats(cellsPerCore: 4_096)
            try stats.register(View("v", of: measure, as: .sum, exemplars: .traceBased))
            followServiceContext { _ in
                measure.record(1, in: stats)
                return SpanReference(traceHigh: 0, low: 7, spanID: 7, isSampled: true)
            }
            ServiceContext.withValue(.topLevel) { measure.record(10, in: stats) }
            var batch = Batch()
            Collector(stats: stats).collect(into: &batch)
            let view = try #require(batch.views.first { $0.name == "v" })
            #expect(view.integers == [11])
            #expect(view.exemplars.values == [10])
            #expect(view.exemplars.spans == [7])
        }
    }
}
