import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("A sink's queue")
struct SinkQueueTests {
    @Test("the oldest waiting batch goes, and the newest are there after an outage")
    func dropsOldest() {
        var queue = SinkQueue(bounds: QueueBounds(batches: 3))
        for number in 1...10 { queue.offer(batch(UInt64(number)), now: 0) }
        #expect(queue.accounts.queued.batches == 3)
        #expect(queue.accounts.dropped[.overflowOldest].batches == 7)
        let first = queue.take(now: 0)
        #expect(first?.batch.numbers == 8...8)
        #expect(first?.header.gaps.map { $0.first...$0.last } == [1...7])
        #expect(first?.header.gaps.first?.rows == 70)
        #expect(first?.header.gaps.first?.startTime == 1000)
        #expect(first?.header.gaps.first?.endTime == 7999)
    }

    @Test("the bounds count bytes, and what is in flight")
    func boundsCountInflight() throws {
        var queue = SinkQueue(bounds: QueueBounds(batches: 256, bytes: 300))
        queue.offer(batch(1), now: 0)
        let inflight = try take(&queue)
        for number in 2...5 { queue.offer(batch(UInt64(number)), now: 0) }
        #expect(queue.accounts.inflight.bytes + queue.accounts.queued.bytes == 300)
        #expect(queue.oldestNumber == 4)
        // Back it goes to its place, where it is the oldest: the policy looks at the whole queue.
        queue.putBack(inflight, now: 0)
        #expect(queue.oldestNumber == 1)
        queue.offer(batch(6), now: 0)
        #expect(queue.oldestNumber == 4)
        #expect(queue.accounts.imbalance == nil)
    }

    @Test("the batch in flight is never evicted, even if it fills the queue alone")
    func inflightStays() throws {
        var queue = SinkQueue(bounds: QueueBounds(batches: 1))
        queue.offer(batch(1), now: 0)
        let inflight = try take(&queue)
        queue.offer(batch(2), now: 0)
        #expect(queue.accounts.inflight.batches == 1)
        #expect(queue.accounts.dropped[.overflowOldest].batches == 1)
        queue.delivered(inflight, now: 0)
        #expect(queue.accounts.delivered.batches == 1)
        #expect(numbers(queue.pendingGaps()) == [2])
    }

    @Test("a batch that waited too long is dropped as expired")
    func expires() throws {
        var queue = SinkQueue(bounds: QueueBounds(ageNanoseconds: 100))
        queue.offer(batch(1), now: 0)
        queue.offer(batch(2), now: 50)
        #expect(try take(&queue, now: 101).batch.numbers == 2...2)
        #expect(queue.accounts.dropped[.expired].batches == 1)
    }

    @Test("a batch larger than the whole queue is refused as oversize")
    func refusesOversize() {
        var queue = SinkQueue(bounds: QueueBounds(bytes: 99))
        queue.offer(batch(1), now: 0)
        #expect(queue.accounts.refused[.oversize].batches == 1)
        #expect(queue.pendingGaps().map(\.cause) == [.oversize])
        #expect(queue.accounts.imbalance == nil)
    }

    @Test("gaps are frozen at the first attempt; later ones ride on the next batch")
    func gapsAreFrozen() throws {
        var queue = SinkQueue(bounds: QueueBounds(batches: 2))
        for number in 1...3 { queue.offer(batch(UInt64(number)), now: 0) }
        let attempt = try take(&queue)
        #expect(numbers(attempt.header.gaps) == [1])
        for number in 4...5 { queue.offer(batch(UInt64(number)), now: 0) }
        #expect(numbers(queue.pendingGaps()) == [3, 4])
        queue.putBack(attempt, now: 0)
        #expect(try take(&queue).header == attempt.header)
        queue.putBack(attempt, now: 0)
        // 2 goes after all, and what its header told is untold again.
        queue.offer(batch(6), now: 0)
        #expect(numbers(queue.pendingGaps()) == [1, 2, 3, 4])
        let next = try take(&queue)
        #expect(next.batch.numbers == 5...5)
        #expect(numbers(next.header.gaps) == [1, 2, 3, 4])
        // 6 goes while 5 is under way: it rides on 7.
        queue.offer(batch(7), now: 0)
        queue.delivered(next, now: 0)
        let last = try take(&queue)
        #expect(last.batch.numbers == 7...7)
        #expect(numbers(last.header.gaps) == [6])
    }

