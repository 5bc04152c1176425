import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

private let second: UInt64 = 1_000_000_000

@Suite("A sink without its thread")
struct SinkStateTests {
    private var random = SeededGenerator(seed: 11)

    private func delivery(_ state: inout SinkState, now: UInt64) throws -> InflightBatch {
        let step = state.nextStep(now: now)
        guard case .deliver(let item) = step else { throw Unexpected(step: step) }
        return item
    }

    private func events(_ state: inout SinkState) -> [SinkEvent] { state.takeEvents() }

    private struct Unexpected: Error {
        var step: SinkState.Step
    }

    @Test("a failed batch waits out its pause and is delivered before the ones after it")
    mutating func retries() throws {
        var state = SinkState(queue: SinkQueue())
        state.offer(batch(1), now: 0)
        state.offer(batch(2), now: 0)
        let first = try delivery(&state, now: 0)
        state.finish(Delivery(.retry(hint: 2 * second, attemptLimit: nil), message: "away"), now: 0, random: &random)
        #expect(state.condition == .failing)
        #expect(events(&state) == [.failing("away")])
        guard case .wait(let until?) = state.nextStep(now: 0) else {
            Issue.record("wanted a pause")
            return
        }
        #expect(2 * second...2_200_000_000 ~= until)
        let again = try delivery(&state, now: until)
        #expect(again.batch.numbers == 1...1)
        #expect(again.attempts == 2)
        #expect(again.header == first.header)
        state.finish(Delivery(.delivered), now: until, random: &random)
        #expect(events(&state) == [.recovered(failures: 1)])
        #expect(try delivery(&state, now: until).batch.numbers == 2...2)
    }

    @Test("an attempt limit makes a rejection of the last retry, and the next batch follows at once")
    mutating func attemptLimit() throws {
        var state = SinkState(queue: SinkQueue())
        state.offer(batch(1), now: 0)
        state.offer(batch(2), now: 0)
        var now: UInt64 = 0
        for _ in 1...10 {
            #expect(try delivery(&state, now: now).batch.numbers == 1...1)
            state.finish(Delivery(.retry(hint: nil, attemptLimit: 10), message: "500"), now: now, random: &random)
            now += 30 * second
        }
        #expect(state.queue.accounts.dropped[.rejected].batches == 1)
        let next = try delivery(&state, now: now - 30 * second)
        #expect(next.batch.numbers == 2...2)
        #expect(numbers(next.header.gaps) == [1])
    }

    @Test("a partly accepted batch is delivered in batches and split in rows")
    mutating func partial() throws {
        var state = SinkState(queue: SinkQueue())
        state.offer(batch(1, rows: 10), now: 0)
        _ = try delivery(&state, now: 0)
        state.finish(Delivery(.partial(acceptedRows: 7)), now: 0, random: &random)
        #expect(state.queue.accounts.delivered == Amount(batches: 1, rows: 7, bytes: 100))
        #expect(state.queue.accounts.dropped[.rejected] == Amount(rows: 3))
        #expect(state.queue.accounts.imbalance == nil)
    }

    @Test("what is older than what the destination has is dropped for that cause, at once")
    mutating func outOfOrder() throws {
        var state = SinkState(queue: SinkQueue())
        for number in 1...3 as ClosedRange<UInt64> { state.offer(batch(number, rows: 10), now: 0) }
        _ = try delivery(&state, now: 0)
        let aftermath = state.finish(Delivery(.rejected, isOutOfOrder: true), now: 0, random: &random)
        #expect(aftermath.rejected != nil)
        let next = try delivery(&state, now: 0)
        #expect(next.header.gaps.map(\.cause) == [.outOfOrder])
        state.finish(Delivery(.partial(acceptedRows: 7), isOutOfOrder: true), now: 0, random: &random)
        #expect(state.queue.accounts.dropped[.outOfOrder] == Amount(batches: 1, rows: 13, bytes: 100))
        // A failure that was tried again is none of it.
        _ = try delivery(&state, now: 0)
        let failure = Delivery(.retry(hint: nil, attemptLimit: 1), isOutOfOrder: true)
        state.finish(failure, now: 0, random: &random)
        #expect(state.queue.accounts.dropped[.rejected].batches == 1)
        #expect(state.queue.accounts.imbalance == nil)
    }

