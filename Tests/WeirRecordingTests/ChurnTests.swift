internal import Synchronization
import Testing
import WeirTestSupport

@testable import WeirRecording

@Suite("Churn")
struct ChurnTests {
    private static let key: TagKey = "churn.key"
    private let measure = Measure<Int64>("churn.measure")

    private func tags(_ number: Int) -> Tags { Tags([(Self.key, "number \(number)")]) }

    @Test("registering and unregistering without end takes no more cells than once")
    func registrations() throws {
        let stats = try Stats.small(cells: 1_024)
        let aggregations: [Aggregation] = [.count, .distribution(), .lastValue, .exponentialDistribution()]
        for round in 0..<5_000 * testScale {
            try stats.register(View("v", of: measure, by: [Self.key], as: aggregations[round % 4], seriesLimit: 1))
            for number in 0..<3 { measure.record(1, tags(number), in: stats) }
            try stats.unregister("v")
            if round % 16 == 15 { _ = stats.readings() }
        }
        _ = stats.readings()
        #expect(stats.readings().counts == RecordingCounts())
    }

    @Test("a registration that fails takes no cells")
    func failedRegistrations() throws {
        let stats = try Stats.small(cells: 512)
        // More views than there are cells: none of them is registered, and their cells are free again.
        let many = (0..<600).map { View("v\($0)", of: measure, as: .count) }
        for _ in 0..<3 { #expect(throws: StatsError.self) { try stats.register(many) } }
        #expect(stats.viewNames == [])
        try stats.register(Array(many.prefix(200)))
        measure.record(1, in: stats)
        #expect(stats.readings().live.count == 200)
    }

    @Test("short-lived series without end pass through a limit, and every measurement is reported once")
    func shortLivedSeries() throws {
        let clock = TestClock()
        let stats = try Stats.small(cells: 1 << 16, clock: clock)
        try stats.register(
            View(
                "v", of: measure, by: [Self.key], as: .sum, seriesLimit: 2_000, forgetsIdle: .seconds(10)))
        let recorder = measure.bound(to: tags(-1), in: stats)
        var reported: Int64 = 0
        let rounds = 40 * testScale
        for round in 0..<rounds {
            // 500 new series each 10 s, in use for no longer.
            for number in 0..<500 { measure.record(1, tags(round * 500 + number), in: stats) }
            recorder.record(1)
            clock.advance(by: 10)
            let readings = stats.readings()
            reported += readings.ended.reduce(0) { $0 + $1.reading.integer }
            #expect(readings.overflowed["v"] == 0)
            #expect(readings.liveCount("v") <= 1_501)
        }
        let readings = stats.readings()
        let live = readings.live.values.reduce(0) { $0 + $1.integer }
        reported += readings.ended.reduce(0) { $0 + $1.reading.integer }
        #expect(reported + live == Int64(rounds * 501))
        #expect(readings["v", tags(-1)]?.integer == Int64(rounds))
        #expect(readings["v", tags(-1)]?.start == 1_000_000_000)
        #expect(readings.counts == RecordingCounts())
    }

    @Test("after an overflow, idle series make room again")
    func overflowEnds() throws {
        let clock = TestClock()
        let stats = try Stats.small(clock: clock)
        try stats.register(
            View("v", of: measure, by: [Self.key], as: .sum, seriesLimit: 10, forgetsIdle: .seconds(10)))
        for number in 0..<20 { measure.record(1, tags(number), in: stats) }
        #expect(stats.readings().live[.overflow("v")]?.integer == 10)
        for _ in 0..<2 {
            clock.advance(by: 10)
            _ = stats.readings()
        }
        for number in 20..<30 { measure.record(1, tags(number), in: stats) }
        let readings = stats.readings()
        #expect(readings.liveCount("v") == 11)
        #expect(readings.live[.overflow("v")]?.integer == 10)
        // A series that comes back has a new start and nothing in it.
        clock.advance(by: 20)
        _ = stats.readings()
        _ = stats.readings()
        measure.record(3, tags(20), in: stats)
        // No earlier than the collections before, each of which is later than the one before it.
        #expect(try #require(stats.readings()["v", tags(20)]).start >= clock.time)
        #expect(stats.readings()["v", tags(20)]?.integer == 3)
    }

    @Test("where nobody collects, what ended is bounded and what is thrown away is counted")
    func nobodyCollects() throws {
        let stats = try Stats.small(cells: 1 << 20)
        try stats.register(View("v", of: measure, by: [Self.key], as: .count))
        let total = 2 * Stats.endedLimit + 3_000
        for number in 0..<total {
            measure.record(1, tags(number), in: stats)
            if number % 1_000 == 999 { stats.forget(Tags()) }
        }
        stats.forget(Tags())
        let waiting = stats.withState { unsafe $0.ended.count }
        #expect(waiting <= 2 * Stats.endedLimit)
        let readings = stats.readings()
        #expect(readings.ended.count + Int(readings.counts.unreported) == total)
        #expect(readings.counts.lost == 0)
    }

    @Test("recording goes on while views and series come and go: nothing is lost, and memory stays flat")
    func churnWhileRecording() throws {
        let stats = try Stats.small(cells: 1 << 16)
        try stats.register(View("stays", of: measure, by: [], as: .sum))
        let bound = measure.bound(in: stats)
        let measurements = 20_000 * testScale
        let isDone = Atomic<Int>(0)
        let churn = Atomic<Int>(0)
        let recorders = 3
        onThreads(recorders + 2) { thread in
            switch thread {
            case 0..<recorders:
                for number in 0..<measurements {
                    measure.record(1, tags(number % 4_000), in: stats)
                    bound.record(1)
                }
                isDone.add(1, ordering: .sequentiallyConsistent)
            case recorders:
                while isDone.load(ordering: .sequentiallyConsistent) < recorders {
                    // A conflict or an unknown name would be a fault; neither can happen here.
                    #expect(throws: Never.self) {
                        try stats.register(View("comes", of: measure, by: [Self.key], as: .distribution(bounds: [1])))
                    }
                    stats.forget(tags(7))
                    #expect(throws: Never.self) { try stats.unregister("comes") }
                    churn.add(1, ordering: .relaxed)
                    // Not faster than collections: what ended holds its cells until it is reported.
                    while isDone.load(ordering: .sequentiallyConsistent) < recorders,
                        stats.withState({ unsafe $0.ended.count }) > 2_000
                    {
                        _ = stats.collection()
                    }
                }
            default:
                while isDone.load(ordering: .sequentiallyConsistent) < recorders {
                    _ = stats.collection()
                }
            }
        }
        let readings = stats.readings()
        #expect(readings["stays"]?.integer == Int64(2 * recorders * measurements))
        #expect(readings.counts.lost == 0)
        // Each coming and going takes up to 8,000 of the 65,536 cells.
        #expect(churn.load(ordering: .relaxed) > 0)
    }

