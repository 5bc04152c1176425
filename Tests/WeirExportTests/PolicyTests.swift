import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("Every policy")
struct EveryPolicyTests {
    @Test("holds the bounds, whatever arrives while nothing is delivered", arguments: NamedPolicy.allCases)
    func holdsBounds(policy: NamedPolicy) throws {
        var random = SeededGenerator(seed: 5)
        let bounds = QueueBounds(batches: 8, bytes: 1000)
        var queue = SinkQueue(bounds: bounds, policy: policy.make())
        queue.offer(batch(1), now: 0)
        _ = try take(&queue)
        for number in 2...UInt64(500) {
            queue.offer(batch(number, bytes: .random(in: 1...400, using: &random)), now: number)
            #expect(queue.accounts.queued.batches + queue.accounts.inflight.batches <= bounds.batches)
            #expect(queue.accounts.queued.bytes + queue.accounts.inflight.bytes <= bounds.bytes)
            #expect(queue.accounts.imbalance == nil)
        }
        // What is in flight is never evicted.
        #expect(queue.accounts.inflight == Amount(batches: 1, rows: 10, bytes: 100))
    }

    @Test("loses nothing while the destination keeps up", arguments: NamedPolicy.allCases)
    func losesNothing(policy: NamedPolicy) throws {
        var queue = SinkQueue(bounds: QueueBounds(batches: 8), policy: policy.make())
        for number in 1...UInt64(300) {
            queue.offer(batch(number), now: number)
            let item = try take(&queue, now: number)
            #expect(item.batch.numbers == number...number)
            #expect(item.header.gaps.isEmpty)
            queue.delivered(item, now: number)
        }
        #expect(queue.accounts.delivered.batches == 300)
    }

    @Test("tells what it lost by the header after it", arguments: NamedPolicy.allCases)
    func tellsGaps(policy: NamedPolicy) throws {
        var queue = SinkQueue(bounds: QueueBounds(batches: 4), policy: policy.make())
        for number in 1...UInt64(20) { queue.offer(batch(number), now: number) }
        queue.withdrawParked()
        var known: Set<UInt64> = []
        while let item = queue.take(now: 20) {
            known.formUnion(item.batch.numbers)
            known.formUnion(numbers(item.header.gaps))
            queue.delivered(item, now: 20)
        }
        #expect(known == Set(1...20))
    }

    @Test("has what fails tried again first, and before what is newer", arguments: NamedPolicy.allCases)
    func keepsPlace(policy: NamedPolicy) throws {
        var queue = SinkQueue(bounds: QueueBounds(batches: 8), policy: policy.make())
        queue.offer(batch(1), now: 0)
        let first = try take(&queue)
        queue.offer(batch(2), now: 0)
        queue.putBack(first, now: 0)
        let expected: UInt64 = policy == .lifo ? 2 : 1
        #expect(try take(&queue).batch.numbers == expected...expected)
    }
}

@Suite("A policy")
struct PolicyTests {
    @Test("dropNewest refuses what arrives, and keeps how it began")
    func dropNewest() throws {
        var queue = SinkQueue(bounds: QueueBounds(batches: 3), policy: DropNewest())
        for number in 1...10 { queue.offer(batch(UInt64(number)), now: 0) }
        #expect(queue.accounts.refused[.overflowNewest].batches == 7)
        #expect(queue.accounts.accepted.batches == 3)
        #expect(numbers(queue.pendingGaps()) == Array(4...10))
        #expect(try take(&queue).batch.numbers == 1...1)
    }

