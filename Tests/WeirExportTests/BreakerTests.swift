import Testing
import WeirExport
import WeirTestSupport

private let second: UInt64 = 1_000_000_000

@Suite("A breaker")
struct BreakerTests {
    private func opens(_ breaker: inout Breaker, now: UInt64 = 0) -> Bool { breaker.failed(now: now) }

    @Test("opens after five failures in a row, and says so once")
    func inARow() {
        var breaker = Breaker()
        for _ in 1...4 { #expect(!opens(&breaker)) }
        #expect(!breaker.isOpen)
        #expect(opens(&breaker, now: 7))
        #expect(breaker.isOpen && breaker.pausesUntil == 7 + 30 * second)
        // The probe failed too.
        #expect(!opens(&breaker, now: 40 * second))
        #expect(breaker.pausesUntil == 70 * second)
    }

    @Test("opens when half of the last twenty failed")
    func halfOfTwenty() {
        var breaker = Breaker()
        for _ in 1...9 {
            #expect(!opens(&breaker))
            breaker.succeeded()
        }
        #expect(opens(&breaker))
    }

    @Test("failures that are more than twenty deliveries old do not count")
    func forgets() {
        var breaker = Breaker()
        for _ in 1...9 {
            #expect(!opens(&breaker))
            breaker.succeeded()
        }
        for _ in 1...20 { breaker.succeeded() }
        for _ in 1...4 { #expect(!opens(&breaker)) }
        #expect(!breaker.isOpen)
    }

    @Test("a probe that succeeds closes it, and it begins anew")
    func closes() {
        var breaker = Breaker()
        for _ in 1...5 { _ = opens(&breaker) }
        breaker.succeeded()
        #expect(!breaker.isOpen && breaker.pausesUntil == 0)
        for _ in 1...4 { #expect(!opens(&breaker)) }
        #expect(opens(&breaker))
    }

    @Test("without limits it never opens")
    func never() {
        var breaker = Breaker(failuresInARow: 0, failuresOf20: 0)
        for _ in 1...100 { #expect(!opens(&breaker)) }
    }
}

@Suite("A sink with a breaker")
struct SinkBreakerTests {
    @Test("pauses after five failures, sends one batch as a probe, and goes on when it arrives")
    func probes() throws {
        var random = SeededGenerator(seed: 3)
        var state = SinkState(queue: SinkQueue(), workers: 3)
        for number in 1...UInt64(10) { state.offer(batch(number), now: 0) }
        var now: UInt64 = 0
        for failure in 1...5 {
            guard case .deliver = state.nextStep(worker: 0, now: now) else {
                Issue.record("wanted a delivery")
                return
            }
            #expect(state.condition == (failure == 1 ? .healthy : .failing))
            state.finish(Delivery(.retry(hint: nil, attemptLimit: nil), message: "away"), now: now, random: &random)
            if failure < 5 { now += 30 * second }
        }
        #expect(state.condition == .paused)
        #expect(state.takeEvents() == [.failing("away"), .paused(nanoseconds: 30 * second, "away")])
        guard case .wait(let until?) = state.nextStep(worker: 1, now: now) else {
            Issue.record("wanted a pause")
            return
        }
        #expect(until >= now + 30 * second)
        now = until
        guard case .deliver(let probe) = state.nextStep(worker: 1, now: now) else {
            Issue.record("wanted the probe")
            return
        }
        #expect(probe.batch.numbers == 1...1)
        for other in [0, 2] {
            guard case .wait(nil) = state.nextStep(worker: other, now: now) else {
                Issue.record("wanted one probe alone")
                return
            }
        }
        state.finish(Delivery(.delivered), worker: 1, now: now, random: &random)
        #expect(state.condition == .healthy)
        for worker in 0..<3 {
            guard case .deliver = state.nextStep(worker: worker, now: now) else {
                Issue.record("wanted all to deliver")
                return
            }
        }
    }
}
