internal import Testing
internal import WeirBatch
internal import WeirTestSupport

@Suite("A batch that is too large for one payload")
struct BatchPartsTests {
    /// Batches with many rows and tags that do not compress.
    private func batch(rows: Int, views: Int = 3, wordsPerTag: Int = 2, seed: UInt64 = 1) -> Batch {
        var generator = SeededGenerator(seed: seed)
        var builder = BatchBuilder(start: 10, end: 20, resource: [("service.name", "large")])
        for number in 0..<views {
            builder.view("v\(number)", .sum, keys: ["k", "l"]) { builder in
                for row in 0..<rows {
                    let tag = (0..<wordsPerTag).map { _ in String(generator.next(), radix: 36) }.joined()
                    let other = row % 3 == 0 ? nil : "\(row % 7)"
                    builder.row([tag, other], start: 5, Int64.random(in: 0...9, using: &generator))
                }
            }
        }
        builder.view("empty", .count) { _ in }
        return builder.batch
    }

    /// Every row in words, so that those of the parts can be compared with those of the whole.
    private func rows(_ batch: Batch) -> [String] { batch.rowsInWords(namesViews: true) }

    private func decoded(_ payloads: [Payload]) throws -> [Batch] {
        var decoder = try BatchDecoder()
        return try payloads.map { payload in
            let header = FrameHeader(stream: StreamID(high: 1, low: 1), first: 1, last: 1, payload: payload)
            return try decoder.decode(payload.bytes, header: header)
        }
    }

    @Test("its parts hold each row once, in order, with the strings that they need, and none is too large")
    func parts() throws {
        let batch = batch(rows: 3_000)
        var encoder = try BatchEncoder()
        var estimate = LengthEstimate()
        let whole = try encoder.encode(batch)
        // From an estimate that knows nothing, and from one that has learnt.
        for limit in [whole.bytes.count / 2, whole.bytes.count / 3, whole.bytes.count / 7, 20_000] {
            let payloads = try encoder.encode(batch, upTo: limit, &estimate)
            #expect(payloads.count > whole.bytes.count / limit)
            #expect(payloads.count < 2 * whole.bytes.count / limit + 3)
            #expect(payloads.allSatisfy { $0.bytes.count <= limit && $0.startTime == 10 && $0.endTime == 20 })
            let parts = try decoded(payloads)
            #expect(parts.flatMap(rows) == rows(batch))
            #expect(parts.allSatisfy { $0.resource == batch.resource && $0.rows > 0 })
            #expect(parts.reduce(0) { $0 + $1.strings.count } < batch.strings.count + 7 * parts.count)
            #expect(parts.filter { $0.views.contains { $0.name == "empty" } }.count == 1)
        }
    }

    @Test("what receivers commonly take holds for a batch of long tags")
    func real() throws {
        let batch = batch(rows: 20_000, views: 2, wordsPerTag: 16)
        var encoder = try BatchEncoder()
        var estimate = LengthEstimate()
        let payloads = try encoder.encode(batch, upTo: BatchEncoder.partLength, &estimate)
        #expect((2...4).contains(payloads.count))
        #expect(payloads.allSatisfy { $0.bytes.count <= BatchEncoder.partLength })
        #expect(payloads.reduce(0) { $0 + $1.rows } == 40_000)
    }

    @Test("one of ordinary size is one payload, byte for byte what it always was")
    func ordinary() throws {
        let batch = batch(rows: 100)
        var encoder = try BatchEncoder()
        var estimate = LengthEstimate()
        let whole = try encoder.encode(batch)
        for _ in 0..<3 {
            let payloads = try encoder.encode(batch, upTo: BatchEncoder.partLength, &estimate)
            #expect(payloads.map(\.bytes) == [whole.bytes])
        }
        let small = try encoder.encode(Batch(), upTo: 1, &estimate)
        #expect(small.count == 1)
    }

    @Test("a row that is too large for a part is a part of its own")
    func largeRow() throws {
        var builder = BatchBuilder(start: 10, end: 20)
        var generator = SeededGenerator(seed: 4)
        builder.view("v", .sum, keys: ["k"]) { builder in
            for row in 0..<5 {
                let tag = (0..<(row == 2 ? 500 : 1)).map { _ in String(generator.next(), radix: 36) }.joined()
                builder.row([tag], start: 5, Int64(row))
            }
        }
        var encoder = try BatchEncoder()
        var estimate = LengthEstimate()
        let payloads = try encoder.encode(builder.batch, upTo: 400, &estimate)
        let parts = try decoded(payloads)
        #expect(parts.flatMap(rows) == rows(builder.batch))
        #expect(payloads.filter { $0.bytes.count > 400 }.map(\.rows) == [1])
    }

