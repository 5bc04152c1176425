import Testing
import WeirBatch
import WeirDump
import WeirTestSupport

@Suite("What cannot be, in headers and batches")
struct FaultTests {
    private let a = StreamID(high: 1, low: 1)
    private let b = StreamID(high: 2, low: 2)
    private let c = StreamID(high: 3, low: 3)

    private func header(
        _ stream: StreamID, _ numbers: ClosedRange<UInt64>, _ times: ClosedRange<UInt64>, previous: StreamID? = nil,
        gaps: [Gap] = []
    ) -> FrameHeader {
        var header = FrameHeader(stream: stream, first: numbers.lowerBound, last: numbers.upperBound)
        header.payloadLength = 100
        (header.startTime, header.endTime) = (times.lowerBound, times.upperBound)
        header.previousStream = previous
        header.gaps = gaps
        return header
    }

    private func endMark(_ stream: StreamID, _ number: UInt64) -> FrameHeader {
        FrameHeader(stream: stream, first: number, last: number)
    }

    private func gap(_ numbers: ClosedRange<UInt64>, _ cause: Gap.Cause = .expired, batches: UInt64 = 1) -> Gap {
        Gap(
            first: numbers.lowerBound, last: numbers.upperBound, batches: batches, rows: 1, startTime: 0, endTime: 1,
            cause: cause)
    }

    private func batch(_ temporality: ViewColumns.Temporality, _ count: Int64 = 1) -> Batch {
        var builder = BatchBuilder(start: 0, end: 1)
        builder.view("v", .count, keys: ["k"], temporality: temporality) {
            $0.row(["x"], start: 0, 1)
            $0.row(["y"], start: 0, count)
        }
        return builder.batch
    }

    private func faults(
        _ headers: [FrameHeader], _ temporality: ViewColumns.Temporality = .delta, paths: [String] = []
    ) -> [Fault] {
        var check = Check()
        for (index, header) in headers.enumerated() {
            let path = index < paths.count ? paths[index] : "file \(header.stream.high)"
            check.take(header, path: path, batch: header.isEndMark ? nil : batch(temporality))
        }
        return check.streams { _ in false }.flatMap(\.faults.first)
    }

    @Test("a stream that began because the clock was set may start before the one before it ended, by that much")
    func clockStep() {
        let old = [header(a, 1...1, 1_000...2_000), endMark(a, 1)]
        var new = header(b, 1...1, 1_400...1_500, previous: a)
        new.clockStep = -600
        #expect(faults(old + [new]) == [])
        new.clockStep = -500
        #expect(faults(old + [new]) == [.startsWithinStreamBefore(a, start: 1_400, end: 1_500)])
        new = header(b, 1...1, 2_300...2_500, previous: a)
        new.clockStep = 400
        #expect(faults(old + [new]) == [.startsWithinStreamBefore(a, start: 2_300, end: 2_400)])
    }

    @Test("deltas that start before the stream before them ended count twice what both count")
    func acrossStreams() {
        let old = [header(a, 1...1, 10...20), header(a, 2...2, 20...30), endMark(a, 2)]
        let early = Fault.startsWithinStreamBefore(a, start: 10, end: 30)
        #expect(faults(old + [header(b, 1...1, 10...40, previous: a)]) == [early])
        #expect(faults([header(b, 1...1, 10...40, previous: a)] + old) == [early])
        #expect(faults(old + [header(b, 2...2, 40...50), header(b, 1...1, 10...40, previous: a)]) != [])
        #expect(faults(old + [header(b, 1...1, 30...40, previous: a)]) == [])
        #expect(faults(old + [header(b, 1...1, 30...40, previous: a)], .cumulative) == [])
        // Totals since the beginning are what a stream after another tells.
        #expect(faults(old + [header(b, 1...1, 10...40, previous: a)], .cumulative) == [])
        // Two sinks may share a stream's times, and one sink's streams stand in one file.
        #expect(faults(old + [header(b, 1...1, 10...40)]) == [])
        #expect(faults(old + [header(b, 1...1, 10...40)], paths: ["f", "f", "f", "f"]) == [early])
    }

