import WeirBatch
import WeirRecording
import WeirTestSupport

@testable import WeirExport

/// A sink of a world: its feed, its queue, and what its destination got.
final class Line {
    let name: String
    let temporality: ViewColumns.Temporality
    let match: String?
    var interval: Int
    private(set) var feed: Feed
    private var queue = Line.emptyQueue
    private var inflight: InflightBatch?
    private var isHung = false

    private struct Number: Hashable {
        let stream: StreamID
        let number: UInt64
    }

    /// Offered, in order, and not judged yet.
    private var offered: [(number: Number, batch: Batch)] = []
    private var delivered: Set<Number> = []
    /// Numbers that headers told to be lost.
    private var named: Set<Number> = []
    private var lost = 0
    private var last: (header: FrameHeader, steps: Int64)?
    private(set) var told = ToldFigures()
    private(set) var faults: [String] = []

    private static var emptyQueue: SinkQueue { SinkQueue(bounds: QueueBounds(batches: 3)) }
    private static let sink = Result { try Destination(.accepting).sink("world") }

    init(_ name: String, _ temporality: ViewColumns.Temporality, every interval: Int, match: String? = nil) throws {
        (self.name, self.temporality, self.interval, self.match) = (name, temporality, interval, match)
        feed = try Self.feed(temporality, match)
    }

    private static func feed(_ temporality: ViewColumns.Temporality, _ match: String?) throws -> Feed {
        var sink = try Self.sink.get()
        (sink.temporality, sink.match) = (temporality, match.map { [$0] })
        let definition = try FeedDefinition(sink, in: Pipeline.Configuration())
        return Feed(FeedPlan(definition: definition, stream: .random(), sinks: []), tick: 0)
    }

    func wants(_ view: String) -> Bool { feed.definition.filter.matches(view) }

    // MARK: - Feeds

    /// Goes on with a feed of another interval, behind a collection that the one before told.
    func move(to interval: Int, at collection: borrowing Collected) throws {
        let next = try Self.feed(temporality, match)
        next.takeOver(from: [feed], at: collection)
        (feed, self.interval) = (next, interval)
    }

    /// Goes on where export ended.
    func resume(_ position: FeedPosition) throws {
        feed = try Self.feed(temporality, match)
        feed.resume(position)
    }

    /// A process begins: nothing is left of the one before but what the destination has.
    func restart() throws {
        feed = try Self.feed(temporality, match)
        (queue, last) = (Self.emptyQueue, nil)
    }

    /// In a fork's child, which has told nobody anything.
    func fork() throws {
        try restart()
        (inflight, isHung) = (nil, false)
        (offered, delivered, named, told) = ([], [], [], ToldFigures())
    }

    // MARK: - Queue

    func offer(_ batch: SharedBatch, _ decoded: Batch, steps: Int64) {
        let header = batch.plainHeader
        let number = Number(stream: batch.stream, number: batch.numbers.lowerBound)
        if header.startTime >= header.endTime { faults.append("times do not ascend: \(header)") }
        if let last {
            // What the clock was set by since then moves all times.
            if header.startTime != last.header.endTime.movedClamped(by: steps &- last.steps) {
                faults.append("batch \(header) does not start where \(last.header) ended")
            }
            let expected = header.stream == last.header.stream ? last.header.last + 1 : 1
            if header.first != expected { faults.append("number \(header.first) instead of \(expected)") }
        }
        last = (header, steps)
        offered.append((number, decoded))
        queue.offer(batch, now: 0)
    }

    func hang() {
        isHung = true
        if inflight == nil { inflight = queue.take(now: 0) }
    }

    func comeBack() {
        isHung = false
        if let item = inflight { deliver(item) }
        inflight = nil
    }

    func deliverAll() {
        while !isHung, let item = queue.take(now: 0) { deliver(item) }
    }

    func retryOne() {
        if !isHung, let item = queue.take(now: 0) { queue.putBack(item, now: 0) }
    }

    func rejectOne() {
        if !isHung, let item = queue.take(now: 0) { queue.drop(item, .rejected, now: 0) }
    }

    private func deliver(_ item: InflightBatch) {
        let header = item.header
        let number = Number(stream: header.stream, number: header.first)
        if !delivered.insert(number).inserted { faults.append("delivered twice: \(header)") }
        name(header.gaps, of: header.stream)
        queue.delivered(item, now: 0)
    }

    private func name(_ gaps: [Gap], of stream: StreamID) {
        for number in numbers(gaps) { named.insert(Number(stream: stream, number: number)) }
    }

    /// Lets all deliveries end, and reads what came. Every batch that did not is named by a gap, and counted.
    func settle() {
        comeBack()
        deliverAll()
        for stream in Set(offered.map(\.number.stream)) { name(queue.pendingGaps(stream), of: stream) }
        for (number, batch) in offered {
            if delivered.contains(number) == named.contains(number) {
                faults.append(
                    "\(number) was \(delivered.contains(number) ? "delivered, and named as lost" : "lost unnamed")")
            }
            told.add(batch)
        }
        // Nothing fails here, so the last word has to arrive: it makes good what was lost of levels and totals.
        if let last = offered.last, !delivered.contains(last.number) { faults.append("the last batch did not arrive") }
        faults += told.takeFaults()
        offered = []
        if let imbalance = queue.accounts.imbalance { faults.append("accounts: \(imbalance)") }
    }

    func takeFaults() -> [String] {
        defer { faults = [] }
        return faults.map { "\(name): \($0)" }
    }
}
