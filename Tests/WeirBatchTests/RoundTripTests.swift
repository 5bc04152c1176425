internal import Testing
internal import WeirBatch

@Suite("What is written is read back equal")
struct RoundTripTests {
    @Test("random batches of every aggregation", arguments: 1...UInt64(8))
    func randomBatches(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var encoder = try BatchEncoder(level: seed == 1 ? -1 : 1)
        for _ in 0..<20 * scale {
            var file = BatchFile()
            for _ in 0..<4 { try file.append(.random(using: &generator), with: &encoder) }
            file.end()
            try expectWhole(file)
        }
    }

    private func expectWhole(_ file: BatchFile) throws {
        let items = try Array(reading: file.bytes)
        #expect(items.count == file.frames.count + 1)
        for (item, (header, batch)) in zip(items, file.frames) {
            let frame = try #require(item.frame)
            #expect(frame.header == header)
            #expect(try frame.batch() == batch)
        }
        #expect(try #require(items.last?.endMark).header.last == UInt64(file.frames.count))
    }

    @Test("every aggregation with both numbers, each alone")
    func everyAggregation() throws {
        var generator = SeededGenerator(seed: 1)
        for aggregation in ViewColumns.Aggregation.allCases {
            for number in ViewColumns.Number.allCases {
                var batch = Batch()
                batch.strings.append("only")
                var view = ViewColumns.random(aggregation, rows: 33, strings: 1, using: &generator)
                while view.number != number {
                    view = .random(aggregation, rows: 33, strings: 1, using: &generator)
                }
                batch.views = [view]
                #expect(try coded(batch) == batch)
            }
        }
    }

    @Test("an empty batch")
    func emptyBatch() throws {
        #expect(try coded(Batch()) == Batch())
    }

    @Test("views without rows, with and without tag keys")
    func emptyViews() throws {
        var generator = SeededGenerator(seed: 2)
        var batch = Batch()
        batch.views = ViewColumns.Aggregation.allCases.map {
            .random($0, rows: 0, strings: 0, using: &generator)
        }
        #expect(try coded(batch) == batch)
    }

    @Test("strings of a megabyte, and a hundred thousand of them")
    func hugeStrings() throws {
        var batch = Batch()
        let huge = String(repeating: "weir 🏞️ ", count: 100_000)
        batch.resource = [.init(key: huge, value: huge)]
        batch.strings.append(huge)
        for number in 0..<100_000 { batch.strings.append("value-\(number)") }
        var view = ViewColumns()
        view.name = huge
        view.tagKeys = [huge]
        view.rows = 100_001
        view.tagValues = Array(1...100_001)
        view.startTimes = Array(repeating: 7, count: 100_001)
        view.integers = (0..<100_001).map { $0 }
        batch.views = [view]
        #expect(try coded(batch) == batch)
    }

    @Test("the bits of doubles, NaN included")
    func doubleBits() throws {
        let bits: [UInt64] = [0x7FF8_0000_0000_0001, 0xFFF0_0000_0000_0001, 0x8000_0000_0000_0000, 1]
        var batch = Batch()
        batch.views = [.count(rows: bits.count)]
        batch.views[0].aggregation = .lastValue
        batch.views[0].number = .double
        batch.views[0].integers = []
        batch.views[0].doubles = bits.map(Double.init(bitPattern:))
        #expect(try coded(batch).views[0].doubles.map(\.bitPattern) == bits)
    }

    @Test("a zero byte in a name is written otherwise, for the wire would end there, and as nothing else is")
    func zeroByte() throws {
        var batch = Batch()
        batch.strings.append("a\0b")
        batch.views = [.count(rows: 0)]
        batch.views[0].name = "c\0d"
        let read = try coded(batch)
        #expect(read.strings[0] == "a␀0b")
        #expect(read.views[0].name == "c\u{FFFD}d")
        // Read, merged and written again it stays as it is.
        var table = StringTable()
        #expect(table.add(read.strings) == [0, 1])
        #expect(table == read.strings)
    }

    @Test("tag values that differ are written differently, whatever zero bytes and signs for them they have")
    func zeroBytes() {
        let parts = ["", "\0", "␀", "0", "␀0", "\u{FFFD}", "\u{2401}", "a"]
        var written: [String: String] = [:]
        for one in parts {
            for two in parts {
                for three in parts {
                    let value = one + two + three
                    var table = StringTable()
                    table.append(value)
                    #expect(!table.bytes.dropLast().contains(0))
                    #expect(written[table[0], default: value] == value, "\(value.debugDescription)")
                    written[table[0]] = value
                }
            }
        }
    }

    @Test("equal start times cost nothing a row, and differing ones come back")
    func startTimes() throws {
        var together = Batch()
        together.views = [.count(rows: 10_000)]
        var apart = together
        apart.views[0].startTimes[9999] += 1
        var encoder = try BatchEncoder()
        let cheap = try encoder.encode(together).rawLength
        let dear = try encoder.encode(apart).rawLength
        #expect(cheap + 10_000 <= dear)
        #expect(cheap < 10_100)
        #expect(try coded(apart) == apart)
    }

    @Test("a payload knows what is in it")
    func payload() throws {
        var batch = Batch()
        (batch.startTime, batch.endTime) = (3, 5)
        batch.views = [.count(rows: 4), .count(rows: 6)]
        var encoder = try BatchEncoder()
        let payload = try encoder.encode(batch)
        #expect((payload.rows, payload.points, payload.startTime, payload.endTime) == (10, 10, 3, 5))
    }

    private func coded(_ batch: Batch) throws -> Batch {
        var encoder = try BatchEncoder()
        var file = BatchFile()
        try file.append(batch, with: &encoder)
        let items = try Array(reading: file.bytes)
        #expect(items.count == 1)
        return try #require(items.first?.frame).batch()
    }
}

extension ViewColumns {
    /// Rows that count 0, 1, 2 …
    static func count(rows: Int) -> ViewColumns {
        var view = ViewColumns()
        view.name = "view"
        view.rows = rows
        view.startTimes = Array(repeating: 1_700_000_000_000_000_000, count: rows)
        view.integers = (0..<Int64(rows)).map { $0 % 50 }
        return view
    }
}
