internal import Testing
internal import WeirBatch

/// Input made to hurt: what it may cost is bounded, and it is refused for what it is.
@Suite("Hostile input")
struct HostileTests {
    @Test("that says it is small and is not, is stopped at what it said")
    func lyingBomb() throws {
        // 64 KiB that become 2 GiB.
        let bomb = HandMade.bomb(blocks: 16_384, declaring: 1000)
        let frame = try #require(try Array(reading: bomb).first?.headless)
        #expect(throws: BatchError.compression("Destination buffer is too small")) { try frame.batches() }
    }

    @Test("that says how large it is, is refused by that")
    func honestBomb() throws {
        let bomb = HandMade.bomb(blocks: 16_384, declaring: 1 << 31)
        let frame = try #require(try Array(reading: bomb).first?.headless)
        #expect(throws: BatchError.tooLong(.raw, limit: 64 << 20, found: 1 << 31)) { try frame.batches() }
    }

    @Test("that does not say how large it is, is stopped at the limit")
    func silentBomb() throws {
        var limits = ReadLimits()
        limits.rawLength = 1 << 20
        let bomb = HandMade.bomb(blocks: 16_384, declaring: nil)
        let frame = try #require(try Array(reading: bomb, limits: limits).first?.headless)
        let error = #expect(throws: BatchError.self) { try frame.batches() }
        guard case .tooLong(.raw, 1_048_576, let found)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(found <= 1_048_576 + 128 << 10)
    }

    @Test("with lengths past the limits is passed over by them")
    func lengths() throws {
        let file = try BatchFile.sample(seed: 31)
        var header = file.frames[0].header
        header.payloadLength = 1 << 40
        let payload = try file.payloads()[0]
        for reader in try readers(of: header.encoded() + payload + file.bytes) {
            let items = try reader.rest()
            let damage = try #require(items.first?.damage)
            #expect(damage.reason == .tooLong(.payload, limit: 64 << 20, found: 1 << 40))
            #expect(damage.lost == header)
            #expect(items.compactMap(\.frame).count == 3)
        }
        header.payloadLength = UInt64(payload.count)
        header.rawLength = .max
        for reader in try readers(of: header.encoded() + payload + file.bytes) {
            let items = try reader.rest()
            #expect(items.first?.damage?.reason == .tooLong(.raw, limit: 64 << 20, found: .max))
            #expect(items.compactMap(\.frame).count == 3)
        }
        for reader in try readers(of: HandMade.skippable(Array("WEIR".utf8), declaring: .max) + file.bytes) {
            let items = try reader.rest()
            #expect(items.first?.damage?.reason == .tooLong(.header, limit: 64 << 10, found: 8 + UInt64(UInt32.max)))
            #expect(items.compactMap(\.frame).count == 3)
        }
    }

    @Test("with a header that contradicts its batch is refused", arguments: ["rows", "points", "start", "end", "raw"])
    func contradictions(field: String) throws {
        let file = try BatchFile.sample(seed: 32)
        var header = file.frames[0].header
        switch field {
        case "rows": header.rows += 1
        case "points": header.points += 1
        case "start": header.startTime &+= 1
        case "end": header.endTime &+= 1
        default: header.rawLength += 1
        }
        let frame = try #require(try Array(reading: header.encoded() + file.payloads()[0]).first?.frame)
        let error = #expect(throws: BatchError.self) { try frame.batch() }
        switch error {
        case .headerDisagrees, .rawLength: break
        default: Issue.record("\(field): \(String(describing: error))")
        }
    }

    @Test("whose payload carries no checksum behind a header is refused")
    func noChecksum() throws {
        let frame = HandMade.zstdFrame(Message.batch(views: []).bytes)
        var header = FrameHeader(stream: StreamID(high: 1, low: 1), first: 1, last: 1)
        header.payloadLength = UInt64(frame.count)
        header.rawLength = UInt64(Message.batch(views: []).bytes.count)
        let found = try #require(try Array(reading: header.encoded() + frame).first?.frame)
        #expect(throws: BatchError.noContentChecksum) { try found.batch() }
    }

    @Test("messages whose columns lie are refused for what is wrong with them", arguments: LyingMessage.all)
    func lyingMessages(message: LyingMessage) throws {
        let items = try Array(reading: HandMade.zstdFrame(message.message.bytes))
        let frame = try #require(items.first?.headless)
        var thrown: BatchError?
        do { _ = try frame.batches() } catch { thrown = error }
        #expect(thrown == message.error)
    }

