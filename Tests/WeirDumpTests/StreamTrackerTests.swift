import Testing
import WeirBatch
import WeirDump
import WeirTestSupport

@Suite("Following a stream's numbers")
struct StreamTrackerTests {
    private let a = StreamID(high: 1, low: 1)
    private let b = StreamID(high: 2, low: 2)

    private func header(
        _ stream: StreamID, _ first: UInt64, _ last: UInt64? = nil, gaps: [Gap] = [], previous: StreamID? = nil,
        isEnd: Bool = false
    ) -> FrameHeader {
        var header = FrameHeader(stream: stream, first: first, last: last ?? first)
        header.gaps = gaps
        header.previousStream = previous
        header.payloadLength = isEnd ? 0 : 100
        header.endTime = first &* 10
        return header
    }

    private func gap(_ first: UInt64, _ last: UInt64, _ cause: Gap.Cause = .overflowOldest) -> Gap {
        Gap(first: first, last: last, batches: last - first + 1, rows: 7, startTime: 1, endTime: 2, cause: cause)
    }

    @Test("numbers in a row say nothing")
    func inOrder() {
        var tracker = StreamTracker()
        #expect(tracker.add(header(a, 1)).findings == [.begins(a, first: 1, previous: nil)])
        #expect(tracker.add(header(a, 2)).findings == [])
        #expect(tracker.add(header(a, 3, 5)).findings == [])
        #expect(tracker.add(header(a, 5, isEnd: true)).findings == [.ends(last: 5)])
    }

    @Test("a gap explains what is missing; what it does not cover is a hole")
    func gaps() {
        var tracker = StreamTracker()
        _ = tracker.add(header(a, 1))
        #expect(tracker.add(header(a, 5, gaps: [gap(2, 4)])).findings == [.gap(gap(2, 4))])
        #expect(
            tracker.add(header(a, 12, gaps: [gap(7, 8)])).findings
                == [.gap(gap(7, 8)), .hole(6...6), .hole(9...11)])
        #expect(tracker.add(header(a, 14, isEnd: true)).findings == [.hole(13...14), .ends(last: 14)])
    }

    @Test("a gap told again, as a resent header does, is told once")
    func gapAgain() {
        var tracker = StreamTracker()
        _ = tracker.add(header(a, 1))
        _ = tracker.add(header(a, 3, gaps: [gap(2, 2)]))
        #expect(tracker.add(header(a, 4, gaps: [gap(2, 2)])).findings == [])
    }

    @Test("a stream that is read from its middle has no hole before")
    func middle() {
        var tracker = StreamTracker()
        #expect(tracker.add(header(a, 40)).findings == [.begins(a, first: 40, previous: nil)])
        #expect(
            tracker.add(header(b, 9, gaps: [gap(5, 6)])).findings
                == [.begins(b, first: 5, previous: nil), .gap(gap(5, 6)), .hole(7...8)])
    }

    @Test("a batch that comes again is repeated, one that comes late is not")
    func lateAndRepeated() {
        var tracker = StreamTracker()
        _ = tracker.add(header(a, 1))
        #expect(tracker.add(header(a, 3)).findings == [.hole(2...2)])
        #expect(tracker.add(header(a, 2)).findings == [])
        #expect(tracker.add(header(a, 2)).findings == [.repeated(2...2)])
        #expect(tracker.add(header(a, 4)).findings == [])
    }

    @Test("a stream that names the one before it has its source; one that does not has its own")
    func sources() {
        var tracker = StreamTracker()
        let first = tracker.add(header(a, 1)).source
        let (second, findings) = tracker.add(header(b, 1, previous: a))
        #expect(findings == [.begins(b, first: 1, previous: a)])
        #expect(first == second)
        #expect(tracker.sources.map(\.streams) == [2])
        let other = StreamID(high: 3, low: 3)
        #expect(tracker.add(header(other, 1)).source == 1)
        // The order of reading does not matter.
        let older = StreamID(high: 4, low: 4)
        let newer = StreamID(high: 5, low: 5)
        let named = tracker.add(header(newer, 1, previous: older)).source
        #expect(tracker.add(header(older, 1)).source == named)
    }

    @Test("what was dropped and what is missing is counted by source")
    func counts() {
        var tracker = StreamTracker()
        let headers = [
            header(a, 1), header(a, 4, gaps: [gap(2, 3)]), header(a, 9, gaps: [gap(5, 5, .coalesced)]), header(a, 9),
            header(a, 9, isEnd: true),
        ]
        for header in headers {
            let (source, findings) = tracker.add(header)
            tracker.note(header, findings: findings, source: source)
        }
        let source = tracker.sources[0]
        #expect(source.batches == 3)
        #expect(source.dropped == [.init(cause: .overflowOldest, batches: 2)])
        #expect(source.missing == 3)
        #expect(source.repeated == 1)
        #expect(source.hasEnded)
        #expect(source.firstTime == 10)
        #expect(source.lastTime == 90)
    }

    @Test("no numbers make it trap")
    func hostile() {
        var tracker = StreamTracker()
        var generator = SeededGenerator(seed: 11)
        let numbers: [UInt64] = [0, 1, 2, 3, .max - 1, .max]
        for _ in 0..<20_000 {
            let pick = { (g: inout SeededGenerator) in numbers.randomElement(using: &g)! }
            let gap = Gap(
                first: pick(&generator), last: pick(&generator), batches: .max, rows: .max, startTime: .max,
                endTime: 0, cause: Bool.random(using: &generator) ? .fatal : .coalesced)
            let header = header(
                StreamID(high: 1, low: pick(&generator)), pick(&generator), pick(&generator), gaps: [gap],
                previous: Bool.random(using: &generator) ? StreamID(high: 1, low: pick(&generator)) : nil,
                isEnd: Bool.random(using: &generator))
            let (source, findings) = tracker.add(header)
            tracker.note(header, findings: findings, source: source)
        }
        #expect(tracker.sources.count <= numbers.count)
    }
}
