import Synchronization
import Testing
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

@testable import WeirRecording

private let second: UInt64 = 1_000_000_000

/// One sink and its one worker, with a destination that answers as a test says; time passes as they want it.
private struct Outage {
    var state: SinkState
    var now: UInt64 = 0
    var offered: UInt64 = 0
    /// The numbers that arrived, in their order, and those that headers told to be lost.
    var received: [UInt64] = []
    var told: Set<UInt64> = []
    private var random = SeededGenerator(seed: 23)

    init(bounds: QueueBounds = QueueBounds()) {
        state = SinkState(queue: SinkQueue(bounds: bounds))
    }

    mutating func offer() {
        offered += 1
        state.offer(batch(offered), now: now)
    }

    /// The next batch, once its time has come; nil where none waits.
    mutating func next() -> InflightBatch? {
        while true {
            switch state.nextStep(now: now) {
            case .deliver(let item): return item
            case .wait(let until?): now = max(until, now + 1)
            default: return nil
            }
        }
    }

    mutating func required() throws -> InflightBatch {
        let item = next()
        return try #require(item)
    }

    mutating func finish(_ item: InflightBatch, _ delivery: Delivery) {
        if delivery.outcome == .delivered || delivery.isUncertain {
            received.append(item.batch.numbers.lowerBound)
            told.formUnion(numbers(item.header.gaps))
        }
        state.finish(delivery, now: now, random: &random)
        #expect(state.queue.accounts.imbalance == nil)
    }
}

@Suite("What a destination does to a sink")
struct DestinationFaultTests {
    @Test("one that flaps for a day gets every batch, in order, and the breaker opens and closes")
    func flapping() throws {
        var outage = Outage()
        var (calls, pauses) = (0, 0)
        for minute in 0..<UInt64(24 * 60 * testScale) {
            outage.now = max(outage.now, minute * 60 * second)
            outage.offer()
            while let item = outage.next() {
                calls += 1
                // Ten minutes on, ten minutes off, and in between every other call.
                let fails = minute / 10 % 3 == 1 ? true : minute / 10 % 3 == 2 && calls.isMultiple(of: 2)
                outage.finish(item, Delivery(fails ? .retry(hint: nil, attemptLimit: nil) : .delivered))
                pauses += outage.state.takeEvents().count { if case .paused = $0 { true } else { false } }
                // What is over by then belongs to the next minute.
                if fails && outage.now >= (minute + 1) * 60 * second { break }
            }
        }
        while let item = outage.next() { outage.finish(item, Delivery(.delivered)) }
        #expect(outage.received == Array(1...outage.offered))
        #expect(pauses > 10)
        #expect(outage.state.condition == .healthy)
    }

    @Test("429 and 503 are tried without end, never before they say, and the bounds decide what is there afterwards")
    func tooManyRequests() throws {
        var outage = Outage(bounds: QueueBounds(batches: 8))
        let hint = 40 * second
        var earliest: UInt64 = 0
        for _ in 0..<UInt64(1000 * testScale) {
            outage.offer()
            let item = try outage.required()
            #expect(outage.now >= earliest)
            outage.finish(item, Delivery(.retry(hint: hint, attemptLimit: nil), message: "429 Too Many Requests"))
            earliest = outage.now + hint
        }
        #expect(outage.state.queue.accounts.dropped[.rejected] == Amount())
        while let item = outage.next() { outage.finish(item, Delivery(.delivered)) }
        #expect(outage.received == Array(outage.offered - 7...outage.offered))
        #expect(outage.told == Set(1...outage.offered - 8))
        #expect(outage.state.queue.accounts.dropped[.overflowOldest].batches == outage.offered - 8)
    }

