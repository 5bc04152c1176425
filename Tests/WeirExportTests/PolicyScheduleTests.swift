import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("Random schedules")
struct PolicyScheduleTests {
    /// A million operations at `WEIR_TEST_SCALE=20`: 9 policies, 12 schedules each, 500 operations each.
    @Test("both identities, the bounds, the order and every number hold after each", arguments: NamedPolicy.allCases)
    func schedule(policy: NamedPolicy) throws {
        for seed in 1...UInt64(12) {
            var schedule = Schedule(policy: policy, seed: seed)
            for _ in 0..<(500 * testScale) { try schedule.step() }
            try schedule.end()
        }
    }
}

/// One queue, a destination that does as chance says, and where every number is.
private struct Schedule {
    let policy: NamedPolicy
    let bounds: QueueBounds
    var queue: SinkQueue
    var random: SeededGenerator
    var now: UInt64 = 0
    var offered: UInt64 = 0
    var inflight: [InflightBatch] = []
    var coverage = Coverage()
    let isDelta: Bool
    /// What a relief merges at this moment.
    var merging: MergeWork?

    init(policy: NamedPolicy, seed: UInt64) {
        self.policy = policy
        random = SeededGenerator(seed: seed)
        bounds = QueueBounds(
            batches: .random(in: 1...12, using: &random), bytes: .random(in: 100...2000, using: &random),
            ageNanoseconds: Bool.random(using: &random) ? .random(in: 5...60, using: &random) : nil)
        isDelta = Bool.random(using: &random)
        queue = SinkQueue(bounds: bounds, policy: policy.make(seed: seed))
    }

    mutating func step() throws {
        now += .random(in: 0...3, using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4: offer()
        case 4..<7 where inflight.count < 3: try takeOne()
        case 7 where queue.parkedUntil.map({ $0 <= now }) ?? false: queue.withdrawParked()
        case 8: relieve()
        default: if !inflight.isEmpty { settle() }
        }
        try check()
    }

    private mutating func offer() {
        // The collector does not come back before it has waited.
        queue.withdrawParked()
        offered += 1
        queue.offer(
            batch(
                offered, rows: .random(in: 0...50, using: &random), bytes: .random(in: 1...500, using: &random),
                isDelta: isDelta), now: now)
    }

    private mutating func takeOne() throws {
        let before = queue.contents.map(\.batch.numbers.lowerBound)
        guard let item = queue.take(now: now) else {
            #expect(queue.isEmpty || merging != nil)
            return
        }
        // Nothing that waits still should have come first, but for what is being merged: who delivers alone waits for that.
        let number = item.batch.numbers.lowerBound
        let hand = merging.map { $0.batches.map(\.numbers.lowerBound) } ?? []
        let waiting = queue.contents.map(\.batch.numbers.lowerBound).filter { !hand.contains($0) }
        #expect(before.contains(number) || waiting.isEmpty || number == offered)
        if policy == .lifo {
            #expect(waiting.allSatisfy { $0 < number })
        } else {
            #expect(waiting.allSatisfy { $0 > number })
        }
        inflight.append(item)
    }

    /// Begins a merge, or ends it.
    private mutating func relieve() {
        guard let work = merging else {
            merging = queue.beginMerge(now: now)
            if merging == nil { checkBounds() }
            return
        }
        let (older, newer) = (work.batches[0], work.batches[1])
        let rows = UInt64.random(in: 0...(older.rows + newer.rows), using: &random)
        let bytes = Int.random(in: 1...(older.bytes.count + newer.bytes.count + 10), using: &random)
        let isMerged = Int.random(in: 0..<5, using: &random) > 0
        queue.finishMerge(isMerged ? [merge(older, newer, rows: rows, bytes: bytes)] : nil, now: now)
        merging = nil
    }