    @Test("that asks for much memory in few bytes gets no more than its budget")
    func amplification() throws {
        // Two bytes a view, some four hundred in memory.
        let message = Message.batch(views: Array(repeating: Message(), count: 20_000))
        var limits = ReadLimits()
        limits.unpackedLength = 1 << 20
        let frame = try #require(try Array(reading: HandMade.zstdFrame(message.bytes), limits: limits).first?.headless)
        #expect(throws: BatchError.malformed(message: "Batches")) { try frame.batches() }
    }

    @Test("is refused at any budget that is too small, and read with one that is not")
    func everyBudget() throws {
        let file = try BatchFile.sample(seed: 33)
        var refused = 0
        var read = 0
        for budget in stride(from: 0, to: 40_000, by: 16) {
            var limits = ReadLimits()
            limits.unpackedLength = budget
            for item in try Array(reading: file.bytes, limits: limits) {
                guard let frame = item.frame else { continue }
                do {
                    let batch = try frame.batch()
                    #expect(file.frames.contains { $0.batch == batch })
                    read += 1
                } catch {
                    #expect(error == .malformed(message: "Batches"))
                    refused += 1
                }
            }
        }
        #expect(refused > 100)
        #expect(read > 100)
    }

    @Test("messages with any one byte changed, missing or doubled are refused or hold together")
    func changedMessages() throws {
        var generator = SeededGenerator(seed: 34)
        var refused = 0
        for _ in 0..<2 * scale {
            let file = try BatchFile.sample(seed: generator.next())
            for message in try Array(reading: file.bytes).compactMap({ try $0.frame?.message() }) {
                for position in message.indices {
                    var changed = message
                    switch Int.random(in: 0...3, using: &generator) {
                    case 0: changed[position] ^= 0xFF
                    case 1: changed[position] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                    case 2: changed.remove(at: position)
                    default: changed.insert(changed[position], at: position)
                    }
                    do { try expectSound(changed) } catch is BatchError { refused += 1 }
                }
            }
        }
        #expect(refused > 100)
    }

    /// What is read can be written again and comes back the same: no column is out of step.
    private func expectSound(_ message: [UInt8]) throws {
        let frame = try #require(try Array(reading: HandMade.zstdFrame(message)).first?.headless)
        for batch in try frame.batches() {
            var encoder = try BatchEncoder()
            let payload = try encoder.encode(batch)
            let again = try Array(reading: payload.bytes).first?.headless?.batches()
            let isEqual = again == [batch] || batch.holdsNaN
            #expect(isEqual)
        }
    }

    @Test("strings that are not UTF-8 are repaired")
    func repairs() throws {
        let bad: [UInt8] = [0x61, 0xFF, 0xC3, 0x62]
        let view = Message().bytes(1, bad).number(5, 1).number(6, 1).number(7, 1).bytes(9, bad)
        let batch = Message().number(1, 1).bytes(5, bad).message(6, view)
        let frame = HandMade.zstdFrame(Message().message(1, batch).bytes)
        let read = try #require(try Array(reading: frame).first?.headless?.batches().first)
        #expect(read.strings[0] == "a\u{FFFD}\u{FFFD}b")
        #expect(read.strings.bytes == Array("a\u{FFFD}\u{FFFD}b\0".utf8))
        #expect(read.views[0].name == "a\u{FFFD}\u{FFFD}b")
        #expect(read.views[0].tagKeys == ["a\u{FFFD}\u{FFFD}b"])
    }

    @Test("fields of a later version are passed over")
    func laterFields() throws {
        let view = Message.view(1, rows: 1).packed(18, [2]).number(99, 5).text(100, "later")
        let message = Message.batch(views: [view]).text(9, "later").fixed64(10, 1)
        let read = try #require(try Array(reading: HandMade.zstdFrame(message.bytes)).first?.headless?.batches().first)
        #expect(read.views[0].integers == [1])
    }
}