    @Test("the stream before is told until a header that says so is acknowledged")
    func previousStreamIsTold() throws {
        let before = StreamID(high: 7, low: 8)
        var queue = SinkQueue(previousStream: before)
        for number in 1...3 { queue.offer(batch(UInt64(number)), now: 0) }
        let first = try take(&queue)
        #expect(first.header.previousStream == before)
        queue.drop(first, .rejected, now: 0)
        let second = try take(&queue)
        #expect(second.header.previousStream == before)
        queue.delivered(second, now: 0)
        #expect(try take(&queue).header.previousStream == nil)
    }

    @Test("the end mark carries the stream's last number and all gaps left")
    func endMark() throws {
        var queue = SinkQueue()
        let early = queue.endMark()
        #expect(early == nil)
        for number in 1...4 { queue.offer(batch(UInt64(number)), now: 0) }
        queue.delivered(try take(&queue), now: 0)
        queue.dropAll(.shutdown)
        let end = queue.endMark()
        let mark = try #require(end)
        #expect(mark.isEndMark)
        #expect(mark.first == 4 && mark.last == 4)
        #expect(mark.gaps.map { $0.first...$0.last } == [2...4])
        #expect(mark.gaps.map(\.cause) == [.shutdown])
        #expect(queue.accounts.imbalance == nil)
    }
}

@Suite("The cost of a queue")
struct SinkQueueCostTests {
    /// A number that counts how often it is compared.
    private struct Counted: Comparable {
        final class Counter {
            var comparisons = 0
        }

        let number: Int
        let counter: Counter

        static func < (left: Self, right: Self) -> Bool {
            left.counter.comparisons += 1
            return left.number < right.number
        }

        static func == (left: Self, right: Self) -> Bool {
            left.counter.comparisons += 1
            return left.number == right.number
        }
    }

    /// Comparisons for a batch that comes in at the new end, goes at the old one, and another that is put back.
    private func comparisons(length: Int) -> Double {
        let counter = Counted.Counter()
        var heap = MinMaxHeap<Counted>()
        for number in 0..<length { heap.insert(Counted(number: number, counter: counter)) }
        counter.comparisons = 0
        for number in length..<(length + 1000) {
            heap.insert(Counted(number: number, counter: counter))
            _ = heap.removeLeast()
            if let taken = heap.removeLeast() { heap.insert(taken) }
            if let taken = heap.removeGreatest() { heap.insert(taken) }
        }
        return Double(counter.comparisons) / 1000
    }

    @Test("an operation on a queue a thousand times as long takes a few comparisons more")
    func doesNotDependOnLength() {
        let short = comparisons(length: 64)
        let long = comparisons(length: 64_000)
        // The tree is ten levels higher, of which each of six operations passes half, four or five comparisons a level.
        #expect(long < short + 6 * 10 / 2 * 5)
    }

    @Test("ten sinks hold one payload between them")
    func sharesPayload() throws {
        let budget = MemoryBudget()
        var queues = (0..<10).map { _ in SinkQueue() }
        for number in 1...UInt64(20) {
            let batch = SharedBatch(
                stream: StreamID(high: 1, low: 2), numbers: number...number, rows: 1,
                bytes: [UInt8](repeating: 0, count: 1000), budget: budget)
            for index in queues.indices { queues[index].offer(batch, now: 0) }
        }
        #expect(budget.used == 20_000)
        var inflight: [InflightBatch] = []
        for index in queues.indices { inflight.append(try take(&queues[index])) }
        #expect(inflight.allSatisfy { $0.batch === inflight[0].batch })
        // Retrying copies nothing either, and the last to let go frees it.
        for index in queues.indices { queues[index].putBack(inflight[index], now: 0) }
        inflight = []
        #expect(budget.used == 20_000)
        for index in queues.indices { queues[index].delivered(try take(&queues[index]), now: 0) }
        #expect(budget.used == 19_000)
    }
}

