internal import Testing
internal import WeirBatch

@Suite("A frame header")
struct FrameHeaderTests {
    @Test("comes back equal, with every cause of a gap")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<200 {
            let header = FrameHeader.random(using: &generator)
            #expect(try FrameHeader(decoding: header.encoded()) == header)
        }
    }

    @Test("ends in the CRC-32C of what stands before")
    func checksum() {
        #expect(HandMade.checksum("123456789".utf8) == 0xE306_9283)
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<20 {
            let frame = FrameHeader.random(using: &generator).encoded()
            #expect(Array(frame.suffix(4)) == HandMade.littleEndian(HandMade.checksum(frame.dropLast(4))))
        }
    }

    @Test("is refused with any one bit changed, and at any other length")
    func everyBit() {
        var generator = SeededGenerator(seed: 6)
        let frame = FrameHeader.random(using: &generator).encoded()
        for position in frame.indices {
            for bit in 0..<8 {
                var changed = frame
                changed[position] ^= 1 << bit
                #expect(throws: BatchError.self) { try FrameHeader(decoding: changed) }
            }
            #expect(throws: BatchError.self) { try FrameHeader(decoding: Array(frame[..<position])) }
        }
        #expect(throws: BatchError.self) { try FrameHeader(decoding: frame + [0]) }
    }

    @Test("carries a bounded list of gaps, the oldest as one")
    func manyGaps() throws {
        var header = FrameHeader(stream: StreamID(high: 1, low: 2), first: .max, last: .max)
        header.gaps = (0..<5000).map { number in
            Gap(
                first: .max - 6000 + number, last: .max - 6000 + number, batches: .max - 7, rows: .max - 7,
                startTime: .max - 9000 + number, endTime: .max - 8999 + number, cause: .coalesced)
        }
        header.gaps[0].batches = 10
        for index in 1..<header.gaps.count { header.gaps[index].batches = 1 }
        let encoded = header.encoded()
        #expect(encoded.count <= ReadLimits().headerLength)
        let read = try FrameHeader(decoding: encoded)
        #expect(read.gaps.count == FrameHeader.maximumGaps)
        let merged = try #require(read.gaps.first)
        #expect(merged.first == UInt64.max - 6000)
        #expect(merged.batches == 10 + 4200)
        #expect(Array(read.gaps.dropFirst()) == Array(header.gaps.suffix(FrameHeader.maximumGaps - 1)))
    }

    @Test("of a later version is refused by its version")
    func laterVersion() {
        let message = Message().fixed64(1, 1).number(7, 1).number(8, 1)
        #expect(throws: BatchError.version(known: 1, found: 2)) {
            try FrameHeader(decoding: HandMade.header(message.bytes, version: 2))
        }
    }

    @Test("may have fields and causes that this reader does not know")
    func laterFields() throws {
        let gap = Message().number(1, 3).number(2, 4).number(7, 99).number(8, 1)
        let message = Message().fixed64(1, 1).number(5, 5).number(6, 5).number(7, 1).number(8, 1).message(15, gap)
            .number(16, 7).text(17, "later")
        let header = try FrameHeader(decoding: HandMade.header(message.bytes))
        #expect(header.stream == StreamID(high: 1, low: 0))
        #expect(header.gaps.map(\.cause) == [.unknown])
        #expect(header.isEndMark)
    }

    @Test("is refused where its fields make no sense")
    func senseless() {
        let valid = Message().number(7, 1).number(8, 1)
        let cases: [(Message, String)] = [
            (valid, "stream"),
            (Message().fixed64(1, 1).number(5, 2).number(6, 1).number(7, 1).number(8, 1), "first"),
            (Message().fixed64(1, 1).number(8, 1), "part"),
            (Message().fixed64(1, 1).number(7, 3).number(8, 2), "part"),
            (valid.fixed64(1, 1).number(13, 5), "raw_length"),
            (valid.fixed64(1, 1).message(15, Message().number(1, 2)), "gaps.first"),
        ]
        for (message, field) in cases {
            var thrown: BatchError?
            do { _ = try FrameHeader(decoding: HandMade.header(message.bytes)) } catch { thrown = error }
            guard case .headerField(field, _)? = thrown else {
                Issue.record("\(field): \(String(describing: thrown))")
                continue
            }
        }
    }

    @Test("with random bytes for a message is refused or read, never worse")
    func randomMessages() {
        var generator = SeededGenerator(seed: 7)
        var refused = 0
        for _ in 0..<5000 * scale {
            let length = Int.random(in: 0...60, using: &generator)
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            do { _ = try FrameHeader(decoding: HandMade.header(bytes)) } catch { refused += 1 }
        }
        #expect(refused > 4000 * scale)
    }
}

extension FrameHeader {
    static func random(using generator: inout SeededGenerator) -> FrameHeader {
        let first = UInt64.edge(using: &generator) / 2
        var header = FrameHeader(
            stream: StreamID(high: .random(in: 1 ... .max, using: &generator), low: .edge(using: &generator)),
            first: first, last: first + .edge(using: &generator) / 2)
        if .random(using: &generator) { header.previousStream = StreamID(high: 7, low: .edge(using: &generator)) }
        header.parts = .random(in: 1...9, using: &generator)
        header.part = .random(in: 1...header.parts, using: &generator)
        header.startTime = .edge(using: &generator)
        header.endTime = .edge(using: &generator)
        header.rows = .edge(using: &generator)
        header.points = .edge(using: &generator)
        header.payloadLength = .edge(using: &generator)
        header.rawLength = header.payloadLength == 0 ? 0 : max(1, .edge(using: &generator))
        for cause in Gap.Cause.allCases where .random(using: &generator) {
            let first = UInt64.edge(using: &generator) / 2
            header.gaps.append(
                Gap(
                    first: first, last: first + .edge(using: &generator) / 2, batches: .edge(using: &generator),
                    rows: .edge(using: &generator), startTime: .edge(using: &generator),
                    endTime: .edge(using: &generator), cause: cause))
        }
        return header
    }
}