    @Test("a plugin that claims to have accepted more rows than there are does not unbalance the accounts")
    mutating func nonsensePartial() throws {
        var state = SinkState(queue: SinkQueue())
        state.offer(batch(1, rows: 10), now: 0)
        _ = try delivery(&state, now: 0)
        state.finish(Delivery(.partial(acceptedRows: .max)), now: 0, random: &random)
        #expect(state.queue.accounts.delivered.rows == 10)
        #expect(state.queue.accounts.imbalance == nil)
    }

    @Test(
        "a sink that is misconfigured or quarantined delivers nothing more and counts all of it as fatal",
        arguments: [
            (Delivery.Outcome.fatal, SinkState.Condition.fatal, SinkEvent.fatal("no such host")),
            (.quarantined, .quarantined, .quarantined("no such host")),
        ])
    mutating func fatal(outcome: Delivery.Outcome, condition: SinkState.Condition, event: SinkEvent) throws {
        var state = SinkState(queue: SinkQueue())
        for number in 1...3 { state.offer(batch(UInt64(number)), now: 0) }
        _ = try delivery(&state, now: 0)
        state.finish(Delivery(outcome, message: "no such host"), now: 0, random: &random)
        state.offer(batch(4), now: 0)
        #expect(state.condition == condition)
        #expect(state.queue.accounts.dropped[.fatal].batches == 4)
        #expect(events(&state).contains(event))
        guard case .wait(nil) = state.nextStep(now: 100 * second) else {
            Issue.record("wanted nothing to deliver")
            return
        }
        #expect(state.queue.accounts.imbalance == nil)
    }

    @Test("draining delivers what waits, then ends the stream")
    mutating func drains() throws {
        var state = SinkState(queue: SinkQueue())
        for number in 1...2 { state.offer(batch(UInt64(number)), now: 0) }
        state.drain(deadline: 5 * second)
        for _ in 1...2 {
            _ = try delivery(&state, now: 0)
            state.finish(Delivery(.delivered), now: 0, random: &random)
        }
        guard case .end(let mark?) = state.nextStep(now: 0) else {
            Issue.record("wanted the end mark")
            return
        }
        #expect(mark.last == 2 && mark.isEndMark && mark.gaps.isEmpty)
        // A server on another continent needs more than a moment.
        #expect(state.endDeadline(now: second) == 5 * second)
        state.finishEnd(Delivery(.delivered))
        #expect(state.hasEndMark)
    }

    @Test("an end mark has no more time than any other call")
    mutating func endTimeout() throws {
        var state = SinkState(queue: SinkQueue(), timeout: 3 * second)
        state.offer(batch(1), now: 0)
        state.drain(deadline: 5 * second)
        _ = try delivery(&state, now: 0)
        state.finish(Delivery(.delivered), now: 0, random: &random)
        guard case .end(.some) = state.nextStep(now: 0) else {
            Issue.record("wanted the end mark")
            return
        }
        #expect(state.endDeadline(now: second) == 4 * second)
    }

    @Test("at the deadline the rest is dropped as shutdown, and the end mark tells")
    mutating func drainDeadline() throws {
        var state = SinkState(queue: SinkQueue())
        for number in 1...3 { state.offer(batch(UInt64(number)), now: 0) }
        state.drain(deadline: 5 * second)
        _ = try delivery(&state, now: 0)
        state.finish(Delivery(.retry(hint: 60 * second, attemptLimit: nil)), now: 0, random: &random)
        guard case .wait(let until?) = state.nextStep(now: 0) else {
            Issue.record("wanted a pause")
            return
        }
        #expect(until == 5 * second)
        guard case .end(let mark?) = state.nextStep(now: until) else {
            Issue.record("wanted the end mark")
            return
        }
        #expect(numbers(mark.gaps) == [1, 2, 3])
        #expect(state.endDeadline(now: until) == until + second / 10)
        #expect(state.queue.accounts.dropped[.shutdown].batches == 3)
        #expect(state.queue.accounts.imbalance == nil)
    }

