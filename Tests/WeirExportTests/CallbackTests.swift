import Foundation
import Synchronization
import Testing
import WeirBatch
import WeirTestSupport

@testable import WeirExport
@testable import WeirRecording

@Suite("Callbacks that do not return", .serialized, .timeLimit(.minutes(1)))
struct CallbackTests {
    /// Something that callbacks wait for.
    private final class Barrier: Sendable {
        private let monitor = Monitor(false)
        func wait() { monitor.wait { isOpen, _ in isOpen ? () : nil } }
        func open() { monitor.withLock { $0 = true } }
    }

    private let stats: Stats
    private let amounts = Measure<Int64>("callback.amounts")

    init() throws {
        stats = try Stats(cellsPerCore: 4_096)
        try stats.register(View("sum", of: amounts, as: .sum))
    }

    private func runner() -> CallbackRunner { CallbackRunner(patience: 100_000_000, handover: 1_000_000) }

    /// Rows of a view, with those that have ended.
    private func rows(_ batch: Batch, _ view: String) -> [(value: Double, end: UInt64)] {
        batch.views.filter { $0.name == view }.flatMap { table in
            (0..<table.rows).map { row in
                (
                    table.doubles.isEmpty ? Double(table.integers[row]) : table.doubles[row],
                    table.endTimes.isEmpty ? 0 : table.endTimes[row]
                )
            }
        }
    }

    @Test("what a callback holds ends with it, whatever the thread that called it does meanwhile")
    func lettingGo() throws {
        final class Held: Sendable {}
        for _ in 0..<2_000 {
            weak var seen: Held?
            do {
                let held = Held()
                seen = held
                let callback = Callback(
                    number: 1, name: "held", run: { withExtendedLifetime(held) {} }, series: { nil })
                #expect(runner().call([callback]) == [])
            }
            #expect(seen == nil)
        }
    }

    @Test("one that hangs delays nothing else, and its series has neither a new point nor an end")
    func hanging() throws {
        let barrier = Barrier()
        let isHanging = Atomic(false)
        let (stuck, other) = (Gauge("callback.stuck", in: stats), Gauge("callback.other", in: stats))
        let calls = Atomic(0)
        let observations = [
            stuck.observe {
                if isHanging.load(ordering: .relaxed) { barrier.wait() }
                return 1
            },
            other.observe { Double(calls.add(1, ordering: .relaxed).newValue) },
        ]
        let collector = Collector(stats: stats, runner: runner())
        var batch = Batch()
        collector.collect(into: &batch)
        #expect(rows(batch, "callback.stuck").map(\.value) == [1] && collector.lateCallbacks.isEmpty)
        isHanging.store(true, ordering: .relaxed)
        for round in 0..<3 {
            amounts.record(2, in: stats)
            collector.collect(into: &batch)
            #expect(collector.lateCallbacks == ["callback.stuck"])
            #expect(rows(batch, "callback.stuck").isEmpty)
            #expect(rows(batch, "callback.other").map(\.value) == [Double(round + 2)])
            #expect(rows(batch, "sum").map(\.value) == [Double(2 * round + 2)])
            #expect(batch.views.first { $0.name == "weir.callbacks.late" }?.integers == [Int64(round + 1)])
        }
        isHanging.store(false, ordering: .relaxed)
        barrier.open()
        while rows(batch, "callback.stuck").isEmpty { collector.collect(into: &batch) }
        #expect(rows(batch, "callback.stuck").map(\.end) == [0])
        withExtendedLifetime(observations) {}
    }

    @Test("many that hang hold a bounded number of threads, and the others are late with them")
    func manyHanging() throws {
        let barrier = Barrier()
        let running = Atomic(0)
        let observations = (0..<CallbackRunner.threadLimit + 4).map { number in
            Gauge("callback.\(number)", in: stats).observe {
                running.add(1, ordering: .relaxed)
                barrier.wait()
                return 1
            }
        }
        let collector = Collector(stats: stats, runner: runner())
        var batch = Batch()
        for _ in 0..<3 {
            collector.collect(into: &batch)
            #expect(collector.lateCallbacks.count == observations.count)
            #expect(running.load(ordering: .relaxed) <= CallbackRunner.threadLimit)
        }
        barrier.open()
        repeat { collector.collect(into: &batch) } while !collector.lateCallbacks.isEmpty
        #expect(rows(batch, "callback.11").map(\.value) == [1])
    }

    @Test("a shutdown beside one that hangs names it, and ends the streams all the same")
    func shutdown() async throws {
        let barrier = Barrier()
        let log = LogLines()
        let observation = Gauge("callback.stuck", in: stats).observe {
            barrier.wait()
            return 1
        }
        let destination = Destination(.accepting)
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = 1_000_000
        let running = try Pipeline(
            configuration, source: Collector(stats: stats, runner: runner()), sinks: [destination.sink("a")],
            logger: log.logger)
        try running.start()
        await destination.changes.wait { destination.state.frames.count > 2 }
        let report = await running.end()
        #expect(report.hasLastCollection && report.lateCallbacks == ["callback.stuck"] && !report.isComplete)
        #expect(report.sinks[0].hasEndMark)
        #expect(log.all.count { $0.contains("callback.stuck does not return") } == 1)
        barrier.open()
        withExtendedLifetime(observation) {}
    }

    /// Does not come back from its second collection.
    private final class HangingSource: BatchSource {
        let barrier: Barrier
        let collections = Signal()
        init(_ barrier: Barrier) { self.barrier = barrier }
        func collect(into batch: inout Batch) {
            batch.startTime = collections.count
            batch.endTime = collections.count + 1
            if collections.count > 0 { barrier.wait() }
            collections.fire()
        }
    }

    @Test("a shutdown without a last collection writes no end mark and says so")
    func noLastCollection() async throws {
        let barrier = Barrier()
        let destination = Destination(.accepting)
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = 1_000_000
        let running = try Pipeline(configuration, source: HangingSource(barrier), sinks: [destination.sink("a")])
        try running.start()
        await destination.changes.wait { destination.state.frames.count == 1 }
        let report = await running.end(deadlineNanoseconds: 200_000_000)
        #expect(!report.hasLastCollection && !report.isComplete)
        #expect(!report.sinks[0].hasEndMark && destination.state.endMarks.isEmpty)
        barrier.open()
    }
}
