import Synchronization
import Testing

@testable import WeirRecording

@Suite("Instruments")
struct InstrumentTests {
    private let stats: Stats
    private let clock = TestClock()

    init() throws {
        stats = try .small(clock: clock)
    }

    @Test("a timer rejects and counts times less than none", .timeLimit(.minutes(1)))
    func negativeTimes() {
        let timer = Timer("instrument.timer", in: stats)
        let bound = timer.bound()
        for duration: Duration in [.seconds(2), .zero, .seconds(-1), .nanoseconds(-1), Duration(attoseconds: -1)] {
            timer.record(duration)
            bound.record(duration)
        }
        let readings = stats.readings()
        #expect(readings["instrument.timer"]?.double == 4)
        #expect(readings["instrument.timer"]?.count == 4)
        #expect(readings.counts.rejected == 6)
    }

    // MARK: - Without a view

    @Test("an instrument without a view says why once, and counts what it records as lost", .timeLimit(.minutes(1)))
    func lost() throws {
        for _ in 0..<2 {
            let counter = Counter("no name", in: stats)
            counter.add(1)
            counter.bound().record(1)
            let upDown = UpDownCounter("no name", in: stats)
            upDown.add(-1)
            upDown.bound().record(1)
            let gauge = Gauge("1", in: stats)
            gauge.set(1)
            gauge.bound().record(1)
            let timer = Timer("", in: stats)
            timer.record(.seconds(1))
            timer.bound().record(.seconds(1))
            #expect(counter.problem != nil)
        }
        #expect(stats.takeInstrumentProblems().count == 3)
        #expect(stats.takeInstrumentProblems() == [])
        #expect(stats.readings().counts.lost == 16)
    }

    @Test("an instrument in conflict counts as lost what no view takes", .timeLimit(.minutes(1)))
    func conflicting() throws {
        let first = Counter("instrument.first", in: stats)
        let sameMeasure = Counter("instrument.first", by: [Self.key], in: stats)
        let otherMeasure = Gauge("instrument.first", in: stats)
        #expect(first.problem == nil)
        #expect(sameMeasure.problem != nil)
        #expect(otherMeasure.problem != nil)
        sameMeasure.add(2)
        otherMeasure.set(1)
        let readings = stats.readings()
        #expect(readings["instrument.first"]?.integer == 2)
        #expect(readings.counts.lost == 1)
    }

    @Test("two instruments that differ in their description alone are the same", .timeLimit(.minutes(1)))
    func described() throws {
        let counters = ["One", "Two", ""].map { Counter("instrument.described", description: $0, in: stats) }
        for counter in counters {
            #expect(counter.problem == nil)
            counter.add()
        }
        #expect(stats.readings()["instrument.described"]?.integer == 3)
        #expect(stats.takeInstrumentProblems() == [])
    }

    // MARK: - Gauges that are observed

    private static let key: TagKey = "instrument.key"
    private static let tags = Tags([(key, "a")])
    private static let level = SeriesName("instrument.level", tags)

    private var gauge: Gauge { Gauge("instrument.level", by: [Self.key], in: stats) }

    /// A value that a test changes, and a gauge that observes it.
    private final class Observed: Sendable {
        private let value: Mutex<Double?>

        init(_ value: Double?) { self.value = Mutex(value) }

        func set(_ new: Double?) { value.withLock { $0 = new } }
        func observe(by gauge: Gauge) -> Observation { gauge.observe(tags) { self.value.withLock { $0 } } }
    }

    @Test(
        "a series that nothing is observed of any more ends, and begins anew when something is",
        .timeLimit(.minutes(1)), arguments: [nil, Double.nan, .infinity])
    func unobserved(nothing: Double?) {
        let observed = Observed(1)
        let observation = observed.observe(by: gauge)
        #expect(stats.readings()[Self.level.view, Self.tags]?.double == 1)
        observed.set(nothing)
        clock.advance(by: 1)
        let gone = stats.readings()
        #expect(gone.live[Self.level] == nil)
        #expect(gone.ended.map(\.name) == [Self.level])
        #expect(gone.ended.map(\.reading.double) == [1])
        #expect(gone.ended.map(\.reading.end) == [clock.time])
        #expect(gone.counts.rejected == (nothing == nil ? 0 : 1))
        #expect(stats.readings().ended.isEmpty)
        observed.set(2)
        clock.advance(by: 1)
        let again = stats.readings().live[Self.level]
        #expect(again?.double == 2)
        #expect(again?.start == clock.time)
        withExtendedLifetime(observation) {}
    }

    @Test(
        "a series ends with its observation, cancelled or let go", .timeLimit(.minutes(1)), arguments: [true, false])
    func cancelled(isCancelled: Bool) {
        var observation: Observation? = Observed(1).observe(by: gauge)
        #expect(stats.readings().live[Self.level]?.double == 1)
        if isCancelled { observation?.cancel() } else { observation = nil }
        let gone = stats.readings()
        #expect(gone.live[Self.level] == nil)
        #expect(gone.ended.map(\.reading.double) == [1])
        withExtendedLifetime(observation) {}
    }

    @Test("a call that goes on when its observation is cancelled brings no series back", .timeLimit(.minutes(1)))
    func cancelledWithin() {
        let held = Mutex<Observation?>(nil)
        let isLast = Atomic<Bool>(false)
        let observation = gauge.observe(Self.tags) {
            if isLast.load(ordering: .relaxed) { held.withLock { $0.take() }?.cancel() }
            return 1
        }
        held.withLock { $0 = observation }
        #expect(stats.readings().live[Self.level]?.double == 1)
        isLast.store(true, ordering: .relaxed)
        #expect(stats.readings().live[Self.level] == nil)
        #expect(stats.readings().live[Self.level] == nil)
    }

    @Test("a series goes on while another observation or a bound gauge has it", .timeLimit(.minutes(1)))
    func shared() {
        let (first, second) = (Observed(1), Observed(1))
        let observations = [first, second].map { $0.observe(by: gauge) }
        let bound = gauge.bound(to: Self.tags)
        for observed in [first, second] {
            observed.set(nil)
            let readings = stats.readings()
            #expect(readings.live[Self.level]?.double == 1)
            #expect(readings.ended.isEmpty)
        }
        bound.record(3)
        #expect(stats.readings().live[Self.level]?.double == 3)
        withExtendedLifetime((observations, bound)) {}
    }
}
