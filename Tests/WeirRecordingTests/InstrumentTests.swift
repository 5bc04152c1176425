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
}
