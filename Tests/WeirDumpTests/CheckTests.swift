import Testing
import WeirBatch
import WeirDump
import WeirTestSupport

@Suite("Checking what was delivered")
struct CheckTests {
    private let a = StreamID(high: 1, low: 1)

    private func header(_ numbers: ClosedRange<UInt64>, part: UInt32 = 1, of parts: UInt32 = 1, gaps: [Gap] = [])
        -> FrameHeader
    {
        var header = FrameHeader(stream: a, first: numbers.lowerBound, last: numbers.upperBound)
        (header.part, header.parts) = (part, parts)
        header.gaps = gaps
        header.rows = 10
        header.payloadLength = 100
        header.startTime = numbers.lowerBound &* 10
        header.endTime = numbers.upperBound &* 10 &+ 10
        return header
    }

    private func endMark(_ number: UInt64, gaps: [Gap] = []) -> FrameHeader {
        var header = FrameHeader(stream: a, first: number, last: number)
        header.gaps = gaps
        return header
    }

    private func gap(_ first: UInt64, _ last: UInt64, _ cause: Gap.Cause, batches: UInt64? = nil) -> Gap {
        Gap(
            first: first, last: last, batches: batches ?? last - first + 1, rows: 10 * (last - first + 1),
            startTime: first * 10, endTime: last * 10 + 10, cause: cause)
    }

    private func check(_ headers: [FrameHeader], goesOn: Bool = false) throws -> StreamCheck {
        var check = Check()
        for header in headers { check.take(header, path: "file") }
        let streams = check.streams { _ in goesOn }
        #expect(streams.count == 1)
        return try #require(streams.first)
    }

    @Test("a stream with all its numbers and its end lacks nothing")
    func whole() throws {
        let stream = try check([header(1...1), header(2...2), header(3...3), endMark(3)])
        #expect(stream.delivered == Tally(batches: 3, rows: 30))
        #expect((stream.first, stream.last) == (1, 3))
        #expect((stream.startTime, stream.endTime) == (10, 40))
        #expect(stream.holes.isEmpty)
        #expect(!stream.lacksEndMark)
    }

    @Test("gaps are added up by cause, and what they do not cover is a hole")
    func gapsAndHoles() throws {
        let stream = try check([
            header(1...1), header(4...4, gaps: [gap(2, 3, .expired)]),
            header(9...9, gaps: [gap(5, 5, .overflowOldest), gap(7, 7, .expired)]), endMark(10),
        ])
        #expect(stream.dropped.map(\.cause) == [.expired, .overflowOldest])
        #expect(stream.dropped.map(\.tally) == [Tally(batches: 3, rows: 30), Tally(batches: 1, rows: 10)])
        #expect(stream.dropped[0].ranges == [2...3, 7...7])
        #expect(stream.holes == [6...6, 8...8, 10...10])
        #expect(stream.missing == 3)
    }

    @Test("a batch that comes late, as newest first brings it, is no hole")
    func late() throws {
        let stream = try check([1, 5, 4, 2, 3, 6].map { header($0...$0) } + [endMark(6)])
        #expect(stream.holes.isEmpty)
        #expect(stream.delivered.batches == 6)
    }

    @Test("a stream read from its middle lacks nothing before, unless some of that came late")
    func middle() throws {
        #expect(try check([header(40...40), header(41...41)]).holes.isEmpty)
        #expect(try check([header(40...40), header(35...35)]).holes == [36...39])
    }

    @Test("merged batches are no loss, and a resent one tells of them once")
    func coalesced() throws {
        let merged = header(2...4, gaps: [gap(2, 2, .coalesced), gap(2, 3, .coalesced, batches: 1)])
        let stream = try check([header(1...1), merged, merged, header(5...5), endMark(5)])
        #expect(stream.dropped.isEmpty)
        #expect(stream.coalesced?.tally == Tally(batches: 2, rows: 30))
        #expect(stream.coalesced?.ranges == [2...3])
        #expect(stream.repeated.batches == 1)
        #expect(stream.delivered.batches == 3)
        #expect(stream.holes.isEmpty)
    }

    @Test("a merged batch that was dropped after all is dropped, and what went into it merged")
    func coalescedThenDropped() throws {
        let gaps = [gap(2, 2, .coalesced), gap(2, 3, .overflowOldest, batches: 1)]
        let stream = try check([header(1...1), header(4...4, gaps: gaps), endMark(4)])
        #expect(stream.dropped.map(\.tally.batches) == [1])
        #expect(stream.coalesced?.tally.batches == 1)
        #expect(stream.holes.isEmpty)
    }

