import Synchronization
import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

private let second: UInt64 = 1_000_000_000

@Suite("A sink that spills")
struct SinkSpillTests {
    private var random = SeededGenerator(seed: 19)
    private let stream: TestStream
    private let system = MemoryFileSystem()

    init() throws {
        stream = try TestStream()
    }

    private func batch(_ number: UInt64) -> SharedBatch { stream.batch(number) }

    private func sink(_ store: SpillStore, batches: UInt64 = 4, policy: any QueuePolicy = DropOldest()) -> SinkState {
        var queue = SinkQueue(bounds: QueueBounds(batches: batches), policy: policy)
        queue.recover(store.recovery)
        return SinkState(queue: queue, hasSpill: true)
    }

    /// What a relief's thread does, until it has nothing to do.
    private mutating func relieve(_ state: inout SinkState, _ store: SpillStore, now: UInt64 = 0) {
        while case .spill(let header, let batch) = state.nextRelief(now: now) {
            let result = store.append(header, payload: batch.bytes)
            state.finishSpill(
                isStored: result.failure == nil, losses: result.losses, now: now, random: &random)
        }
    }

    /// What a worker's thread does, until it has nothing to do.
    private mutating func deliver(
        _ state: inout SinkState, _ store: SpillStore, now: UInt64 = 0, _ outcome: Delivery.Outcome = .delivered,
        limit: Int = .max
    ) -> [FrameHeader] {
        var headers: [FrameHeader] = []
        while headers.count < limit {
            let item: InflightBatch
            switch state.nextStep(now: now) {
            case .deliver(let inflight): item = inflight
            case .recall:
                let (inflight, putBack) = state.recalled(store.takeOldest(), now: now, random: &random)
                if let putBack { store.putBack(putBack) }
                guard let inflight else { continue }
                item = inflight
            case .end(let mark):
                if let mark { headers.append(mark) }
                return headers
            case .wait, .mark, .abandoned: return headers
            }
            headers.append(item.header)
            let aftermath = state.finish(Delivery(outcome), now: now, random: &random)
            if let id = aftermath.remove { store.remove(id) }
            if let id = aftermath.putBack { store.putBack(id) }
            #expect(state.queue.accounts.imbalance == nil)
            #expect(state.queue.accounts.spilled == store.waiting)
        }
        return headers
    }

    @Test("past half the bounds the oldest go to disk, and come back first")
    mutating func roundTrip() throws {
        let store = try SpillStore(system)
        var state = sink(store)
        for number in 1...UInt64(20) {
            state.offer(batch(number), now: 0)
            relieve(&state, store)
        }
        #expect(state.queue.accounts.queued.batches == 2)
        #expect(state.queue.accounts.spilled.batches == 18)
        #expect(state.queue.accounts.dropped.total == Amount())
        #expect(state.queue.accounts.imbalance == nil)
        let headers = deliver(&state, store)
        #expect(headers.map(\.first) == Array(1...20))
        #expect(state.queue.accounts.spilled == Amount())
        #expect(store.bytesOnDisk == 0)
    }

    @Test("a batch from disk that fails waits there again, and is sent again with the same header")
    mutating func retriesFromDisk() throws {
        let store = try SpillStore(system)
        var state = sink(store)
        for number in 1...UInt64(4) { state.offer(batch(number), now: 0) }
        relieve(&state, store)
        let first = deliver(&state, store, .retry(hint: nil, attemptLimit: 3))
        #expect(first.map(\.first) == [1])
        #expect(store.waiting.batches == 2)
        let again = deliver(&state, store, now: 40 * second, .retry(hint: nil, attemptLimit: 3))
        #expect(again == first)
        // The third attempt is the last one of this batch, and the next follows.
        let third = deliver(&state, store, now: 80 * second, .retry(hint: nil, attemptLimit: 3))
        #expect(third.first == first.first)
        #expect(state.queue.accounts.dropped[.rejected].batches == 1)
        #expect(third.dropFirst().first?.first == 2)
    }