    @Test("lifo delivers the newest first and drops the oldest")
    func lifo() throws {
        var queue = SinkQueue(bounds: QueueBounds(batches: 3), policy: LastInFirstOut())
        for number in 1...5 { queue.offer(batch(UInt64(number)), now: 0) }
        #expect(numbers(queue.pendingGaps()) == [1, 2])
        for number in [5, 4, 3] as [UInt64] { #expect(try take(&queue).batch.numbers == number...number) }
    }

    @Test("coalesce keeps the newer of two cumulative batches, and nothing is lost")
    func coalescesCumulatives() throws {
        var queue = SinkQueue(bounds: QueueBounds(batches: 3), policy: Coalesce())
        for number in 1...6 { queue.offer(batch(UInt64(number)), now: 0) }
        #expect(queue.accounts.coalesced == Amount(batches: 3, rows: 30, bytes: 300))
        #expect(queue.accounts.dropped.total == Amount())
        let item = try take(&queue)
        #expect(item.batch.numbers == 4...4)
        #expect(item.header.gaps.map(\.cause) == [.coalesced])
        #expect(numbers(item.header.gaps) == [1, 2, 3])
    }

    @Test("coalesce leaves alone what a destination may have seen")
    func coalesceSparesAttempted() throws {
        var queue = SinkQueue(bounds: QueueBounds(batches: 3), policy: Coalesce())
        queue.offer(batch(1), now: 0)
        queue.putBack(try take(&queue), now: 0)
        for number in 2...6 { queue.offer(batch(UInt64(number)), now: 0) }
        #expect(try take(&queue).batch.numbers == 1...1)
        #expect(try take(&queue).batch.numbers == 5...5)
        #expect(numbers(queue.pendingGaps()) == [])
        #expect(queue.accounts.coalesced.batches == 3)
    }

    @Test("coalesce drops the oldest delta where nobody merges")
    func coalesceDropsDeltas() {
        var queue = SinkQueue(bounds: QueueBounds(batches: 3), policy: Coalesce())
        queue.setRelief(false, now: 0)
        for number in 1...5 { queue.offer(batch(UInt64(number), isDelta: true), now: 0) }
        #expect(queue.accounts.dropped[.overflowOldest].batches == 2)
        #expect(queue.accounts.coalesced.batches == 0)
    }

    @Test("expire drops by time waited")
    func expire() throws {
        var queue = SinkQueue(policy: Expire(age: 100))
        for number in 1...4 { queue.offer(batch(UInt64(number)), now: UInt64(number) * 30) }
        #expect(queue.accounts.dropped.total.batches == 0)
        #expect(try take(&queue, now: 190).batch.numbers == 3...3)
        #expect(queue.accounts.dropped[.expired].batches == 2)
    }

    @Test("random sheds in proportion to how full the queue is")
    func random() {
        func refused(of arrivals: UInt64, held: UInt64) -> Double {
            var policy = RandomShedding(low: 0.25, high: 0.75, random: SeededGenerator(seed: held))
            let levels = QueueLevels(
                queued: Amount(batches: held), inflight: Amount(), bounds: QueueBounds(batches: 100))
            let count = (0..<arrivals).count { _ in
                policy.admit(Amount(batches: 1, rows: 1, bytes: 1), levels, now: 0) == .refuse(.random)
            }
            return Double(count) / Double(arrivals)
        }
        #expect(refused(of: 1000, held: 0) == 0)
        #expect(refused(of: 1000, held: 25) == 0)
        #expect(abs(refused(of: 20_000, held: 35) - 0.2) < 0.02)
        #expect(abs(refused(of: 20_000, held: 50) - 0.5) < 0.02)
        #expect(abs(refused(of: 20_000, held: 70) - 0.9) < 0.02)
        #expect(refused(of: 1000, held: 75) == 1)
        #expect(refused(of: 1000, held: 100) == 1)
    }
}

@Suite("Policies that make the collector wait")
struct WaitingPolicyTests {
    @Test("block parks what finds no room, and takes it in as soon as there is some")
    func block() throws {
        var queue = SinkQueue(bounds: QueueBounds(batches: 2), policy: Block(deadline: 50))
        for number in 1...2 { queue.offer(batch(UInt64(number)), now: 0) }
        #expect(queue.parkedUntil == nil)
        let inflight = try take(&queue)
        queue.offer(batch(3), now: 10)
        #expect(queue.parkedUntil == 60)
        // It is nowhere in the accounts yet, and the identities hold.
        #expect(queue.accounts.offered.batches == 2)
        #expect(queue.accounts.imbalance == nil)
        queue.delivered(inflight, now: 20)
        #expect(queue.parkedUntil == nil)
        #expect(queue.accounts.offered.batches == 3)
        #expect(queue.accounts.accepted.batches == 3)
        #expect(try take(&queue).batch.numbers == 2...2)
        #expect(try take(&queue).batch.numbers == 3...3)
    }

    @Test("what is still parked when the collector goes on is refused as timed out, and told")
    func blockTimesOut() throws {
        var queue = SinkQueue(bounds: QueueBounds(batches: 1), policy: Block(deadline: 50))
        queue.offer(batch(1), now: 0)
        queue.offer(batch(2), now: 10)
        queue.withdrawParked()
        #expect(queue.parkedUntil == nil)
        #expect(queue.accounts.refused[.timedOut].batches == 1)
        #expect(queue.pendingGaps().map(\.cause) == [.timedOut])
        #expect(queue.accounts.imbalance == nil)
    }