    @Test("a stream without batches hides the one before it no more than one that is not here")
    func chain() {
        let old = [header(a, 1...1, 10...20)]
        var empty = endMark(b, 0)
        empty.previousStream = a
        let headers = old + [empty, header(c, 1...1, 10...30, previous: b)]
        #expect(faults(headers) == [.startsWithinStreamBefore(a, start: 10, end: 20)])
        #expect(faults([header(c, 1...1, 10...30, previous: b)]) == [])
        // Streams that name each other in a ring end somewhere.
        _ = faults([header(a, 1...1, 5...6, previous: b), header(b, 1...1, 5...6, previous: a)])
    }

    @Test("a batch starts where the one before it in its stream ends")
    func withinStream() {
        #expect(faults([header(a, 1...1, 10...20), header(a, 2...2, 20...30)]) == [])
        #expect(
            faults([header(a, 1...1, 10...20), header(a, 2...3, 15...30)])
                == [.startsWithinBatchBefore(numbers: 2...3, start: 15, end: 20)])
        var parts = [header(a, 1...1, 10...20), header(a, 2...2, 10...20)]
        for index in parts.indices { (parts[index].part, parts[index].parts) = (UInt32(index) + 1, 2) }
        #expect(faults(parts) == [])
        // Newest first.
        #expect(faults([header(a, 2...2, 20...30), header(a, 1...1, 10...20)]) == [])
    }

    @Test("a gap has no more batches than numbers, and none that are here")
    func gaps() {
        let first = header(a, 1...1, 10...20)
        func fault(_ gaps: [Gap]) -> [Fault] { faults([first, header(a, 9...9, 20...30, gaps: gaps)]) }
        #expect(fault([gap(2...4, batches: 3), gap(5...6), gap(7...8, .coalesced, batches: 0)]) == [])
        #expect(fault([gap(2...4, batches: 4)]) == [.tooManyBatches(numbers: 2...4, cause: .expired, batches: 4)])
        #expect(fault([gap(0 ... .max, batches: .max)]).contains(.numberZero))
        #expect(fault([gap(1...8)]) == [.droppedAndDelivered(numbers: 1...1)])
        #expect(fault([gap(2...9)]) == [.droppedAndDelivered(numbers: 9...9)])
        // What became part of a newer batch is in it.
        #expect(faults([first, header(a, 2...4, 20...30, gaps: [gap(2...3, .coalesced)])]) == [])
        // Told before it comes, as newest first brings it.
        #expect(
            faults([header(a, 4...4, 20...30, gaps: [gap(1...3)]), header(a, 2...2, 15...18)])
                == [.droppedAndDelivered(numbers: 2...2)])
        // So many that the oldest of them became of several.
        let many = [gap(1...10)] + (0..<511).map { gap(20 + 2 * $0...20 + 2 * $0, $0 % 2 == 0 ? .expired : .codel) }
        #expect(faults([first, header(a, 5...5, 30...40), header(a, 9000...9000, 50...60, gaps: many)]) == [])
    }

    @Test("an end mark is behind all batches, and a batch ends after it starts")
    func ends() {
        #expect(
            faults([header(a, 1...2, 10...20), endMark(a, 1)]) == [.goesOnAfterEnd(end: 1, last: 2)])
        var wrong = header(a, 1...1, 10...20)
        (wrong.startTime, wrong.endTime) = (20, 10)
        #expect(faults([wrong]) == [.endsBeforeItStarts(numbers: 1...1, start: 20, end: 10)])
    }

    @Test("a count below zero is named with view and row, and so many faults are counted and not kept")
    func negative() throws {
        var check = Check()
        for number in 1...500 as ClosedRange<UInt64> {
            let header = header(a, number...number, number * 10...number * 10 + 10)
            check.take(header, path: "", batch: batch(.cumulative, -5))
        }
        let faults = try #require(check.streams { _ in false }.first).faults
        #expect(faults.first.first == .negativeCount(batch: 1, view: "v", row: 1, found: -5))
        #expect(faults.count == 500 && faults.first.count == Faults.limit)
    }
}
