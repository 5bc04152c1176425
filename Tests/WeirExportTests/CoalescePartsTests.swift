import Testing
import WeirBatch
import WeirTestSupport

@testable import WeirExport

private let minute: UInt64 = 60_000_000_000

@Suite("Coalescing loses no counts", .timeLimit(.minutes(2)))
struct CoalescePartsTests {
    @Test(
        "whatever the bound, the parts and the failures, all deltas arrive", arguments: [2, 3, 4, 8] as [UInt64],
        [1 << 22, 500])
    func everyBound(batches: UInt64, partLength: Int) throws {
        let sink = try CoalescingSink(QueueBounds(batches: batches), partLength: partLength)
        for number in 1...UInt64(30) {
            try sink.offer(number)
            sink.deliver(.retry(hint: nil, attemptLimit: nil), limit: 1)
        }
        #expect(sink.state.queue.accounts.inflight.adding(sink.state.queue.accounts.queued).batches <= batches)
        sink.deliver(.delivered)
        try sink.check(30)
    }

    @Test("a destination that takes some of it at any time gets all of it", arguments: 1...UInt64(6))
    func random(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let batches = UInt64.random(in: 3...10, using: &random)
        let sink = try CoalescingSink(
            QueueBounds(batches: batches), partLength: Bool.random(using: &random) ? 1 << 22 : 500, isLazy: true)
        for number in 1...UInt64(40) {
            try sink.offer(number)
            if Bool.random(using: &random) { sink.relieve() }
            let isThere = Int.random(in: 0..<3, using: &random) == 0
            sink.deliver(
                isThere ? .delivered : .retry(hint: nil, attemptLimit: nil),
                limit: isThere ? .random(in: 0...3, using: &random) : 1)
        }
        sink.relieve()
        sink.deliver(.delivered)
        try sink.check(40)
    }

    @Test("a bound that a change lowers is reached by merging", arguments: [1 << 22, 500])
    func loweredBound(partLength: Int) throws {
        let sink = try CoalescingSink(QueueBounds(batches: 1000), partLength: partLength)
        for number in 1...UInt64(400) where number <= 100 || partLength > 500 { try sink.offer(number) }
        sink.deliver(.retry(hint: nil, attemptLimit: nil), limit: 1)
        let offered = sink.offered
        sink.change(QueueBounds(batches: 2))
        sink.relieve()
        #expect(sink.state.queue.accounts.queued.batches == 2)
        sink.deliver(.delivered)
        try sink.check(offered)
    }

    @Test("parts are merged with parts, as many as are needed, and numbered so that a reader sees that all are there")
    func parts() throws {
        let sink = try CoalescingSink(QueueBounds(batches: 8), partLength: 500)
        for number in 1...UInt64(4) { try sink.offer(number) }
        sink.deliver(.delivered)
        try sink.check(4)
        let parts = sink.headers[0].parts
        #expect(parts > 1 && sink.headers[0].part == 1)
        #expect(sink.headers.prefix(Int(parts)).map(\.part) == Array(1...parts))
        #expect(sink.headers.allSatisfy { $0.payloadLength <= 625 })
    }

    @Test("a collection of which more parts are to come is not merged before they are there")
    func waitsForParts() throws {
        let sink = try CoalescingSink(QueueBounds(batches: 2), partLength: 500)
        try sink.offer(1)
        let next = try sink.encode(2)
        #expect(next.count > 1)
        for part in next {
            sink.state.offer(part, now: 0)
            sink.relieve()
        }
        sink.deliver(.delivered)
        #expect(sink.headers.count == 2)
        try sink.check(2)
    }
}

/// A sink of deltas, whose threads' parts are played here, and what arrives of what was recorded: one a row and collection.
private final class CoalescingSink {
    var state: SinkState
    private var merger: BatchMerger
    private var encoder: BatchEncoder
    private var decoder: BatchDecoder
    private var estimate = LengthEstimate()
    private var random = SeededGenerator(seed: 1)
    private let partLength: Int
    private let isLazy: Bool
    private var number: UInt64 = 1
    private var now: UInt64 = 0
    private(set) var offered: UInt64 = 0
    private(set) var headers: [FrameHeader] = []
    private var totals: [String: Int64] = [:]
    private var coverage = Coverage()
    private let rows = 200