    @Test("a second batch never waits beside the first")
    func parksOne() {
        var queue = SinkQueue(bounds: QueueBounds(batches: 1), policy: Block(deadline: 50))
        for number in 1...4 { queue.offer(batch(UInt64(number)), now: 0) }
        #expect(queue.accounts.refused[.timedOut].batches == 2)
        #expect(queue.parkedUntil == 50)
    }

    @Test("a batch that waits for ever overflows no clock")
    func blocksForEver() {
        var queue = SinkQueue(bounds: QueueBounds(batches: 1), policy: Block(deadline: .max))
        for number in 1...2 { queue.offer(batch(UInt64(number)), now: 10) }
        #expect(queue.parkedUntil == .max)
    }

    @Test("asyncThenSync waits from the high mark on until the low mark")
    func asyncThenSync() throws {
        var queue = SinkQueue(
            bounds: QueueBounds(batches: 8), policy: AsyncThenSync(high: 0.5, low: 0.25, deadline: 100))
        var number: UInt64 = 0
        func offer() {
            number += 1
            queue.offer(batch(number), now: number)
        }
        for _ in 1...5 { offer() }
        #expect(queue.parkedUntil == nil)  // Half was full before the fifth.
        offer()
        #expect(queue.parkedUntil == 106)
        for left in [4, 3] as [UInt64] {
            queue.delivered(try take(&queue), now: 6)
            #expect(queue.accounts.queued.batches == left)
            #expect(queue.parkedUntil == 106)
        }
        queue.delivered(try take(&queue), now: 6)
        #expect(queue.parkedUntil == nil)
        #expect(queue.accounts.queued.batches == 3)  // Two were left, and the parked one came in.
        offer()
        #expect(queue.parkedUntil == nil)
    }
}

@Suite("CoDel")
struct ControlledDelayTests {
    /// Offers at every moment given, with one batch that stays in flight.
    private func drops(_ arrivals: some Sequence<UInt64>, target: UInt64, interval: UInt64) -> [UInt64] {
        var queue = SinkQueue(policy: ControlledDelay(target: target, interval: interval))
        var drops: [UInt64] = []
        for (number, now) in arrivals.enumerated() {
            let before = queue.accounts.dropped[.codel].batches
            queue.offer(batch(UInt64(number + 1)), now: now)
            for _ in before..<queue.accounts.dropped[.codel].batches { drops.append(now) }
        }
        #expect(queue.accounts.imbalance == nil)
        return drops
    }

    @Test("drops begin after an interval above the target, and come closer by the square root of their number")
    func spacing() {
        let drops = drops(stride(from: 0, to: 4000, by: 1), target: 10, interval: 100)
        // Over the target at 11, for a whole interval at 111; then 100 / √n after each other.
        let expected: [UInt64] = [111, 211, 281, 338, 388]
        #expect(Array(drops.prefix(5)) == expected)
        let (early, late) = (drops.count { $0 < 1000 }, drops.count { 3000..<4000 ~= $0 })
        #expect(late > 2 * early)
    }

    @Test("a burst that is worked off within the interval loses nothing")
    func burst() throws {
        var queue = SinkQueue(policy: ControlledDelay(target: 10, interval: 100))
        for number in 1...50 { queue.offer(batch(UInt64(number)), now: 0) }
        for now in 1...UInt64(50) { queue.delivered(try take(&queue, now: 2 * now), now: 2 * now) }
        #expect(queue.accounts.delivered.batches == 50)
    }

    @Test("a lone batch stays, however long it waits")
    func lone() {
        var queue = SinkQueue(policy: ControlledDelay(target: 10, interval: 100))
        queue.offer(batch(1), now: 0)
        for now in stride(from: UInt64(100), to: 10_000, by: 100) {
            let item = queue.take(now: now)
            if let item { queue.putBack(item, now: now) }
        }
        #expect(queue.accounts.queued.batches == 1)
    }

    @Test("dropping that has to begin again soon begins at the rate that it had")
    func resumes() {
        var queue = SinkQueue(policy: ControlledDelay(target: 10, interval: 100))
        var number: UInt64 = 0
        func offer(_ now: UInt64) {
            number += 1
            queue.offer(batch(number), now: now)
        }
        for now in 0..<UInt64(1000) { offer(now) }
        let before = queue.accounts.dropped[.codel].batches
        // All is delivered at once, and then nothing any more.
        while let item = queue.take(now: 1000) { queue.delivered(item, now: 1000) }
        let between = queue.accounts.dropped[.codel].batches
        for now in 1001..<UInt64(1300) { offer(now) }
        let after = queue.accounts.dropped[.codel].batches - between
        #expect(before > 20)
        // From 1112 on, where a first time would have two.
        #expect(after > 5)
    }
}
