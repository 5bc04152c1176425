internal import Testing
internal import WeirBatch

/// Damage of any kind: the reader goes on, what it returns is what was written, and what is missing is reported.
@Suite("Damage")
struct DamageTests {
    private let file: BatchFile

    /// All bits, the lowest, and at full scale each other one.
    private static let patterns: [UInt8] = [0xFF, 0x01] + (scale > 1 ? (1..<8).map { 1 << $0 } : [])

    init() throws {
        file = try .sample(seed: 21)
    }

    @Test(
        "to any one byte costs at most the frame it is in, and shows", arguments: patterns)
    func flips(pattern: UInt8) throws {
        for position in file.bytes.indices {
            var bytes = file.bytes
            bytes[position] ^= pattern
            let hit = file.boundaries.firstIndex { position < $0 }!
            for reader in try readers(of: bytes) {
                let found = try Findings(reader)
                let expected = file.frames.indices.filter { $0 != hit }
                try #require(expected.allSatisfy { found.intact.contains(file.frames[$0].header.first) }, "\(position)")
                try #require(found.areTrue(to: file), "\(position)")
                // zstd has bits that mean nothing, and an end mark is missed by whoever looks for it.
                let isHitWhole = hit < 3 ? found.intact.contains(UInt64(hit + 1)) : !found.sawEnd
                try #require(found.isReported || isHitWhole, "\(position)")
            }
        }
    }

    @Test("that takes bytes away or puts bytes in costs at most the frame it is in, and shows")
    func cutsAndInsertions() throws {
        var generator = SeededGenerator(seed: 22)
        for _ in 0..<500 * scale {
            let position = Int.random(in: file.bytes.indices, using: &generator)
            let hit = file.boundaries.firstIndex { position < $0 }!
            let end = file.boundaries[hit]
            var bytes = file.bytes
            if .random(using: &generator) {
                bytes.removeSubrange(position..<Int.random(in: position + 1...end, using: &generator))
            } else {
                bytes.insert(
                    contentsOf: [0x55] + (0..<Int.random(in: 0...300, using: &generator)).map { _ in 7 }, at: position)
            }
            for reader in try readers(of: bytes) {
                let found = try Findings(reader)
                let expected = file.frames.indices.filter { $0 != hit }
                #expect(expected.allSatisfy { found.intact.contains(file.frames[$0].header.first) }, "\(position)")
                #expect(found.areTrue(to: file))
                let isWholeFrameGone =
                    bytes.count < file.bytes.count && file.bytes.starts(with: bytes[..<position])
                    && file.bytes.suffix(bytes.count - position) == bytes[position...]
                #expect(found.isReported || isWholeFrameGone)
            }
        }
    }

    @Test("by a torn frame with a good file behind it costs that frame only, and its header says what was lost")
    func tornThenWhole() throws {
        let other = try BatchFile.sample(seed: 23)
        let last = file.frames[2].header
        let start = file.boundaries[1]
        for cut in start + last.encoded().count..<file.boundaries[2] {
            for reader in try readers(of: Array(file.bytes[..<cut]) + other.bytes) {
                var written = (file.frames + other.frames)[...]
                while let item = try reader.next() {
                    guard let frame = item.frame else { continue }
                    let next = try #require(written.first)
                    written.removeFirst()
                    try #require(frame.header == next.header, "cut at \(cut)")
                    if frame.header == last {
                        #expect(throws: BatchError.self) { try frame.batch() }
                    } else {
                        #expect(try frame.batch() == next.batch)
                    }
                }
                #expect(written.isEmpty)
            }
        }
    }

    @Test("by bytes between frames is passed over, and says how many")
    func bytesBetween() throws {
        let garbage = Array("Not a frame, however much W*M\u{18} and WEIR it holds. W*M\u{18}\0\0\0\0WEIR".utf8)
        let cut = file.boundaries[0]
        let bytes = Array(file.bytes[..<cut]) + garbage + file.bytes[cut...]
        for reader in try readers(of: bytes) {
            let items = try reader.rest()
            let damage = try #require(items.compactMap(\.damage).first)
            #expect(items.compactMap(\.damage).count == 1)
            #expect(damage.offset == UInt64(cut) && damage.length == UInt64(garbage.count))
            #expect(damage.reason == .unexpectedBytes && damage.lost == nil)
            #expect(items.compactMap(\.frame).count == 3)
        }
    }

    @Test("in a growing file is passed over once, and what comes behind is read")
    func growing() throws {
        let source = MemorySource(Array("garbage".utf8))
        let reader = try BatchReader(source)
        #expect(try #require(reader.next(following: true)?.damage).length == 7)
        #expect(try reader.next(following: true) == nil)
        // A header that begins in what looks like garbage is not lost.
        source.append(Array("more".utf8) + file.bytes[..<9])
        #expect(try #require(reader.next(following: true)?.damage).length == 4)
        #expect(try reader.next(following: true) == nil)
        source.append(file.bytes[9...])
        #expect(try reader.rest().compactMap(\.frame).map(\.header) == file.frames.map(\.header))
    }

    @Test("random bytes are read to the end and hold nothing")
    func randomBytes() throws {
        var generator = SeededGenerator(seed: 24)
        for length in [1, 3, 4, 7, 8, 12, 13, 100, 100_000] {
            for _ in 0..<5 * scale {
                let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
                for reader in try readers(of: bytes) {
                    let items = try reader.rest()
                    #expect(items.count == 1)
                    #expect(try #require(items.first?.damage).length == UInt64(length))
                    #expect(reader.offset == UInt64(length))
                }
            }
        }
    }

    @Test("of many kinds at once is read to the end, and what comes back is true")
    func shuffledPieces() throws {
        var generator = SeededGenerator(seed: 25)
        for _ in 0..<300 * scale {
            let pieces = (0..<8).map { _ in
                let start = Int.random(in: file.bytes.indices, using: &generator)
                return file.bytes[start..<Int.random(in: start...file.bytes.count, using: &generator)]
            }
            for reader in try readers(of: Array(pieces.joined())) {
                #expect(try Findings(reader).areTrue(to: file))
            }
        }
    }
}

/// What a reader made of a damaged file.
private struct Findings {
    /// Numbers of the batches that came back with their headers.
    private(set) var intact: Set<UInt64> = []
    private var batches: [(FrameHeader?, Batch)] = []
    private(set) var sawEnd = false
    private(set) var isReported = false
    private var coversAll = true

    init(_ reader: BatchReader) throws(BatchError) {
        var end: UInt64 = 0
        while let item = try reader.next() {
            switch item {
            case .frame(let frame):
                do {
                    batches.append((frame.header, try frame.batch()))
                    intact.insert(frame.header.first)
                } catch {
                    isReported = true
                    coversAll = coversAll && frame.damage(error).lost == frame.header
                }
            case .headless(let frame):
                isReported = true
                do { batches += try frame.batches().map { (nil, $0) } } catch {}
            case .endMark: sawEnd = true
            case .damage(let damage):
                isReported = true
                coversAll = coversAll && damage.offset >= end && damage.length > 0
                coversAll = coversAll && damage.offset + damage.length == reader.offset
            }
            // Only a frame whose payload turns out to hold another's header is gone back into.
            end = item.frame == nil ? reader.offset : item.frame!.offset + 1
            coversAll = coversAll && reader.offset >= end
        }
    }

    /// Whether nothing came back that was not written, and no byte was looked at twice.
    func areTrue(to file: BatchFile) -> Bool {
        coversAll
            && batches.allSatisfy { found in
                file.frames.contains { (found.0 == nil || found.0 == $0.header) && $0.batch == found.1 }
            }
    }
}