    @Test("a gap that is told again is counted once")
    func gapAgain() throws {
        let again = header(4...4, gaps: [gap(2, 3, .rejected)])
        let stream = try check([header(1...1), again, again, endMark(4, gaps: [gap(2, 3, .rejected)])])
        #expect(stream.dropped.map(\.tally.batches) == [2])
        #expect(stream.repeated.batches == 1)
    }

    @Test("parts of a collection are counted together, and a part that was dropped is told")
    func parts() throws {
        let stream = try check([
            header(1...1, part: 1, of: 2), header(2...2, part: 2, of: 2), header(3...3),
            header(4...4, part: 1, of: 3), header(6...6, part: 3, of: 3, gaps: [gap(5, 5, .rejected)]), endMark(6),
        ])
        #expect(stream.splits.whole == 1)
        #expect(stream.splits.lacking == 1)
        #expect(stream.delivered.batches == 5)
        #expect(stream.holes.isEmpty)
    }

    @Test("parts that were coalesced, with each other or with a later collection, are not lacking")
    func coalescedParts() throws {
        let first = header(1...1, part: 1, of: 3)
        let later = try check([
            first, header(2...5, part: 1, of: 2, gaps: [gap(2, 4, .coalesced)]), header(6...6, part: 2, of: 2),
            endMark(6),
        ])
        #expect(later.splits.whole == 1 && later.splits.lacking == 0 && later.holes.isEmpty)
        let together = try check([
            first, header(2...3, part: 3, of: 3, gaps: [gap(2, 2, .coalesced)]), endMark(3),
        ])
        #expect(together.splits.whole == 1 && together.splits.lacking == 0 && together.holes.isEmpty)
    }

    @Test("merged parts of split collections do not stand for the parts between them")
    func mergedParts() throws {
        let merged = [
            header(1...3, part: 1, of: 2, gaps: [gap(1, 1, .coalesced)]),
            header(2...4, part: 2, of: 2, gaps: [gap(2, 2, .coalesced)]),
        ]
        let stream = try check(merged + [endMark(4)])
        #expect(stream.delivered.batches == 2)
        #expect(stream.repeated.batches == 0)
        #expect(stream.coalesced?.tally.batches == 2)
        #expect(stream.splits.whole == 1)
        #expect(stream.splits.lacking == 0)
        #expect(stream.holes.isEmpty)
        #expect(try check([merged[0], header(2...2, part: 2, of: 2), endMark(4)]).holes == [4...4])
    }

    @Test("a stream without an end mark lacks it, unless somebody still writes it")
    func ends() throws {
        #expect(try check([header(1...1)]).lacksEndMark)
        #expect(try !check([header(1...1)], goesOn: true).lacksEndMark)
        #expect(try !check([header(1...1), endMark(1)]).lacksEndMark)
    }

    @Test("a stream is known by its name, also where the one after it was read first")
    func restarts() throws {
        let b = StreamID(high: 2, low: 2)
        var newer = FrameHeader(stream: b, first: 1, last: 1)
        newer.previousStream = a
        newer.payloadLength = 1
        var check = Check()
        for header in [newer, header(5...5), header(7...7)] { check.take(header, path: "") }
        let streams = check.streams { _ in false }
        #expect(streams.map(\.stream) == [b, a])
        #expect(streams.map(\.previous) == [a, nil])
        #expect(streams.map(\.holes) == [[], [6...6]])
    }

    @Test("no numbers make it trap")
    func hostile() {
        var check = Check()
        var generator = SeededGenerator(seed: 12)
        let numbers: [UInt64] = [0, 1, 2, 3, .max - 1, .max]
        for _ in 0..<20_000 {
            func pick() -> UInt64 { numbers.randomElement(using: &generator) ?? 0 }
            let gap = Gap(
                first: pick(), last: pick(), batches: .max, rows: .max, startTime: .max, endTime: 0,
                cause: Bool.random(using: &generator) ? .fatal : .coalesced)
            var header = FrameHeader(stream: StreamID(high: 1, low: pick()), first: pick(), last: pick())
            header.gaps = [gap]
            header.parts = UInt32(truncatingIfNeeded: pick())
            header.part = UInt32(truncatingIfNeeded: pick())
            header.rows = .max
            header.payloadLength = pick()
            if Bool.random(using: &generator) { header.previousStream = StreamID(high: 1, low: pick()) }
            check.take(header, path: "", isLost: Bool.random(using: &generator))
        }
        #expect(check.streams { _ in false }.count <= numbers.count)
    }
}