/// A message that protobuf accepts and no honest writer writes.
struct LyingMessage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let message: Message
    let error: BatchError

    init(_ name: String, _ view: Message, strings: [String] = [], _ error: BatchError) {
        testDescription = name
        message = .batch(strings: strings, views: [view])
        self.error = error
    }

    init(_ name: String, _ batch: Message, error: BatchError) {
        testDescription = name
        message = Message().message(1, batch)
        self.error = error
    }

    static let all: [LyingMessage] = [
        .init(
            "four-billion-rows", .view(1, rows: 4_294_967_295),
            .columnLength(view: "view", column: "values", expected: 4_294_967_295, found: 0)),
        .init(
            "rows-times-keys", .view(1, rows: 2, tagKeys: 3).packed(14, [0]).packed(18, [0, 0]),
            .columnLength(view: "view", column: "tag_values", expected: 6, found: 1)),
        .init(
            "tag-value", .view(1, rows: 1, tagKeys: 1).packed(14, [3]).packed(18, [0]), strings: ["a", "b"],
            .tagValue(view: "view", strings: 2, found: 3)),
        .init(
            "start-deltas", .view(1, rows: 1).packed(16, [0, 0]).packed(18, [0]),
            .columnLength(view: "view", column: "start_times", expected: 1, found: 2)),
        .init(
            "bucket-counts", .view(4, rows: 2, bounds: 2).packed(18, [0, 0]).packed(20, [1, 2, 3, 4, 5]),
            .columnLength(view: "view", column: "bucket_counts", expected: 6, found: 5)),
        .init(
            "bucket-count-overflow",
            .view(4, rows: 1, bounds: 1).packed(18, [0]).packed(20, [.max - 1, 5]), .countOverflow(view: "view", row: 0)
        ),
        .init(
            "exponential-lengths",
            .view(5, rows: 1).packed(18, [0]).packed(24, [0]).packed(25, [4_294_967_295]).packed(26, [0])
                .packed(27, [0]),
            .columnLength(view: "view", column: "positive_indexes", expected: 4_294_967_295, found: 1)),
        .init(
            "exponential-overflow",
            .view(5, rows: 1).packed(18, [0]).packed(24, [1 << 62]).packed(25, [1]).packed(26, [0])
                .packed(27, [1 << 62]),
            .countOverflow(view: "view", row: 0)),
        .init(
            "exponential-descending",
            .view(5, rows: 1).packed(18, [0]).packed(24, [0]).packed(28, [2]).packed(29, [8, 1]).packed(30, [1, 1]),
            .notAscending(view: "view", column: "negative_indexes", position: 1)),
        .init(
            "scale", .view(5, rows: 1).packed(18, [0]).packed(24, [0]).number(12, 4000),
            .unknownValue(view: "view", field: "scale", found: 2000)),
        .init(
            "aggregation", .view(6, rows: 0), .unknownValue(view: "view", field: "aggregation", found: 6)),
        .init(
            "inclusive-bound", .view(4, rows: 0).number(10, 2),
            .unknownValue(view: "view", field: "inclusive_bound", found: 2)),
        .init(
            "exemplar-columns", .view(1, rows: 1).packed(18, [0]).packed(31, [0]),
            .columnLength(view: "view", column: "exemplar_values", expected: 1, found: 0)),
        .init(
            "exemplar-row", .view(1, rows: 1).packed(18, [0]).exemplars(rows: [1], tagCounts: [0]),
            .exemplarRow(view: "view", rows: 1, found: 1)),
        .init(
            "exemplar-rows-descending",
            .view(1, rows: 2).packed(18, [0, 0]).exemplars(rows: [1, 0], tagCounts: [0, 0]),
            .notAscending(view: "view", column: "exemplar_rows", position: 1)),
        .init(
            "exemplar-tag-counts",
            .view(1, rows: 1).packed(18, [0]).exemplars(rows: [0], tagCounts: [4_294_967_295]).packed(38, [1]),
            .columnLength(view: "view", column: "exemplar_tag_keys", expected: 4_294_967_295, found: 1)),
        .init(
            "exemplar-tag-key",
            .view(1, rows: 1).packed(18, [0]).exemplars(rows: [0], tagCounts: [1]).packed(38, [0]).packed(39, [1]),
            strings: ["a"], .tagValue(view: "view", strings: 1, found: 0)),
        .init(
            "exemplar-tag-value",
            .view(1, rows: 1).packed(18, [0]).exemplars(rows: [0], tagCounts: [1]).packed(38, [1]).packed(39, [2]),
            strings: ["a"], .tagValue(view: "view", strings: 1, found: 2)),
        .init("later-version", Message().number(1, 2), error: .version(known: 1, found: 2)),
    ]
}

extension Batch {
    /// Equality says nothing about these.
    fileprivate var holdsNaN: Bool {
        views.contains { view in
            (view.doubles + view.minima + view.maxima + view.squares + view.exemplars.values).contains { $0.isNaN }
        }
    }
}