    @Test("every kind of column is cut", arguments: ViewColumns.Aggregation.allCases)
    func columns(aggregation: ViewColumns.Aggregation) throws {
        for seed in 0..<UInt64(5 * scale) {
            var generator = SeededGenerator(seed: seed)
            var batch = Batch()
            for number in 0..<40 { batch.strings.append("string \(number)") }
            batch.views = (0..<3).map { _ in
                .random(aggregation, rows: 50, strings: 40, using: &generator)
            }
            var encoder = try BatchEncoder()
            var estimate = LengthEstimate()
            let whole = try encoder.encode(batch)
            let parts = try decoded(encoder.encode(batch, upTo: whole.bytes.count / 4, &estimate))
            #expect(parts.count > 3)
            for view in batch.views {
                var sewn: ViewColumns?
                var strings = StringTable()
                for part in parts {
                    let values = strings.add(part.strings)
                    for piece in part.views where piece.name == view.name && piece.measure == view.measure {
                        if sewn == nil { sewn = piece.withoutRows }
                        sewn?.append(piece, values: values)
                    }
                }
                var expected = view.withoutRows
                expected.append(view, values: strings.add(batch.strings))
                #expect(sewn?.bits == expected.bits)
            }
        }
    }

    @Test("a row that is too long by itself is left out, and all others are told", arguments: [1, 2, 40])
    func oversized(rows: Int) throws {
        var limits = ReadLimits()
        limits.rawLength = 40_000
        var encoder = try BatchEncoder(limits: limits)
        var estimate = LengthEstimate()
        for place in [0, rows / 2, rows - 1] {
            var builder = BatchBuilder(start: 10, end: 20, resource: [("service.name", "large")])
            builder.view("v", .sum, keys: ["k"]) { builder in
                for row in 0..<rows {
                    let (tag, count) = row == place ? ("x", 50_000) : ("y\(row)", 1_000)
                    builder.row([String(repeating: tag, count: count)], start: 5, Int64(row))
                }
            }
            builder.view("other", .sum, keys: ["k"]) { $0.row(["a"], start: 5, 7) }
            #expect(throws: BatchError.self) { try encoder.encode(builder.batch, upTo: 1 << 20, &estimate) }
            var leftOut: [OversizedRow]? = []
            let parts = try decoded(encoder.encode(builder.batch, upTo: 1 << 20, &estimate, leavingOut: &leftOut))
            #expect(leftOut?.map(\.view) == ["v"])
            let told = parts.flatMap { $0.views }.filter { $0.name == "v" }.flatMap(\.integers)
            #expect(told == (0..<rows).filter { $0 != place }.map { Int64($0) })
            #expect(parts.flatMap { $0.views }.filter { $0.name == "other" }.flatMap(\.integers) == [7])
        }
    }

    @Test("a batch none of whose rows can be told still tells its time")
    func allOversized() throws {
        var limits = ReadLimits()
        limits.rawLength = 4_000
        var encoder = try BatchEncoder(limits: limits)
        var estimate = LengthEstimate()
        for rows in [1, 3] {
            var builder = BatchBuilder(start: 10, end: 20, resource: [("service.name", "large")])
            builder.view("v", .sum, keys: ["k"]) { builder in
                for row in 0..<rows { builder.row([String(repeating: "\(row)", count: 5_000)], start: 5, 1) }
            }
            var leftOut: [OversizedRow]? = []
            let parts = try decoded(encoder.encode(builder.batch, upTo: 1 << 20, &estimate, leavingOut: &leftOut))
            #expect(parts.map(\.endTime) == [20] && parts[0].rows == 0 && parts[0].strings.count == 0)
            #expect(leftOut?.count == rows)
        }
    }
}

extension ViewColumns {
    /// NaN equals nothing, not even itself: as text it does. Columns that may be left out where they say nothing are.
    fileprivate var bits: String {
        var view = self
        if !view.endTimes.contains(where: { $0 != 0 }) { view.endTimes = [] }
        if view.positive.counts.isEmpty { view.positive.lengths = [] }
        if view.negative.counts.isEmpty { view.negative.lengths = [] }
        return "\(view)"
    }
}
