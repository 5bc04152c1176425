internal import Synchronization
import Testing
import WeirTestSupport

@testable import WeirRecording

@Suite("Exemplars and threads")
struct ExemplarThreadTests {
    private static let route: TagKey = "exemplar.thread.route"
    private static let user: TagKey = "exemplar.thread.user"
    private let latency = Measure<Double>("exemplar.thread.latency", unit: .seconds)

    /// All that is said of a measurement follows from one number, so that a torn exemplar is seen.
    private func record(_ number: UInt64, _ body: (Double, Tags) -> Void) {
        let tags = Tags([(Self.route, "/\(number % 3)"), (Self.user, "the user with the number \(number)")])
        withSpan(SpanReference(traceHigh: number, low: ~number, spanID: number, isSampled: true)) {
            body(Double(number), tags)
        }
    }

    private func expectWhole(_ exemplar: FoundExemplar) {
        let number = UInt64(exemplar.value)
        #expect(exemplar.span == SpanReference(traceHigh: number, low: ~number, spanID: number, isSampled: true))
        #expect(exemplar.tags == ["exemplar.thread.user": "the user with the number \(number)"])
        #expect(exemplar.series == Tags([(Self.route, "/\(number % 3)")]).description)
    }

    @Test("while many record and one collects, each exemplar is one measurement, and nothing is lost")
    func whole() throws {
        let stats = try Stats.small()
        try stats.register(
            View(
                "v", of: latency, by: [Self.route], as: .distribution(bounds: [1_000, 10_000, 20_000]),
                exemplars: .traceBased))
        let isDone = Atomic<Int>(0)
        let (threads, count) = (4, 3_000 * testScale)
        let found = Lock()
        nonisolated(unsafe) var collected: [FoundExemplar] = []
        onThreads(threads + 1) { thread in
            if thread == threads {
                while isDone.load(ordering: .acquiring) < threads {
                    let exemplars = stats.exemplars()
                    found.withLock { unsafe collected += exemplars }
                }
                return
            }
            for step in 1...count {
                record(UInt64(step * threads + thread)) { latency.record($0, $1, in: stats) }
            }
            isDone.add(1, ordering: .releasing)
        }
        let all = unsafe collected + stats.exemplars()
        #expect(!all.isEmpty)
        for exemplar in all { expectWhole(exemplar) }
        // One a bucket: three series of four.
        #expect(stats.exemplars().count <= 12)
        let readings = stats.readings()
        #expect(readings.live.values.reduce(0) { $0 + $1.count } == UInt64(threads * count))
    }

    @Test("series with exemplars come and go while they are recorded into and collected")
    func churn() throws {
        let stats = try Stats.small()
        let isDone = Atomic<Int>(0)
        let threads = 3
        let count = 2_000 * testScale
        onThreads(threads + 2) { thread in
            switch thread {
            case threads:
                while isDone.load(ordering: .acquiring) < threads {
                    for exemplar in stats.exemplars() { expectWhole(exemplar) }
                    stats.forget(Tags([(Self.route, "/1")]))
                }
            case threads + 1:
                while isDone.load(ordering: .acquiring) < threads {
                    try? stats.register(
                        View("v", of: latency, by: [Self.route], as: .exponentialDistribution(), exemplars: .alwaysOn))
                    try? stats.unregister("v")
                }
            default:
                let own = Tags([(Self.route, "/0"), (Self.user, "the user with the number 0")])
                let recorder = latency.bound(to: own, in: stats)
                for step in 1...count {
                    record(UInt64(step * threads + thread)) { value, tags in latency.record(value, tags, in: stats) }
                    if step.isMultiple(of: 64) { recorder.record(0) }
                }
                isDone.add(1, ordering: .releasing)
            }
        }
        try? stats.unregister("v")
        #expect(stats.readings().live.isEmpty)
        #expect(stats.readings().counts.lost == 0)
    }
}