    @Test("no measurement of a series that is forgotten is lost", arguments: [false, true])
    func forgettingWhileRecording(byIdleness: Bool) throws {
        let clock = TestClock()
        let stats = try Stats.small(cells: 1 << 18, clock: clock)
        try stats.register(
            View("v", of: measure, by: [Self.key], as: .sum, forgetsIdle: byIdleness ? .nanoseconds(1) : nil))
        let measurements = 30_000 * testScale
        let isDone = Atomic<Int>(0)
        let ended = Atomic<Int64>(0)
        let recorders = 4
        onThreads(recorders + 1) { thread in
            if thread < recorders {
                let prebuilt = (0..<8).map(tags)
                for number in 0..<measurements { measure.record(1, prebuilt[number & 7], in: stats) }
                isDone.add(1, ordering: .sequentiallyConsistent)
                return
            }
            while isDone.load(ordering: .sequentiallyConsistent) < recorders {
                if byIdleness { clock.advance(by: 1) } else { stats.forget(tags(3)) }
                for (_, reading) in stats.collection().ended { ended.add(reading.integer, ordering: .relaxed) }
            }
        }
        let readings = stats.readings()
        for (_, reading) in readings.ended { ended.add(reading.integer, ordering: .relaxed) }
        let live = readings.live.values.reduce(0) { $0 + $1.integer }
        #expect(ended.load(ordering: .relaxed) + live == Int64(recorders * measurements))
    }
}