    @Test("a 400 costs one batch and no pause, and is told by the next")
    func rejected() throws {
        var outage = Outage()
        for _ in 1...3 { outage.offer() }
        outage.finish(try outage.required(), Delivery(.rejected, message: "400 Bad Request"))
        #expect(outage.now == 0)
        while let item = outage.next() { outage.finish(item, Delivery(.delivered)) }
        #expect(outage.received == [2, 3] && outage.told == [1])
        #expect(outage.state.queue.accounts.dropped[.rejected].batches == 1)
    }

    @Test("after a lost acknowledgement the same bytes come again, counted once, and known by their number")
    func lostAcknowledgement() throws {
        var outage = Outage(bounds: QueueBounds(batches: 2))
        for _ in 1...3 { outage.offer() }
        let first = try outage.required()
        outage.finish(first, Delivery(.retry(hint: nil, attemptLimit: nil), isUncertain: true, message: "reset"))
        // A gap that comes to be known meanwhile must not change what a receiver may have.
        let again = try outage.required()
        #expect(again.header == first.header && again.header.encoded() == first.header.encoded())
        #expect(again.batch === first.batch && again.attempts == 2)
        outage.finish(again, Delivery(.delivered))
        while let item = outage.next() { outage.finish(item, Delivery(.delivered)) }
        #expect(outage.received == [2, 2, 3] && outage.told == [1])
        let accounts = outage.state.queue.accounts
        #expect(accounts.delivered.batches == 2 && accounts.uncertain.batches == 1)
    }

    @Test("a wall clock that steps, also to its ends, begins streams, changes no pauses, and nothing expires by it")
    func clockSteps() async throws {
        let steps = Atomic<Int>(0)
        let walls: [UInt64] = [0, .max, 1_795_525_200 * second, 1_763_989_200 * second, 1_827_061_200 * second]
        let wall: @Sendable () -> UInt64 = { walls[steps.add(1, ordering: .relaxed).oldValue % walls.count] }
        let clock = StatsClock(monotonic: TimeSource.system.monotonic, wall: wall)
        let stats = Stats(stripes: try StripeSet(cells: 1 << 12), clock: clock)
        let measure = Measure<Int64>("clock.steps")
        try stats.register(View("clock/steps", of: measure, as: .sum))
        measure.record(1, in: stats)
        let (taking, failing) = (Destination(.accepting), Destination(.failing))
        let aged = QueueBounds(batches: 1_000_000, bytes: 1 << 40, ageNanoseconds: 3_600 * second)
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = 1_000_000
        let pipeline = try Pipeline(
            configuration, source: Collector(stats: stats),
            sinks: [
                taking.sink("taking", bounds: aged),
                failing.sink("failing", bounds: aged, policy: Expire(age: 3_600 * second)),
            ], time: TimeSource(wall: wall, monotonic: TimeSource.system.monotonic))
        try pipeline.start()
        await taking.changes.wait(until: { taking.state.facts.count >= 50 * testScale })
        let before = pipeline.snapshots()
        let report = await pipeline.end(deadlineNanoseconds: 2 * second)
        #expect(steps.load(ordering: .relaxed) > 50)
        #expect(before.allSatisfy { $0.accounts.dropped.total == Amount() && $0.accounts.imbalance == nil })
        let headers = taking.state.headers.filter { !$0.isEndMark }
        #expect(headers.count == Int(report.sinks[0].accounts.offered.batches))
        // No batch's time is of negative length, nor told twice, and each step is a stream of its own.
        #expect(headers.allSatisfy { $0.startTime < $0.endTime })
        for (before, after) in zip(headers, headers.dropFirst()) {
            if before.stream == after.stream {
                #expect(after.startTime == before.endTime && after.first == before.last + 1)
            } else {
                #expect(after.startTime == before.endTime.movedClamped(by: after.clockStep) && after.first == 1)
            }
        }
        let failed: Accounts = report.sinks[1].accounts
        #expect(failed.dropped[.shutdown] == failed.offered)
        #expect(report.sinks.allSatisfy { $0.accounts.imbalance == nil })
    }
}