    private mutating func settle() {
        let item = inflight.remove(at: .random(in: inflight.indices, using: &random))
        switch Int.random(in: 0..<5, using: &random) {
        case 0, 1: queue.putBack(item, now: now)
        case 2: queue.drop(item, .rejected, now: now)
        default:
            coverage.delivered(item.header)
            queue.delivered(
                item, refusedRows: Bool.random(using: &random) ? .random(in: 0...60, using: &random) : 0, now: now)
        }
    }

    private func check() throws {
        try #require(queue.accounts.imbalance == nil)
        if policy == .coalesce, isDelta {
            checkBounds(excess: Amount(batches: SinkQueue.excessBatches, bytes: bounds.bytes))
        } else {
            checkBounds()
        }
        let contents = queue.contents
        #expect(UInt64(contents.count) == queue.accounts.queued.batches)
        let headers = contents.compactMap(\.header) + inflight.map(\.header)
        try coverage.check(
            batches: contents.map(\.batch.numbers) + inflight.map(\.batch.numbers),
            gaps: queue.pendingGaps() + headers.flatMap(\.gaps),
            offered: offered - (queue.parkedUntil == nil ? 0 : 1))
    }

    /// - Parameter excess: What merging is waited for with.
    private func checkBounds(excess: Amount = Amount()) {
        let held = queue.accounts.queued.batches + queue.accounts.inflight.batches
        #expect(held <= max(bounds.batches, UInt64(inflight.count)) + excess.batches)
        let bytes = queue.accounts.queued.bytes + queue.accounts.inflight.bytes
        #expect(bytes <= max(bounds.bytes, queue.accounts.inflight.bytes) + excess.bytes)
    }

    /// All that is left is delivered, and the end mark tells the rest.
    mutating func end() throws {
        if merging != nil { relieve() }
        for item in inflight { queue.putBack(item, now: now) }
        inflight = []
        queue.withdrawParked()
        while let item = queue.take(now: now) {
            coverage.delivered(item.header)
            queue.delivered(item, now: now)
        }
        let mark = queue.endMark()
        for gap in mark?.gaps ?? [] { coverage.told(gap) }
        try coverage.check(batches: [], gaps: [], offered: offered)
        #expect(queue.accounts.imbalance == nil)
    }
}

/// Which numbers a destination knows of, and whether with all others they are exactly those offered.
struct Coverage {
    /// Delivered or told, as ranges that do not touch.
    private var settled: [ClosedRange<UInt64>] = []
    /// The same without what was coalesced: those numbers went into another batch, which has a fate of its own.
    private var settledAlone: [ClosedRange<UInt64>] = []

    mutating func delivered(_ header: FrameHeader) {
        settle(header.first...header.last, isCoalesced: false)
        for gap in header.gaps { told(gap) }
    }

    mutating func told(_ gap: Gap) {
        settle(gap.first...gap.last, isCoalesced: gap.cause == .coalesced)
    }

    private mutating func settle(_ range: ClosedRange<UInt64>, isCoalesced: Bool) {
        settled = union(settled + [range])
        if !isCoalesced { settledAlone = union(settledAlone + [range]) }
    }

    /// Delivered + told + untold + held = offered, number by number, and none of them twice.
    func check(batches: [ClosedRange<UInt64>], gaps: [Gap], offered: UInt64) throws {
        let all = union(settled + batches + gaps.map { $0.first...$0.last })
        try #require(all == (offered == 0 ? [] : [1...offered]))
        let losses = gaps.filter { $0.cause != .coalesced }.map { $0.first...$0.last }
        let alone = settledAlone + batches + losses
        #expect(union(alone).reduce(0) { $0 + $1.count } == alone.reduce(0) { $0 + $1.count })
    }
}

/// The same numbers in ranges that are ascending and do not touch.
private func union(_ ranges: [ClosedRange<UInt64>]) -> [ClosedRange<UInt64>] {
    var result: [ClosedRange<UInt64>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
        if let last = result.last, range.lowerBound <= last.upperBound + 1 {
            result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
        } else {
            result.append(range)
        }
    }
    return result
}
