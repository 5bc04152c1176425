import CoreMetrics
import Synchronization
import Testing
import WeirBatch
import WeirMetrics
import WeirRecording
import WeirTestSupport

@Suite("swift-metrics: handles that end")
struct DestroyTests {
    @Test("what is destroyed ends with its last value, at once where nobody else asked for it")
    func ends() throws {
        let recorded = try Recorded(timers: .distribution(bounds: [1]))
        let counter = CoreMetrics.Counter(label: "counter", dimensions: [("a", "1")], factory: recorded.factory)
        let sum = FloatingPointCounter(label: "sum", factory: recorded.factory)
        let meter = Meter(label: "meter", factory: recorded.factory)
        let recorder = CoreMetrics.Recorder(label: "recorder", factory: recorded.factory)
        let timer = CoreMetrics.Timer(label: "timer", factory: recorded.factory)
        counter.increment(by: 3)
        sum.increment(by: 0.5)
        meter.set(2)
        recorder.record(5)
        timer.recordSeconds(1)
        #expect(recorded.rows().count == 5)
        counter.destroy()
        sum.destroy()
        meter.destroy()
        recorder.destroy()
        timer.destroy()
        #expect(
            recorded.rows() == [
                "counter{a=1}: 3 ended", "meter: 2.0 ended", "recorder: 5.0 in [0, 1, 0] ended", "sum: 0.5 ended",
                "timer: 1.0 in [1, 0] ended",
            ])
        #expect(recorded.rows() == [])
        // Too late: counted, and nothing else.
        counter.increment()
        counter.destroy()
        #expect(recorded.rows() == [])
        withExtendedLifetime((counter, sum, meter, recorder, timer)) {}
    }

    @Test("what comes again begins anew")
    func again() throws {
        let recorded = try Recorded()
        let first = CoreMetrics.Counter(label: "x", factory: recorded.factory)
        first.increment(by: 3)
        let start = try #require(recorded.collect().view("x")).startTimes[0]
        first.destroy()
        let second = CoreMetrics.Counter(label: "x", factory: recorded.factory)
        second.increment()
        let batch = recorded.collect()
        #expect(batch.metricRows == ["x: 1", "x: 3 ended"])
        #expect(try #require(batch.view("x")).startTimes[0] > start)
        // The first handle is nobody's any more: to destroy it again is not to destroy the second.
        first.destroy()
        second.increment()
        #expect(recorded.rows() == ["x: 2"])
        withExtendedLifetime((first, second)) {}
    }

    @Test("one of several that share a series may be destroyed, and the others lose nothing")
    func shared() throws {
        let recorded = try Recorded()
        let one = CoreMetrics.Counter(label: "x", factory: recorded.factory)
        var other: CoreMetrics.Counter? = CoreMetrics.Counter(label: "x", factory: recorded.factory)
        one.increment()
        one.destroy()
        other?.increment()
        let third = CoreMetrics.Counter(label: "x", factory: recorded.factory)
        third.increment()
        #expect(recorded.rows() == ["x: 3"])
        other?.destroy()
        other = nil
        third.destroy()
        #expect(recorded.rows() == ["x: 3"])
        withExtendedLifetime((one, third)) {}
    }

    @Test("a series ends when the last that shares it is released")
    func released() throws {
        let recorded = try Recorded()
        do {
            let one = CoreMetrics.Counter(label: "x", factory: recorded.factory)
            let other = CoreMetrics.Counter(label: "x", factory: recorded.factory)
            one.increment()
            one.destroy()
            other.increment()
        }
        var ended: [String] = []
        // What a reader might still have is let go of at one of the next collections.
        for _ in 0..<4 { ended += recorded.rows().filter { $0.hasSuffix("ended") } }
        #expect(ended == ["x: 2 ended"] && recorded.rows() == [])
    }

    @Test("a handle of another factory is left alone")
    func foreign() throws {
        let (recorded, other) = (try Recorded(), try Recorded())
        let counter = CoreMetrics.Counter(label: "x", factory: recorded.factory)
        counter.increment()
        let handler = other.factory.makeCounter(label: "x", dimensions: [])
        recorded.factory.destroyCounter(handler)
        recorded.factory.destroyCounter(NOOPMetricsHandler.instance)
        handler.increment(by: 5)
        #expect(recorded.rows() == ["x: 1"] && other.rows() == ["x: 5"])
    }

    @Test("threads that make, record, reset and destroy lose nothing and count nothing twice", arguments: [1, 2, 3])
    func threads(seed: UInt64) throws {
        let recorded = try Recorded()
        let (threads, rounds) = (4, 2_000 * testScale)
        let wanted = Mutex<[String: Int64]>([:])
        let isDone = Atomic<Bool>(false)
        let found = Mutex<[String: Int64]>([:])
        @Sendable func add(_ rows: [String], endedOnly: Bool) {
            for row in rows where row.hasSuffix(" ended") || !endedOnly {
                let parts = row.split(separator: ": ")
                let value = Int64(parts[1].split(separator: " ")[0]) ?? .min
                found.withLock { $0[String(parts[0]), default: 0] += value }
            }
        }
        onThreads(threads + 1) { number in
            if number == threads {
                while !isDone.load(ordering: .acquiring) { add(recorded.rows(), endedOnly: true) }
                return
            }
            var generator = SeededGenerator(seed: seed &* 100 &+ UInt64(number))
            var sums: [String: Int64] = [:]
            for _ in 0..<rounds {
                let value = Int.random(in: 0..<6, using: &generator)
                let counter = CoreMetrics.Counter(
                    label: "x", dimensions: [("key", "\(value)"), ("route", "/a/long/route/of/\(value)")],
                    factory: recorded.factory)
                let amount = Int64.random(in: 1...9, using: &generator)
                counter.increment(by: amount)
                sums["x{key=\(value),route=/a/long/route/of/\(value)}", default: 0] += amount
                switch Int.random(in: 0..<10, using: &generator) {
                case 0..<3: counter.destroy()
                case 3: counter.reset()
                default: break
                }
            }
            wanted.withLock { $0.merge(sums, uniquingKeysWith: +) }
            if wanted.withLock({
                $0["done", default: 0] += 1; return $0["done"] == Int64(threads)
            }) {
                isDone.store(true, ordering: .releasing)
            }
        }
        // What was destroyed last is let go of at the next collections.
        for _ in 0..<4 { add(recorded.rows(), endedOnly: true) }
        add(recorded.rows().filter { !$0.hasSuffix(" ended") }, endedOnly: false)
        wanted.withLock { $0["done"] = nil }
        #expect(found.withLock { $0 } == wanted.withLock { $0 })
        #expect(recorded.discarded("gone") == 0)
    }
}
