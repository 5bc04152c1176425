import Synchronization
import Testing
import WeirTestSupport

@testable import WeirRecording

@Suite("Recorders that are handed out by name")
struct HandleRecorderTests {
    private let whole = Measure<Int64>("handle.whole")
    private let fractions = Measure<Double>("handle.fractions")

    private func instance(_ views: View..., clock: TestClock = TestClock()) throws -> Stats {
        let stats = try Stats.small(cells: 1 << 16, clock: clock)
        try stats.register(views)
        return stats
    }

    // MARK: - Sums that begin anew

    @Test("a sum that begins anew ends with what it had, and has a new start")
    func restarts() throws {
        let clock = TestClock()
        let stats = try instance(
            View("whole", of: whole, as: .sum), View("level", of: whole, as: .upDownSum),
            View("count", of: whole, as: .count), View("last", of: whole, as: .lastValue), clock: clock)
        let recorder = whole.bound(in: stats)
        let start = clock.time
        recorder.record(5)
        clock.advance(by: 1)
        recorder.restartSums()
        recorder.record(2)
        let readings = stats.readings()
        #expect(readings["whole"]?.integer == 2 && readings["whole"]?.start == clock.time)
        #expect(readings["level"]?.integer == 2)
        // What is no sum goes on.
        #expect(readings["count"]?.integer == 2 && readings["count"]?.start == start)
        #expect(readings["last"]?.integer == 2)
        let ended = readings.ended.sorted { $0.name.view < $1.name.view }
        #expect(ended.map(\.name.view) == ["level", "whole"] && ended.map(\.reading.integer) == [5, 5])
        #expect(ended.map(\.reading.start) == [start, start] && ended.map(\.reading.end) == [clock.time, clock.time])
    }

    @Test("what others record by the same tags begins anew with it")
    func shared() throws {
        let stats = try instance(View("fractions", of: fractions, as: .sum))
        let (one, other) = (fractions.bound(in: stats), fractions.bound(in: stats))
        one.record(0.5)
        fractions.record(0.25, in: stats)
        other.restartSums()
        one.record(4)
        fractions.record(8, in: stats)
        let readings = stats.readings()
        #expect(readings["fractions"]?.double == 12)
        #expect(readings.ended.map(\.reading.double) == [0.75])
    }

    @Test("while a collection runs, one that begins anew waits for its end")
    func duringCollection() throws {
        let stats = try instance(View("whole", of: whole, as: .sum))
        let recorder = whole.bound(in: stats)
        let observation = Observation(in: stats, name: "test") { recorder.restartSums() }
        recorder.record(3)
        var (values, ended): ([Int64], [Int64]) = ([], [])
        stats.collect { views, _, _ in
            recorder.restartSums()
            recorder.restartSums()
            var exact: [Int128] = []
            stats.mergeIntegers(views[0].live, into: &values, exact: &exact)
            stats.mergeIntegers(views[0].ended, into: &ended, exact: &exact)
        }
        // The observer's was before the collection looked, the other is after.
        #expect(values == [0])
        observation.cancel()
        recorder.record(4)
        let readings = stats.readings()
        #expect(readings["whole"]?.integer == 4)
        ended += readings.ended.map(\.reading.integer)
        #expect(ended.sorted() == [0, 3])
    }

    @Test("the overflow series and series that have ended do not begin anew")
    func others() throws {
        let key: TagKey = "handle.key"
        let stats = try instance(View("whole", of: whole, by: [key], as: .sum, seriesLimit: 1))
        let first = whole.bound(to: Tags([(key, "1")]), in: stats)
        let overflow = whole.bound(to: Tags([(key, "2")]), in: stats)
        let explicit = whole.boundToOverflow(in: stats)
        overflow.record(3)
        explicit.record(4)
        overflow.restartSums()
        explicit.restartSums()
        let readings = stats.readings()
        #expect(readings.live[.overflow("whole")]?.integer == 7 && readings.ended.isEmpty)
        try stats.unregister("whole")
        first.restartSums()
        #expect(stats.readings().ended.map(\.reading.integer).sorted() == [0, 7])
    }

