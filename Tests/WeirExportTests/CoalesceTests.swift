import Testing
import WeirBatch
import WeirExport

/// Two neighbours as one, without looking at what is in them.
func merge(_ older: SharedBatch, _ newer: SharedBatch, rows: UInt64? = nil, bytes: Int = 100) -> SharedBatch {
    SharedBatch(
        stream: newer.stream, numbers: older.numbers.lowerBound...newer.numbers.upperBound,
        newestNumbers: newer.newestNumbers, startTime: older.startTime, endTime: newer.endTime,
        rows: rows ?? newer.rows, bytes: [UInt8](repeating: 0, count: bytes), isDelta: true)
}

@Suite("Coalescing deltas")
struct CoalesceTests {
    private func filled(_ count: UInt64) -> SinkState {
        var state = SinkState(queue: SinkQueue(bounds: QueueBounds(batches: 8), policy: Coalesce()))
        for number in 1...count { state.offer(batch(number, isDelta: true), now: number) }
        return state
    }

    private func pair(_ state: inout SinkState, now: UInt64 = 100) -> (older: SharedBatch, newer: SharedBatch)? {
        guard case .merge(let work) = state.nextRelief(now: now), work.batches.count == 2 else { return nil }
        return (work.batches[0], work.batches[1])
    }

    @Test("begins past half the bounds, with the two oldest, until half is left")
    func merges() throws {
        var half = filled(4)
        #expect(!half.needsRelief)
        #expect(pair(&half) == nil)

        var state = filled(6)
        #expect(state.needsRelief)
        while let (older, newer) = pair(&state) {
            #expect(state.queue.accounts.queued.batches >= 5)
            state.finishMerge([merge(older, newer)], now: 100)
            #expect(state.queue.accounts.imbalance == nil)
        }
        #expect(state.queue.accounts.queued.batches == 4)
        #expect(state.queue.accounts.coalesced == Amount(batches: 2, rows: 20, bytes: 200))
        let step = state.nextStep(now: 100)
        guard case .deliver(let item) = step else {
            Issue.record("wanted a delivery")
            return
        }
        #expect(item.header.first == 1 && item.header.last == 3)
        #expect(item.header.gaps.map(\.cause) == [.coalesced])
        #expect(item.header.gaps.map { $0.first...$0.last } == [1...2])
        #expect(item.header.gaps.map(\.batches) == [2])
    }

    @Test("what cannot be merged waits as it is, and the next two are tried")
    func leavesUnmergeable() throws {
        var state = filled(6)
        let first = try #require(pair(&state))
        #expect(first.older.numbers == 1...1)
        state.finishMerge(nil, now: 100)
        let second = try #require(pair(&state))
        #expect(second.older.numbers == 2...2)
        state.finishMerge([merge(second.older, second.newer)], now: 100)
        #expect(state.queue.oldestNumber == 1)
        #expect(state.queue.accounts.queued.batches == 5)
    }

    @Test("a merged batch that is larger than both is not taken")
    func takesNoLarger() throws {
        var state = filled(6)
        let (older, newer) = try #require(pair(&state))
        state.finishMerge([merge(older, newer, bytes: 201)], now: 100)
        #expect(state.queue.accounts.coalesced == Amount())
        #expect(state.queue.accounts.queued.bytes == 600)
        #expect(state.queue.accounts.imbalance == nil)
    }

    @Test("those with a hole between them are not merged")
    func needsNeighbours() {
        var state = SinkState(queue: SinkQueue(bounds: QueueBounds(batches: 4), policy: Coalesce()))
        for number in [1, 3, 5] as [UInt64] { state.offer(batch(number, isDelta: true), now: 0) }
        #expect(pair(&state) == nil)
        #expect(state.queue.accounts.queued.batches == 3)
    }

    @Test("nothing is dropped while a merge takes its time, up to a bound of its own")
    func waitsForMerge() throws {
        var state = filled(6)
        let (older, newer) = try #require(pair(&state))
        let limit = 8 + SinkQueue.excessBatches
        for number in 7...limit { state.offer(batch(number, isDelta: true), now: number) }
        #expect(state.queue.accounts.dropped.total == Amount())
        for number in limit + 1...limit + 10 { state.offer(batch(number, isDelta: true), now: number) }
        // Once there is too much, the bounds hold; what is merged stays.
        #expect(state.queue.accounts.queued.batches <= limit)
        #expect(state.queue.accounts.dropped[.overflowOldest].batches > 0)
        state.finishMerge([merge(older, newer)], now: 100)
        #expect(state.queue.oldestNumber == 1)
        #expect(state.queue.accounts.imbalance == nil)
    }

    @Test("where nothing is left to merge, or nobody merges, the bounds hold")
    func nothingToMerge() throws {
        var state = SinkState(queue: SinkQueue(bounds: QueueBounds(batches: 2), policy: Coalesce()))
        for number in 1...UInt64(6) { state.offer(batch(2 * number, isDelta: true), now: 0) }
        #expect(state.queue.accounts.queued.batches == 6)
        #expect(pair(&state) == nil)
        #expect(state.queue.accounts.queued.batches == 2)
        #expect(state.queue.accounts.dropped[.overflowOldest].batches == 4)
        #expect(state.takeEvents() == [.dropping])
    }

    @Test("nothing newer is delivered while the oldest are merged")
    func keepsOrder() throws {
        var state = filled(6)
        let (older, newer) = try #require(pair(&state))
        guard case .wait = state.nextStep(now: 100) else {
            Issue.record("wanted to wait for the relief")
            return
        }
        state.finishMerge([merge(older, newer)], now: 100)
        guard case .deliver(let item) = state.nextStep(now: 100) else {
            Issue.record("wanted a delivery")
            return
        }
        #expect(item.batch.numbers == 1...2)
    }

    @Test("a merged batch that is lost takes back what was told of its parts")
    func lostMerge() throws {
        var state = filled(6)
        let (older, newer) = try #require(pair(&state))
        state.finishMerge([merge(older, newer)], now: 100)
        state.drain(deadline: 0)
        guard case .end(let mark?) = state.nextStep(now: 200) else {
            Issue.record("wanted the end mark")
            return
        }
        #expect(mark.gaps.map { $0.first...$0.last } == [1...6])
        #expect(mark.gaps.map(\.cause) == [.shutdown])
    }

    @Test("a merge that ends after the sink was given up changes nothing")
    func lateMerge() throws {
        var state = filled(6)
        let (older, newer) = try #require(pair(&state))
        state.abandon(now: 100)
        #expect(state.queue.accounts.dropped[.shutdown].batches == 6)
        let accounts = state.queue.accounts
        state.finishMerge([merge(older, newer)], now: 200)
        #expect(state.queue.accounts == accounts)
        guard case .end = state.nextRelief(now: 200) else {
            Issue.record("wanted the relief to leave")
            return
        }
    }
}