    @Test("what a shutdown cannot deliver waits on disk, without an end mark, and the next process delivers it")
    mutating func survivesRestart() throws {
        let store = try SpillStore(system)
        var state = sink(store)
        for number in 1...UInt64(4) { state.offer(batch(number), now: 0) }
        let failed = deliver(&state, store, .retry(hint: 60 * second, attemptLimit: nil))
        #expect(failed.map(\.first) == [1])
        state.drain(deadline: 5)
        relieve(&state, store, now: 5)
        #expect(deliver(&state, store, now: 5) == [])
        #expect(state.queue.accounts.spilled.batches == 4)
        #expect(state.queue.accounts.dropped.total == Amount())
        guard case .end(nil) = state.nextStep(now: 5) else {
            Issue.record("wanted no end mark")
            return
        }
        store.close()
        system.restart()

        let again = try SpillStore(system)
        var next = sink(again)
        #expect(next.queue.accounts.recovered.batches == 4)
        #expect(next.queue.accounts.imbalance == nil)
        let own = try TestStream(2)
        next.offer(own.batch(1), now: 0)
        let headers = deliver(&next, again)
        #expect(headers.map(\.first) == [1, 2, 3, 4, 1])
        #expect(headers.map(\.stream) == Array(repeating: stream.stream, count: 4) + [own.stream])
        // A receiver that saw the first may know it again.
        #expect(headers.first == failed.first)
        #expect(next.queue.accounts.delivered.batches == 5)
        #expect(next.queue.accounts.imbalance == nil)
    }

    @Test("gaps known when a batch goes to disk are told by it, and those of the disk by the next of its stream")
    mutating func tellsGaps() throws {
        let store = try SpillStore(system, maximumBytes: UInt64(4 * stream.length(1)))
        var state = sink(store)
        for number in 1...UInt64(30) {
            state.offer(batch(number), now: 0)
            relieve(&state, store)
            #expect(state.queue.accounts.spilled == store.waiting)
        }
        #expect(state.queue.accounts.dropped[.spillFull].batches > 0)
        let headers = deliver(&state, store)
        let lost = headers.flatMap(\.gaps)
        #expect(lost.allSatisfy { $0.cause == .spillFull })
        #expect(Set(headers.map(\.first)).union(numbers(lost)) == Set(1...30))
        #expect(Set(headers.map(\.first)).isDisjoint(with: numbers(lost)))
    }

    @Test("a full disk leaves batches in memory, where the policy decides, and is tried again later")
    mutating func fullDisk() throws {
        let store = try SpillStore(system)
        var state = sink(store)
        system.state.withLock { $0.room = 0 }
        for number in 1...UInt64(10) {
            state.offer(batch(number), now: 0)
            relieve(&state, store)
        }
        #expect(state.queue.accounts.spilled == Amount())
        #expect(state.queue.accounts.dropped[.overflowOldest].batches == 6)
        #expect(state.queue.accounts.imbalance == nil)
        system.state.withLock { $0.room = .max }
        guard case .wait(let until?) = state.nextRelief(now: 0) else {
            Issue.record("wanted to try again later")
            return
        }
        relieve(&state, store, now: until)
        #expect(state.queue.accounts.spilled.batches == 2)
        let headers = deliver(&state, store, now: until)
        #expect(Set(headers.map(\.first)).union(numbers(headers.flatMap(\.gaps))) == Set(1...10))
    }

    @Test("a disk that comes back is used before anything is dropped, however long it failed")
    mutating func comesBack() throws {
        let store = try SpillStore(system)
        var state = sink(store)
        system.state.withLock { $0.room = 0 }
        for number in 1...UInt64(10) {
            state.offer(batch(number), now: number * second)
            relieve(&state, store, now: number * second)
        }
        let lost = state.queue.accounts.dropped.total.batches
        #expect(lost == 6)
        // It would be left alone for longer than this.
        system.state.withLock { $0.room = .max }
        state.offer(batch(11), now: 10 * second)
        #expect(state.queue.accounts.dropped.total.batches == lost)
        relieve(&state, store, now: 10 * second)
        #expect(state.queue.accounts.dropped.total.batches == lost)
        #expect(state.queue.accounts.spilled.batches > 0)
        #expect(state.queue.accounts.imbalance == nil)
    }

    @Test("a disk that failed is tried once more at the end", arguments: [true, false])
    mutating func triedAtTheEnd(isBack: Bool) throws {
        let store = try SpillStore(system)
        var state = sink(store)
        system.state.withLock { $0.room = 0 }
        for number in 1...UInt64(4) { state.offer(batch(number), now: 0) }
        relieve(&state, store)
        if isBack { system.state.withLock { $0.room = .max } }
        _ = deliver(&state, store, .retry(hint: 60 * second, attemptLimit: nil))
        state.drain(deadline: 5)
        guard case .wait(until: 5) = state.nextRelief(now: 0), case .wait = state.nextStep(now: 5) else {
            Issue.record("wanted to wait for the disk")
            return
        }
        relieve(&state, store, now: 5)
        _ = deliver(&state, store, now: 5)
        #expect(state.queue.accounts.spilled.batches == (isBack ? 4 : 0))
        #expect(state.queue.accounts.dropped[.shutdown].batches == (isBack ? 0 : 4))
        #expect(state.queue.accounts.imbalance == nil)
    }