    @Test("threads that add while others let it begin anew lose nothing", arguments: [1, 2])
    func threads(seed: UInt64) throws {
        let stats = try instance(View("whole", of: whole, as: .sum))
        let total = Atomic<Int64>(0)
        let wanted = Atomic<Int64>(0)
        let rounds = 20_000 * testScale
        onThreads(6) { number in
            var generator = SeededGenerator(seed: seed &* 10 &+ UInt64(number))
            let recorder = whole.bound(in: stats)
            for _ in 0..<rounds {
                if number == 0 {
                    if Int.random(in: 0..<50, using: &generator) == 0 {
                        let ended = stats.collection().ended
                        total.add(ended.reduce(0) { $0 + $1.reading.integer }, ordering: .relaxed)
                    }
                } else if number == 1 {
                    if Int.random(in: 0..<10, using: &generator) == 0 { recorder.restartSums() }
                } else {
                    recorder.record(3)
                    wanted.add(3, ordering: .relaxed)
                }
            }
        }
        let readings = stats.readings()
        let ended = readings.ended.reduce(0) { $0 + $1.reading.integer }
        let found = total.load(ordering: .relaxed) + ended + (readings["whole"]?.integer ?? 0)
        let expected = wanted.load(ordering: .relaxed)
        #expect(found == expected)
    }

    // MARK: - Series that end with their recorder

    @Test("a series ends with the last recorder of it, or at once with the only one", arguments: [true, false])
    func ends(now: Bool) throws {
        let stats = try instance(View("whole", of: whole, as: .sum))
        var one: Recorder<Int64>? = whole.bound(in: stats)
        one?.record(5)
        one?.endSeries(now: now)
        one?.record(2)
        let readings = stats.readings()
        #expect(readings["whole"]?.integer == (now ? nil : 7))
        #expect(readings.ended.map(\.reading.integer) == (now ? [5] : []))
        #expect(readings.counts.gone == (now ? 1 : 0))
        one = nil
        #expect(stats.readings().ended.map(\.reading.integer) == (now ? [] : [7]))
        #expect(stats.readings()["whole"] == nil)
    }

    @Test("a series that another recorder holds goes on")
    func held() throws {
        let stats = try instance(View("whole", of: whole, as: .sum))
        let other = whole.bound(in: stats)
        do {
            let one = whole.bound(in: stats)
            one.record(5)
            one.endSeries(now: true)
            one.record(1)
        }
        other.record(2)
        #expect(stats.readings()["whole"]?.integer == 8)
        withExtendedLifetime(other) {}
    }

    // MARK: - Last values that are added to

    @Test("a last value is added to by many threads, and loses nothing")
    func addsToLast() throws {
        let stats = try instance(
            View("last", of: fractions, as: .lastValue), View("sum", of: fractions, as: .upDownSum))
        let recorder = fractions.bound(in: stats)
        #expect(stats.settledCount == 0)
        onThreads(4) { number in
            for _ in 0..<5_000 { recorder.addToLast(number < 2 ? 1.5 : -1) }
        }
        let readings = stats.readings()
        #expect(readings["last"]?.double == 5_000 && readings["sum"]?.double == 5_000)
        recorder.addToLast(.nan)
        recorder.addToLast(.infinity)
        #expect(stats.readings()["last"]?.double == 5_000 && stats.readings().counts.rejected == 2)
    }

    // MARK: - Recorders that are bound late

    @Test("threads that record first together bind one recorder")
    func lazy() throws {
        let stats = try instance(View("fractions", of: fractions, as: .sum))
        final class Holder: Sendable { let recorder = LazyRecorder() }
        let holder = Holder()
        #expect(holder.recorder.recorder == nil)
        onThreads(6) { _ in
            for _ in 0..<1_000 { holder.recorder.record(1) { fractions.bound(in: stats) } }
        }
        holder.recorder.record(1) { nil }
        #expect(stats.readings()["fractions"]?.double == 6_001)
        let unbound = LazyRecorder()
        unbound.record(1) { nil }
        #expect(unbound.recorder == nil)
    }
}

extension Stats {
    /// Last values that were ever set.
    fileprivate var settledCount: Int {
        var count = 0
        collect { views, _, _ in
            for view in views { if case .lastValue = view.state.form { count += settled(view.live).count } }
        }
        return count
    }
}
