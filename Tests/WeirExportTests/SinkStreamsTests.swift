import Testing
import WeirBatch
import WeirTestSupport

@testable import WeirExport

@Suite("A sink whose feed changes")
struct SinkStreamsTests {
    private let first = StreamID(high: 1, low: 1)
    private let second = StreamID(high: 2, low: 2)

    private func batch(_ number: UInt64, _ stream: StreamID) -> SharedBatch {
        SharedBatch(stream: stream, numbers: number...number, rows: 1, bytes: [1])
    }

    private func sink() -> SinkState {
        SinkState(queue: SinkQueue(previousStream: StreamID(high: 9, low: 9)))
    }

    /// Delivers what there is, and returns the headers, those of marks too.
    private func deliver(
        _ state: inout SinkState, marks: Delivery.Outcome = .delivered, _ random: inout SeededGenerator
    ) -> [FrameHeader] {
        var headers: [FrameHeader] = []
        while true {
            switch state.nextStep(now: 0) {
            case .deliver(let item):
                headers.append(item.header)
                state.finish(Delivery(.delivered), now: 0, random: &random)
            case .mark(let mark):
                headers.append(mark)
                state.finishMark(mark, Delivery(marks), now: 0, random: &random)
            case .wait, .recall, .abandoned: return headers
            case .end(let mark): return headers + (mark.map { [$0] } ?? [])
            }
        }
    }

    @Test(
        "ends the old stream when nothing of it waits, with the gaps that it has not told, and names it in the new one")
    func marks() {
        var random = SeededGenerator(seed: 1)
        var state = sink()
        for number in 1...3 { state.offer(batch(UInt64(number), first), now: 0) }
        state.offer(batch(1, second), now: 0)
        state.offer(batch(2, second), now: 0)
        let headers = deliver(&state, &random)
        #expect(headers.map(\.stream) == [first, first, first, first, second, second])
        #expect(headers.map(\.isEndMark) == [false, false, false, true, false, false])
        #expect(headers[3].first == 3)
        #expect(headers[0].previousStream == StreamID(high: 9, low: 9) && headers[1].previousStream == nil)
        #expect(headers[4].previousStream == first && headers[5].previousStream == nil)

        // Its last batch is dropped before the stream changes.
        state.offer(batch(3, second), now: 0)
        _ = state.shedOldest()
        state.offer(batch(4, first), now: 0)
        let rest = deliver(&state, &random)
        #expect(rest.map(\.isEndMark) == [true, false])
        #expect(rest[0].stream == second && rest[0].first == 3 && rest[0].gaps.map(\.first) == [3])
        #expect(rest[1].stream == first && rest[1].first == 4)
    }

    @Test("tries a mark again, and gives it up where nobody will ever take it")
    func failures() {
        var random = SeededGenerator(seed: 1)
        var state = sink()
        state.offer(batch(1, first), now: 0)
        state.offer(batch(1, second), now: 0)
        let headers = deliver(&state, marks: .retry(hint: 1_000, attemptLimit: nil), &random)
        #expect(headers.map(\.isEndMark) == [false, true])
        guard case .wait(let until?) = state.nextStep(now: 0), until >= 1_000 else {
            Issue.record("wanted a pause")
            return
        }
        guard case .mark(let mark) = state.nextStep(now: until) else {
            Issue.record("wanted the mark again")
            return
        }
        #expect(mark == headers[1])
        state.finishMark(mark, Delivery(.rejected), now: until, random: &random)
        guard case .deliver(let item) = state.nextStep(now: until) else {
            Issue.record("wanted the new stream")
            return
        }
        #expect(item.header.stream == second)
    }

    @Test("tells a gap where it comes back to a stream that went on without it")
    func comesBack() {
        var random = SeededGenerator(seed: 1)
        var state = sink()
        state.offer(batch(4, first), now: 0)
        state.offer(batch(1, second), now: 0)
        _ = deliver(&state, &random)
        state.offer(batch(9, first), now: 0)
        let headers = deliver(&state, &random)
        let back = headers.last { $0.stream == first }
        #expect(back?.first == 9 && back?.gaps.map { $0.first...$0.last } == [5...8])
        #expect(state.queue.accounts.imbalance == nil && state.queue.accounts.dropped.total == Amount())
    }

    @Test("hands over in one piece, also what is in somebody's hands, and follows in order")
    func succession() throws {
        var random = SeededGenerator(seed: 1)
        var old = sink()
        for number in 1...4 { old.offer(batch(UInt64(number), first), now: 0) }
        guard case .deliver = old.nextStep(now: 0) else {
            Issue.record("wanted a delivery")
            return
        }
        old.retire()
        #expect(!old.isHandable)
        old.offer(batch(5, first), now: 0)
        var new = SinkState(queue: SinkQueue(bounds: QueueBounds(batches: 100)))
        new.awaitEstate()
        new.offer(batch(1, second), now: 0)
        new.offer(batch(2, second), now: 0)
        guard case .wait(nil) = new.nextStep(now: 0) else {
            Issue.record("wanted to wait for the estate")
            return
        }
        new.adopt(old.handOver(keepsSpill: true, now: 0), keepsSpill: true, now: 0)
        #expect(old.queue.accounts == Accounts())
        // What the old one's call comes to changes nothing any more.
        old.finish(Delivery(.delivered), now: 0, random: &random)
        #expect(old.queue.accounts == Accounts())
        let accounts = new.queue.accounts
        #expect(accounts.imbalance == nil && accounts.offered.batches == 7 && accounts.queued.batches == 7)
        #expect(accounts.uncertain.batches == 1)
        let headers = deliver(&new, &random)
        #expect(headers.map(\.first) == [1, 2, 3, 4, 5, 5, 1, 2])
        #expect(headers[6].previousStream == first)
        #expect(new.queue.accounts.delivered.batches == 7)
        // The same header as at the first attempt.
        #expect(headers[0].previousStream == StreamID(high: 9, low: 9))
    }

    @Test("hands over to one that is given up, and all is accounted for", arguments: [false, true])
    func abandoned(drains: Bool) {
        var random = SeededGenerator(seed: 1)
        var old = sink()
        old.offer(batch(1, first), now: 0)
        old.retire()
        var new = SinkState(queue: SinkQueue())
        new.awaitEstate()
        if drains { new.drain(deadline: 10) } else { new.abandon(now: 0) }
        new.adopt(old.handOver(keepsSpill: true, now: 0), keepsSpill: true, now: 0)
        #expect(new.queue.accounts.imbalance == nil)
        if drains {
            #expect(deliver(&new, &random).map(\.isEndMark) == [false, true])
        } else {
            #expect(new.queue.accounts.dropped[.shutdown].batches == 1)
        }
    }
}