@Suite("A destination that never returns")
struct HangingSinkTests {
    private let second: UInt64 = 1_000_000_000

    @Test("for an hour holds no more than the bounds, under every policy", arguments: NamedPolicy.allCases)
    func hour(policy: NamedPolicy) throws {
        let budget = MemoryBudget()
        let bounds = QueueBounds(batches: 64, bytes: 50_000)
        var state = SinkState(queue: SinkQueue(bounds: bounds, policy: policy.make(scale: second)), workers: 2)
        var random = SeededGenerator(seed: 23)
        for number in 1...UInt64(3600) {
            let now = number * second
            let size = Int.random(in: 500...2000, using: &random)
            state.offer(
                SharedBatch(
                    stream: StreamID(high: 1, low: 2), numbers: number...number, rows: 1,
                    bytes: [UInt8](repeating: 0, count: size), budget: budget), now: now)
            // Both calls begin and never end.
            for worker in 0..<2 where number == 2 { _ = state.nextStep(worker: worker, now: now) }
            let accounts = state.queue.accounts
            #expect(accounts.queued.bytes + accounts.inflight.bytes <= bounds.bytes)
            #expect(accounts.imbalance == nil)
            // One may be parked besides.
            #expect(budget.used <= Int(bounds.bytes) + 2000)
            #expect(state.queue.pendingGaps().count <= 512)
            state.withdrawParked()
        }
        #expect(state.condition == .wedged)
        state.abandon(now: 3601 * second)
        #expect(budget.used == 0)
        #expect(state.queue.accounts.offered.batches == 3600)
        #expect(state.queue.accounts.imbalance == nil)
        #expect(Set(numbers(state.queue.pendingGaps())).count >= 3598)
    }
}

@Suite("A list of gaps")
struct GapListTests {
    private func gap(_ numbers: ClosedRange<UInt64>, _ cause: Gap.Cause = .overflowOldest) -> Gap {
        Gap(
            first: numbers.lowerBound, last: numbers.upperBound, batches: UInt64(numbers.count),
            rows: UInt64(numbers.count) * 10, startTime: numbers.lowerBound, endTime: numbers.upperBound, cause: cause)
    }

    @Test("neighbours merge, in whatever order they come")
    func merges() {
        for order in [[1, 2, 3], [3, 2, 1], [1, 3, 2], [2, 1, 3], [3, 1, 2], [2, 3, 1]] {
            var list = GapList()
            for number in order { list.insert(gap(UInt64(number)...UInt64(number))) }
            #expect(list.gaps == [gap(1...3)])
        }
    }

    @Test("gaps of different causes stay apart, as do those with a batch between them")
    func staysApart() {
        var list = GapList()
        list.insert(gap(1...2))
        list.insert(gap(3...3, .rejected))
        list.insert(gap(5...6))
        #expect(list.gaps == [gap(1...2), gap(3...3, .rejected), gap(5...6)])
    }

    @Test("past its limit the two oldest become one, and nothing is lost")
    func isBounded() {
        var list = GapList(limit: 4)
        for number in 1...UInt64(100) { list.insert(gap(number...number, number % 2 == 0 ? .expired : .rejected)) }
        #expect(list.gaps.count == 4)
        #expect(list.gaps.first?.first == 1)
        #expect(list.gaps.last?.last == 100)
        #expect(list.gaps.reduce(0) { $0 + $1.batches } == 100)
        #expect(list.gaps.reduce(0) { $0 + $1.rows } == 1000)
    }
}