    @Test("what is damaged on disk is lost as spillCorrupt, and told")
    mutating func damaged() throws {
        let store = try SpillStore(system)
        var state = sink(store)
        for number in 1...UInt64(4) { state.offer(batch(number), now: 0) }
        relieve(&state, store)
        system.state.withLock { state in
            for (name, bytes) in state.files where name.hasSuffix(".zst") {
                var bytes = bytes
                // The last byte of the first record is its payload's.
                bytes[stream.length(1) - 1] ^= 0xFF
                state.files[name] = bytes
            }
        }
        let headers = deliver(&state, store)
        #expect(headers.map(\.first) == [2, 3, 4])
        #expect(state.queue.accounts.dropped[.spillCorrupt].batches == 1)
        #expect(numbers(headers.flatMap(\.gaps)) == [1])
        #expect(state.queue.accounts.imbalance == nil)
    }

    @Test("a disk that cannot be read for a moment delays what is on it, and nothing else")
    mutating func unreadable() throws {
        let store = try SpillStore(system)
        var state = sink(store)
        for number in 1...UInt64(4) { state.offer(batch(number), now: 0) }
        relieve(&state, store)
        system.state.withLock { $0.openFailure = 24 }
        system.state.withLock { $0.readFailure = 24 }
        #expect(deliver(&state, store).map(\.first) == [3, 4])
        system.state.withLock { $0.openFailure = nil }
        system.state.withLock { $0.readFailure = nil }
        guard case .wait(let until?) = state.nextStep(now: 0) else {
            Issue.record("wanted to read again later")
            return
        }
        #expect(deliver(&state, store, now: until).map(\.first) == [1, 2])
    }

    @Test("what was being delivered when newer ones went to disk is delivered before them, and comes last on disk")
    mutating func keepsOrder() throws {
        let store = try SpillStore(system)
        var state = sink(store)
        state.offer(batch(1), now: 0)
        guard case .deliver = state.nextStep(now: 0) else {
            Issue.record("wanted a delivery")
            return
        }
        for number in 2...UInt64(8) {
            state.offer(batch(number), now: 0)
            relieve(&state, store)
        }
        let away = Delivery(.retry(hint: second, attemptLimit: nil))
        state.finish(away, now: 0, random: &random)
        relieve(&state, store)
        #expect(state.queue.oldestNumber == 1)
        var other = state
        #expect(deliver(&other, store, now: 2 * second, limit: 3).map(\.first) == [1, 2, 3])
    }

    @Test("a batch from disk waits for room, and the bounds hold")
    mutating func recallNeedsRoom() throws {
        let store = try SpillStore(system)
        var state = sink(store)
        for number in 1...UInt64(4) { state.offer(batch(number), now: 0) }
        relieve(&state, store)
        // The disk takes no more, and memory is full.
        system.state.withLock { $0.room = 0 }
        for number in 5...UInt64(8) { state.offer(batch(number), now: 0) }
        relieve(&state, store)
        #expect(state.queue.accounts.queued.batches == 4)
        let headers = deliver(&state, store)
        #expect(headers.prefix(2).map(\.first) == [5, 1])
        #expect(Set(headers.map(\.first)).union(numbers(headers.flatMap(\.gaps))) == Set(1...8))
    }

    @Test("a sink that is given up while it delivers from disk keeps that on disk")
    mutating func abandoned() throws {
        let store = try SpillStore(system)
        var state = sink(store)
        for number in 1...UInt64(4) { state.offer(batch(number), now: 0) }
        relieve(&state, store)
        guard case .recall = state.nextStep(now: 0) else {
            Issue.record("wanted to read from disk")
            return
        }
        _ = state.recalled(store.takeOldest(), now: 0, random: &random)
        state.abandon(now: 0)
        #expect(state.queue.accounts.spilled.batches == 2)
        #expect(state.queue.accounts.dropped[.shutdown].batches == 2)
        #expect(state.queue.accounts.imbalance == nil)
        store.close()
        system.restart()
        #expect(try SpillStore(system).recovery.recovered.batches == 2)
    }
}

extension TestStream {
    func batch(_ number: UInt64) -> SharedBatch {
        SharedBatch(
            stream: stream, numbers: number...number, startTime: payload.startTime, endTime: payload.endTime,
            rows: payload.rows, points: payload.points, rawLength: payload.rawLength, bytes: payload.bytes)
    }
}
