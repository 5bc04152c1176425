import Testing
import WeirBatch
import WeirTestSupport

@testable import WeirExport

private let second: UInt64 = 1_000_000_000

@Suite("What is said of a sink's failures")
struct SinkHealthTests {
    private var random = SeededGenerator(seed: 17)
    private var state = SinkState(queue: SinkQueue(), breaker: Breaker(failuresInARow: 0, failuresOf20: 0))

    /// Offers a batch where none waits, delivers one, and tells what the log gets of that.
    private mutating func attempt(_ outcome: Delivery.Outcome, _ message: String, now: UInt64) throws -> [SinkEvent] {
        if !state.queue.hasWaiting { state.offer(batch(now / second + 1), now: now) }
        guard case .deliver = state.nextStep(now: now) else { throw Unexpected() }
        state.finish(Delivery(outcome, message: message), now: now, random: &random)
        return state.takeEvents()
    }

    private struct Unexpected: Error {}

    private mutating func fail(_ message: String, at seconds: UInt64) throws -> [SinkEvent] {
        // Longer than any pause apart, but for those that a test wants close: the pause is random from nothing on.
        state.retryTime = 0
        return try attempt(.retry(hint: nil, attemptLimit: nil), message, now: seconds * second)
    }

    private mutating func succeed(at seconds: UInt64) throws -> [SinkEvent] {
        state.retryTime = 0
        return try attempt(.delivered, "", now: seconds * second)
    }

    @Test("a new reason of an outage is told at once, and the same one is not told again")
    mutating func newReason() throws {
        #expect(try fail("refused", at: 0) == [.failing("refused")])
        #expect(try fail("refused", at: 1) == [])
        #expect(try fail("401", at: 2) == [.failing("401")])
        #expect(try fail("401", at: 100) == [])
        #expect(try succeed(at: 101) == [.recovered(failures: 4)])
    }

    @Test("reasons that take turns are told once a minute each, and the log's last word becomes true")
    mutating func turns() throws {
        #expect(try fail("a", at: 0) == [.failing("a")])
        #expect(try fail("b", at: 1) == [.failing("b")])
        for time in stride(from: UInt64(2), to: 59, by: 2) {
            #expect(try fail("a", at: time) == [])
            #expect(try fail("b", at: time + 1) == [])
        }
        #expect(try fail("a", at: 59) == [])
        #expect(try fail("a", at: 60) == [.failing("a")])
    }

    @Test(
        "a sink that fails and recovers to and fro is told of once a minute, and never that it recovered from nothing")
    mutating func flapping() throws {
        #expect(try fail("a", at: 0) == [.failing("a")])
        #expect(try succeed(at: 1) == [.recovered(failures: 1)])
        for time in stride(from: UInt64(2), to: 60, by: 2) {
            #expect(try fail("a", at: time) == [])
            #expect(try succeed(at: time + 1) == [])
        }
        #expect(try fail("a", at: 60) == [.failing("a")])
        #expect(try succeed(at: 61) == [.recovered(failures: 1)])
    }

    @Test("reasons without end are eight lines a minute")
    mutating func bound() throws {
        var lines = 0
        for number in 0..<1000 {
            lines += try fail("reason \(number)", at: 1).count
        }
        #expect(lines == 8)
        #expect(try fail("another", at: 61) == [.failing("another")])
    }

    @Test("another reason of a rejection is told at once too")
    mutating func rejections() throws {
        #expect(try attempt(.rejected, "too large", now: 0) == [.rejecting("too large")])
        #expect(try attempt(.rejected, "too large", now: second) == [])
        #expect(try attempt(.rejected, "too old", now: 2 * second) == [.rejecting("too old")])
        #expect(try attempt(.delivered, "", now: 3 * second) == [])
        #expect(try attempt(.rejected, "too old", now: 4 * second) == [])
        #expect(try attempt(.rejected, "too old", now: 63 * second) == [.rejecting("too old")])
    }

    @Test("a probe that fails for another reason than the one that a sink paused for is told")
    mutating func probe() throws {
        state = SinkState(queue: SinkQueue(), breaker: Breaker(failuresInARow: 2, pause: second))
        #expect(try fail("refused", at: 0) == [.failing("refused")])
        #expect(try fail("refused", at: 10) == [.paused(nanoseconds: second, "refused")])
        #expect(try fail("refused", at: 20) == [])
        #expect(try fail("401", at: 30) == [.failing("401")])
        #expect(state.condition == .paused)
    }

    @Test("when deliveries failed and succeeded last, and since when they fail, by the wall clock")
    mutating func moments() throws {
        var time = TimeSource(wall: { 1000 * second }, monotonic: { 100 * second })
        func moments() -> SinkMoments { SinkMoments(state.health, hangingSince: state.hangingSince, time: time) }
        #expect(moments().failure == nil && moments().failingSince == nil && moments().success == nil)
        _ = try succeed(at: 10)
        _ = try fail("a", at: 20)
        _ = try fail("b", at: 30)
        var now = moments()
        #expect(now.success == 910 * second && now.failingSince == 920 * second && now.failure == 930 * second)
        #expect(state.lastMessage == "b")
        _ = try succeed(at: 40)
        now = moments()
        #expect(now.success == 940 * second && now.failingSince == nil && now.failure == 930 * second)
        // A call that does not return is a failure since it began.
        state.offer(batch(50), now: 50 * second)
        guard case .deliver = state.nextStep(now: 50 * second) else { throw Unexpected() }
        state.offer(batch(90), now: 90 * second)
        #expect(state.condition == .wedged && moments().failingSince == 950 * second)
        // A wall clock that was set to the beginning of its time.
        time.wall = { 5 }
        #expect(moments().success == 0)
    }
}