    init(_ bounds: QueueBounds, partLength: Int, isLazy: Bool = false) throws {
        state = SinkState(
            queue: SinkQueue(bounds: bounds, policy: Coalesce()),
            breaker: Breaker(failuresInARow: 0, failuresOf20: 0))
        merger = try BatchMerger(level: 1)
        encoder = try BatchEncoder()
        decoder = try BatchDecoder()
        self.partLength = partLength
        self.isLazy = isLazy
    }

    func encode(_ collection: UInt64) throws -> [SharedBatch] {
        var batch = Batch()
        (batch.startTime, batch.endTime) = (collection * 10, collection * 10 + 10)
        var view = ViewColumns()
        (view.name, view.measure, view.unit, view.rows) = ("v", "v", "1", rows)
        (view.temporality, view.isMonotonic, view.tagKeys) = (.delta, true, ["k"])
        for row in 0..<rows {
            _ = batch.strings.append(String(row &* 2_654_435_761, radix: 36))
            view.tagValues.append(UInt32(row) + 1)
        }
        view.startTimes = Array(repeating: batch.startTime, count: rows)
        view.integers = Array(repeating: 1, count: rows)
        batch.views = [view]
        let payloads = try encoder.encode(batch, upTo: partLength, &estimate)
        offered += 1
        defer { number += UInt64(payloads.count) }
        return payloads.enumerated().map { index, payload in
            SharedBatch(
                stream: StreamID(high: 1, low: 1), numbers: number + UInt64(index)...number + UInt64(index),
                startTime: payload.startTime, endTime: payload.endTime, rows: payload.rows, points: payload.points,
                rawLength: payload.rawLength, bytes: payload.bytes, isDelta: true, part: UInt32(index) + 1,
                parts: UInt32(payloads.count))
        }
    }

    func offer(_ collection: UInt64) throws {
        for part in try encode(collection) { state.offer(part, now: now) }
        if !isLazy { relieve() }
    }

    func relieve() {
        while case .merge(let work) = state.nextRelief(now: now) {
            state.finishMerge(merger.merge(work), now: now)
            #expect(state.queue.accounts.imbalance == nil)
        }
    }

    func deliver(_ outcome: Delivery.Outcome, limit: Int = .max) {
        for _ in 0..<limit {
            now += minute
            guard case .deliver(let item) = state.nextStep(now: now) else { return }
            if outcome == .delivered { take(item) }
            state.finish(Delivery(outcome), now: now, random: &random)
        }
    }

    private func take(_ item: InflightBatch) {
        headers.append(item.header)
        coverage.delivered(item.header)
        do {
            let batch = try decoder.decode(item.batch.bytes, header: item.batch.plainHeader)
            for view in batch.views {
                for row in 0..<view.rows {
                    totals[batch.strings[Int(view.tagValues[row]) - 1], default: 0] += view.integers[row]
                }
            }
        } catch {
            Issue.record(error)
        }
    }

    /// What a reload does.
    func change(_ bounds: QueueBounds) {
        var next = SinkState(queue: SinkQueue(bounds: bounds, policy: Coalesce()))
        next.awaitEstate()
        state.retire()
        next.adopt(state.handOver(keepsSpill: false, now: now), keepsSpill: false, now: now)
        state = next
    }

    func check(_ collections: UInt64) throws {
        let accounts = state.queue.accounts
        #expect(accounts.dropped.total == Amount() && accounts.refused.total == Amount())
        #expect(accounts.delivered.batches == UInt64(headers.count))
        #expect(accounts.imbalance == nil)
        #expect(totals.count == rows)
        #expect(totals.values.allSatisfy { $0 == Int64(collections) })
        try coverage.check(batches: [], gaps: state.queue.pendingGaps(), offered: number - 1)
    }
}
