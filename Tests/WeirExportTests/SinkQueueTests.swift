import Testing
import WeirBatch
import WeirExport

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
    /// Nanoseconds for a batch that goes through a queue of so many: offered, taken, put back, and an older one dropped.
    private func nanoseconds(length: UInt64) -> Double {
        let batches = (1...(length + 5000)).map { batch($0, bytes: 1) }
        var queue = SinkQueue(bounds: QueueBounds(batches: length))
        for batch in batches.prefix(Int(length)) { queue.offer(batch, now: 0) }
        let time = ContinuousClock().measure {
            for batch in batches.dropFirst(Int(length)) {
                queue.offer(batch, now: 0)
                if let inflight = queue.take(now: 0) { queue.putBack(inflight, now: 0) }
            }
        }
        #expect(queue.accounts.queued.batches == length)
        return Double(time.components.attoseconds) / 1e9 / 5000
    }

    @Test("an operation on a long queue costs little more than on a short one")
    func doesNotDependOnLength() {
        let short = nanoseconds(length: 64)
        let long = nanoseconds(length: 64_000)
        // A walk over the queue would make it a thousand times, and its tree is three times as high.
        #expect(long < 30 * short)
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
