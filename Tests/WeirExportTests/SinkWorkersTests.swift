import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

private let second: UInt64 = 1_000_000_000

@Suite("A sink with several workers")
struct SinkWorkersTests {
    private var random = SeededGenerator(seed: 13)

    private func delivery(_ state: inout SinkState, _ worker: Int, now: UInt64 = 0) throws -> InflightBatch {
        let step = state.nextStep(worker: worker, now: now)
        guard case .deliver(let item) = step else { throw Unexpected(step: step) }
        return item
    }

    private struct Unexpected: Error {
        var step: SinkState.Step
    }

    @Test("each holds one batch, and what one fails with goes back to its place")
    mutating func sideBySide() throws {
        var state = SinkState(queue: SinkQueue(), workers: 3)
        for number in 1...UInt64(5) { state.offer(batch(number), now: 0) }
        for worker in 0..<3 {
            #expect(try delivery(&state, worker).batch.numbers == UInt64(worker + 1)...UInt64(worker + 1))
        }
        #expect(state.queue.accounts.inflight.batches == 3)
        state.finish(
            Delivery(.retry(hint: second, attemptLimit: nil)), worker: 1, now: 0, random: &random)
        guard case .wait = state.nextStep(worker: 1, now: 0) else {
            Issue.record("wanted a pause")
            return
        }
        // The others are none the worse.
        state.finish(Delivery(.delivered), worker: 0, now: 0, random: &random)
        #expect(try delivery(&state, 0).batch.numbers == 2...2)
        #expect(state.queue.accounts.imbalance == nil)
    }

    @Test("one end mark, by one of them, when nothing is in flight any more")
    mutating func oneEndMark() throws {
        var state = SinkState(queue: SinkQueue(), workers: 3)
        for number in 1...UInt64(2) { state.offer(batch(number), now: 0) }
        _ = try delivery(&state, 0)
        _ = try delivery(&state, 1)
        state.drain(deadline: 5 * second)
        guard case .wait(let until?) = state.nextStep(worker: 2, now: 0), until == 5 * second else {
            Issue.record("wanted to wait for the others")
            return
        }
        state.finish(Delivery(.delivered), worker: 0, now: 0, random: &random)
        guard case .wait = state.nextStep(worker: 0, now: 0) else {
            Issue.record("wanted to wait for the other")
            return
        }
        state.finish(Delivery(.delivered), worker: 1, now: 0, random: &random)
        var marks = 0
        for worker in 0..<3 {
            guard case .end(let mark) = state.nextStep(worker: worker, now: 0) else {
                Issue.record("wanted the end")
                return
            }
            if mark != nil { marks += 1 }
        }
        #expect(marks == 1)
    }

    @Test("one that hangs past the deadline costs the end mark, and the accounts hold")
    mutating func hangs() throws {
        var state = SinkState(queue: SinkQueue(), timeout: second, workers: 2)
        for number in 1...UInt64(4) { state.offer(batch(number), now: 0) }
        _ = try delivery(&state, 0)
        _ = try delivery(&state, 1)
        state.offer(batch(5), now: 3 * second)
        #expect(state.condition == .wedged)
        state.finish(Delivery(.delivered), worker: 1, now: 3 * second, random: &random)
        #expect(state.condition == .wedged)  // The other hangs still.
        state.drain(deadline: 4 * second)
        guard case .wait(nil) = state.nextStep(worker: 1, now: 4 * second) else {
            Issue.record("wanted to wait for the other")
            return
        }
        state.abandon(now: 5 * second)
        guard case .abandoned = state.nextStep(worker: 1, now: 5 * second) else {
            Issue.record("wanted to leave")
            return
        }
        #expect(state.queue.accounts.dropped[.shutdown].batches == 4)
        #expect(state.queue.accounts.uncertain.batches == 1)
        #expect(state.queue.accounts.imbalance == nil)
    }

    @Test("one whose exporter is quarantined leaves its batch to the others; the last one ends the sink")
    mutating func quarantine() throws {
        var state = SinkState(queue: SinkQueue(), workers: 2)
        for number in 1...UInt64(3) { state.offer(batch(number), now: 0) }
        _ = try delivery(&state, 0)
        state.finish(Delivery(.quarantined, message: "crashed"), worker: 0, now: 0, random: &random)
        #expect(!state.condition.isFinal)
        guard case .wait(nil) = state.nextStep(worker: 0, now: 0) else {
            Issue.record("wanted it to be left alone")
            return
        }
        #expect(try delivery(&state, 1).batch.numbers == 1...1)
        state.finish(Delivery(.quarantined, message: "crashed"), worker: 1, now: 0, random: &random)
        #expect(state.condition == .quarantined)
        #expect(state.queue.accounts.dropped[.fatal].batches == 3)
        #expect(state.queue.accounts.imbalance == nil)
    }
}

@Suite("A sink on demand")
struct SinkOnDemandTests {
    private var random = SeededGenerator(seed: 17)

    private func isDelivering(_ state: inout SinkState, _ worker: Int = 0, now: UInt64 = 0) -> Bool {
        if case .deliver = state.nextStep(worker: worker, now: now) { true } else { false }
    }

    private func ask(_ state: inout SinkState, _ worker: Int = 0) -> Bool {
        if case .wait(nil) = state.nextStep(worker: worker, now: 0) { true } else { false }
    }

    @Test("batches wait until they are asked for")
    mutating func waits() {
        var state = SinkState(queue: SinkQueue(), isOnDemand: true)
        for number in 1...UInt64(5) { state.offer(batch(number), now: 0) }
        #expect(ask(&state))
        state.ask(for: 2)
        for _ in 1...2 {
            #expect(isDelivering(&state))
            state.finish(Delivery(.delivered), now: 0, random: &random)
        }
        #expect(ask(&state))
        #expect(state.queue.accounts.queued.batches == 3)
    }

    @Test("several workers together get no more than was asked for")
    mutating func workers() {
        var state = SinkState(queue: SinkQueue(), workers: 3, isOnDemand: true)
        for number in 1...UInt64(5) { state.offer(batch(number), now: 0) }
        state.ask(for: 2)
        #expect(isDelivering(&state, 0))
        #expect(isDelivering(&state, 1))
        #expect(ask(&state, 2))
        state.finish(Delivery(.delivered), worker: 0, now: 0, random: &random)
        #expect(ask(&state, 0))
    }

    @Test("a failed attempt uses up no demand")
    mutating func retries() {
        var state = SinkState(queue: SinkQueue(), isOnDemand: true)
        state.offer(batch(1), now: 0)
        state.ask(for: 1)
        #expect(isDelivering(&state))
        state.finish(Delivery(.retry(hint: nil, attemptLimit: nil)), now: 0, random: &random)
        #expect(isDelivering(&state, now: 31 * second))
    }

    @Test("demand without end overflows nothing, and a shutdown delivers without it")
    mutating func ends() {
        var state = SinkState(queue: SinkQueue(), isOnDemand: true)
        state.ask(for: .max)
        state.ask(for: .max)
        state.offer(batch(1), now: 0)
        #expect(isDelivering(&state))
        state.finish(Delivery(.delivered), now: 0, random: &random)

        var other = SinkState(queue: SinkQueue(), isOnDemand: true)
        other.offer(batch(1), now: 0)
        other.drain(deadline: 5 * second)
        #expect(isDelivering(&other))
    }
}
