import Testing
import WeirTestSupport

@testable import WeirRecording

/// What a signal handler meets that interrupted its own thread under a lock.
@Suite("Recording under a lock of one's own", .timeLimit(.minutes(1)))
struct ReentrantRecordTests {
    private let stats: Stats
    private let measure = Measure<Double>("reentrant.measure")
    private let key: TagKey = "reentrant.key"

    init() throws { stats = try Stats.small() }

    @Test("a measurement that would make a series under its own thread's lock is counted as lost and does not wait")
    func series() throws {
        try stats.register(View("v", of: measure, by: [key], as: .sum))
        let (known, fresh) = (Tags([(key, "known")]), Tags([(key, "fresh")]))
        measure.record(1, known, in: stats)
        stats.withState { _ in
            measure.record(2, known, in: stats)
            measure.record(4, fresh, in: stats)
        }
        let readings = stats.readings()
        #expect(readings.counts.lost == 1)
        #expect(readings["v", known]?.double == 3)
        measure.record(8, fresh, in: stats)
        #expect(stats.readings().counts.lost == 1)
    }

    @Test("a bound recorder counts where it needs no memory, and loses what needs some, counted")
    func octaves() throws {
        try stats.register(View("v", of: measure, as: .exponentialDistribution()))
        let recorder = measure.bound(in: stats)
        recorder.record(1)
        stats.withState { _ in
            recorder.record(1)
            recorder.record(1_000)
        }
        let readings = stats.readings()
        #expect(readings.counts.lost == 1)
        #expect(readings["v"]?.count == 2)
    }

    @Test("a lock knows the thread that holds it, among others that it holds, and no other thread")
    func holder() {
        let (outer, inner) = (Lock(), Lock())
        @Sendable func held() -> [Bool] { [outer.isHeldByThisThread, inner.isHeldByThisThread] }
        outer.withLock {
            #expect(held() == [true, false])
            inner.withLock { #expect(held() == [true, true]) }
            #expect(held() == [true, false])
            onThreads(1) { _ in #expect(held() == [false, false]) }
        }
        #expect(held() == [false, false])
    }
}