    @Test("a call that hangs is given up with balanced accounts, and its late return changes nothing")
    mutating func abandons() throws {
        var state = SinkState(queue: SinkQueue(), timeout: 10 * second)
        for number in 1...3 { state.offer(batch(UInt64(number)), now: 0) }
        _ = try delivery(&state, now: 0)
        state.offer(batch(4), now: 20 * second)
        #expect(state.condition == .healthy)
        state.offer(batch(5), now: 20 * second + 1)
        #expect(state.condition == .wedged)
        #expect(events(&state) == [.wedged(nanoseconds: 20 * second + 1)])
        state.drain(deadline: 25 * second)
        state.abandon(now: 25 * second)
        let accounts = state.queue.accounts
        #expect(accounts.dropped[.shutdown].batches == 5)
        #expect(accounts.uncertain.batches == 1)
        #expect(accounts.imbalance == nil)
        state.finish(Delivery(.delivered), now: 30 * second, random: &random)
        #expect(state.queue.accounts == accounts)
        guard case .abandoned = state.nextStep(now: 30 * second) else {
            Issue.record("wanted the worker to leave")
            return
        }
        state.offer(batch(6), now: 31 * second)
        #expect(state.queue.accounts.imbalance == nil)
        #expect(state.queue.accounts.queued.batches == 0)
    }

    /// A destination that fails at random, loses acknowledgements, and writes down what it got.
    @Test("whatever a destination does, received and gaps are all that was offered")
    func faultSchedules() throws {
        for seed in 1...UInt64(200 * testScale) {
            var random = SeededGenerator(seed: seed)
            let bounds = QueueBounds(
                batches: .random(in: 1...8, using: &random), bytes: .random(in: 100...1000, using: &random),
                ageNanoseconds: Bool.random(using: &random) ? 20 * second : nil)
            var state = SinkState(queue: SinkQueue(bounds: bounds))
            var (received, explained): (Set<UInt64>, Set<UInt64>) = ([], [])
            var (now, offered): (UInt64, UInt64) = (0, 0)
            var headers: [UInt64: FrameHeader] = [:]
            func receive(_ header: FrameHeader) {
                // What a receiver may take for a duplicate must be one.
                if let known = headers[header.first] { #expect(known == header) }
                headers[header.first] = header
                received.formUnion(header.first...header.last)
                explained.formUnion(numbers(header.gaps))
            }
            func attempt(_ item: InflightBatch) {
                let delivery: Delivery
                switch Int.random(in: 0..<8, using: &random) {
                case 0: delivery = Delivery(.retry(hint: nil, attemptLimit: nil))
                case 1: delivery = Delivery(.retry(hint: second, attemptLimit: 3))
                case 2: delivery = Delivery(.rejected)
                case 3:
                    receive(item.header)
                    delivery = Delivery(.retry(hint: nil, attemptLimit: nil), isUncertain: true)
                case 4:
                    receive(item.header)
                    delivery = Delivery(.partial(acceptedRows: item.batch.rows / 2))
                default:
                    receive(item.header)
                    delivery = Delivery(.delivered)
                }
                state.finish(delivery, now: now, random: &random)
            }
            for _ in 0..<200 {
                now += .random(in: 0...2 * second, using: &random)
                if Bool.random(using: &random) {
                    offered += 1
                    state.offer(batch(offered, bytes: .random(in: 1...300, using: &random)), now: now)
                } else if case .deliver(let item) = state.nextStep(now: now) {
                    attempt(item)
                }
                try #require(state.queue.accounts.imbalance == nil)
            }
            state.drain(deadline: now + 5 * second)
            var isOver = false
            while !isOver {
                switch state.nextStep(now: now) {
                case .deliver(let item): attempt(item)
                case .wait(let until): now = until ?? now + second
                case .end(let mark):
                    explained.formUnion(numbers(mark?.gaps ?? []))
                    isOver = true
                case .abandoned, .recall, .mark: isOver = true
                }
            }
            #expect(state.queue.accounts.imbalance == nil)
            #expect(offered == 0 || received.union(explained) == Set(1...offered), "seed \(seed)")
        }
    }
}
