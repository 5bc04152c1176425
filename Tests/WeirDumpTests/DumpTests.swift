import Testing
import WeirBatch
import WeirDump
import WeirTestSupport

@Suite("Dumping batches")
struct DumpTests {
    private let second = ShopBatches.second

    /// What is printed of batches, taken as numbers 1, 2, … of one stream.
    private func dump(_ mode: DumpMode, _ batches: [Batch], selectors: [String] = []) throws -> String {
        let output = Output()
        var options = DumpOptions(operands: [])
        options.selection = Selection(try selectors.map { try Selector(parsing: $0) })
        var dump = Dump(options, mode: mode, output: output)
        for (index, batch) in batches.enumerated() {
            var header = ShopBatches.header(batch, UInt64(index) + 1)
            header.payloadLength = 100
            try dump.take(header) { batch }
        }
        dump.showTable()
        return output.collected
    }

    private func batch(_ seconds: UInt64, _ fill: (inout BatchBuilder) -> Void) -> Batch {
        var builder = BatchBuilder(start: (seconds - 10) * second, end: seconds * second)
        fill(&builder)
        return builder.batch
    }

    @Test("JSON keeps every digit of an integer beyond 2^53")
    func exactIntegers() throws {
        let batch = batch(100) {
            $0.view("n", .sum) { $0.row(start: 0, Int64.max) }
        }
        #expect(try dump(.latest(JSONFormat()), [batch]).contains("\"value\":9223372036854775807,"))
        #expect(try dump(.latest(OpenMetricsFormat()), [batch]).contains("n_total 9223372036854775807 100.000000000\n"))
    }

    @Test("numbers that JSON has no word for are strings")
    func notFinite() throws {
        let batch = batch(100) {
            $0.view("n", .lastValue, .double, keys: ["k"]) {
                for (key, value) in [("a", Double.nan), ("b", .infinity), ("c", -.infinity), ("d", -0.0)] {
                    $0.row([key], start: 0, double: value)
                }
            }
        }
        let lines = try dump(.latest(JSONFormat()), [batch]).split(separator: "\n")
        for (line, value) in zip(lines, ["\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "-0.0"]) {
            #expect(line.contains("\"value\":\(value),"))
        }
        #expect(lines.count == 4)
    }

    @Test("exemplars stand with their point, in JSON all of them, and the latest stay while no newer ones come")
    func exemplars() throws {
        func latency(_ seconds: UInt64, _ fill: (inout BatchBuilder.Rows) -> Void) -> Batch {
            batch(seconds) {
                $0.view("latency", .distribution, .double, unit: "s", keys: ["route"], bounds: [1]) {
                    $0.row(["/a"], start: 0, sum: 1, buckets: [3, 4])
                    fill(&$0)
                    $0.row(["/none"], start: 0, sum: 1, buckets: [3, 4])
                }
                $0.view("calls", .count, .double, unit: "s") { $0.row(start: 0, 7) }
            }
        }
        let first = latency(100) {
            $0.exemplar(0.25, time: 99 * second, span: 0xAB, tags: [("user", "a \"b\"\u{1B}"), ("id", "7")])
            $0.exemplar(12, time: 98 * second)
        }
        let later = latency(110) { _ in }
        let expected =
            #""exemplars":[{"value":0.25,"time":"1970-01-01T00:01:39.000000000Z","#
            + #""trace":"00000000000000ab00000000000000ab","span":"00000000000000ab","#
            + #""tags":{"user":"a \"b\"\u001b","id":"7"}},{"value":12.0,"time":"1970-01-01T00:01:38.000000000Z"}]"#
        for batches in [[first], [first, later]] {
            let lines = try dump(.latest(JSONFormat()), batches).split(separator: "\n")
            #expect(lines.count == 3 && lines[0].contains(expected))
            #expect(!lines[1].contains("exemplars") && !lines[2].contains("exemplars"))
        }
        let points = try dump(.batches(JSONFormat(), readsPoints: true), [first, later]).split(separator: "\n")
        #expect(points.filter { $0.contains("exemplars") } == [points[0]])
        let terminal = Terminal(hasColour: false)
        let table = try dump(.latest(TextTableFormat(terminal: terminal)), [first])
        // The greatest alone.
        #expect(table.contains("\n  route=/a  e.g. 12.0 s at 1970-01-01T00:01:38.000Z\n") && !table.contains("trace"))
        let text = try dump(.batches(TextBatchFormat(terminal: terminal), readsPoints: true), [first])
        #expect(
            text.contains(
                "\n        e.g. 250 ms at 1970-01-01T00:01:39.000Z  trace 00000000000000ab00000000000000ab "
                    + "span 00000000000000ab  user="))
        #expect(!text.contains("\u{1B}"))
    }

    @Test("deltas are added up and last values are not")
    func deltas() throws {
        let batches = (10...12).map { tens in
            batch(UInt64(tens) * 10) {
                $0.view("hits", .count, temporality: .delta) {
                    $0.row(start: UInt64(tens - 1) * 10 * second, Int64(tens))
                }
                $0.view("level", .lastValue, temporality: .delta) {
                    $0.row(start: UInt64(tens - 1) * 10 * second, Int64(tens))
                }
                $0.view("sizes", .distribution, .double, bounds: [1], temporality: .delta) {
                    $0.row(
                        start: UInt64(tens - 1) * 10 * second, sum: Double(tens), buckets: [1, UInt64(tens)],
                        range: Double(20 - tens)...Double(tens))
                }
            }
        }
        let lines = try dump(.latest(JSONFormat()), batches).split(separator: "\n")
        #expect(lines[0].contains(#""start":"1970-01-01T00:01:30.000000000Z","end":"1970-01-01T00:02:00.000000000Z""#))
        #expect(lines[0].contains("\"value\":33,"))
        #expect(lines[1].contains("\"value\":12,"))
        #expect(lines[2].contains(#""count":36,"sum":33.0,"min":8.0,"max":12.0,"bounds":[1.0],"buckets":[3,33]"#))
        let points = try dump(.batches(JSONFormat(), readsPoints: true), batches).split(separator: "\n")
        #expect(points.count == 9)
        #expect(points[3].contains("\"value\":11,"))
        let text = try dump(.latest(TextTableFormat(terminal: Terminal(hasColour: false))), batches)
        #expect(text.contains("1.10/s"))
    }

    @Test("a series keeps its identity when rows move, and an ended one that comes back counts on")
    func identity() throws {
        let rows: [[(String, UInt64, Int64)]] = [
            [("a", 0, 10), ("b", 0, 100)], [("b", 0, 110), ("c", 0, 7), ("a", 0, 20)], [("a", 0, 30), ("b", 115, 5)],
        ]
        let batches = rows.enumerated().map { index, rows in
            batch(100 + UInt64(index) * 10) {
                $0.view("n", .count, keys: ["k"]) { view in
                    for (key, start, value) in rows { view.row([key], start: start * second, value) }
                }
            }
        }
        let text = try dump(.latest(TextTableFormat(terminal: Terminal(hasColour: false))), batches)
        let lines = text.split(separator: "\n").suffix(3).map(String.init)
        // 20 more in 20 s; 10 more and then 5 since the new start; seen once, after 110 s of life.
        #expect(lines[0] == "  a     30    1.00/s")
        #expect(lines[1] == "  b      5   0.750/s")
        #expect(lines[2].hasPrefix("  c      7"))
        #expect(lines[2].hasSuffix("last seen 1970-01-01T00:01:50Z"))
    }

    @Test("a series that is in another part of its collection is not gone, and not before all parts have come")
    func parts() throws {
        let series = (0..<3).map { part in
            (100...110).map { seconds in
                batch(UInt64(seconds)) { $0.view("n", .count, keys: ["k"]) { $0.row(["\(part)"], start: 0, 7) } }
            }
        }
        let output = Output()
        let format = TextTableFormat(terminal: Terminal(hasColour: false))
        var dump = Dump(DumpOptions(operands: []), mode: .latest(format), output: output)
        func take(_ batch: Batch, _ number: UInt64, part: UInt32, of parts: UInt32) throws {
            var header = ShopBatches.header(batch, number)
            (header.part, header.parts, header.payloadLength) = (part, parts, 100)
            try dump.take(header) { batch }
        }
        for part in 0..<3 { try take(series[part][0], UInt64(part) + 1, part: UInt32(part) + 1, of: 3) }
        try take(series[0][10], 4, part: 1, of: 3)
        dump.showTable()
        #expect(output.collected.contains("  4 batches"))
        #expect(!output.collected.contains("last seen"))
        // The whole collection has two of them: the third is.
        try take(series[2][10], 5, part: 2, of: 3)
        let unchanged = Batch.rowless(like: series[1][10])
        try take(unchanged, 6, part: 3, of: 3)
        dump.showTable()
        let table = output.collected.split(separator: "\n").suffix(3)
        #expect(table.map { $0.contains("last seen 1970-01-01T00:01:40Z") } == [false, true, false])
    }

    @Test("selectors choose series, by name, by tag, or by either of two")
    func selection() throws {
        let batch = ShopBatches.batch(1)
        func names(_ selectors: String...) throws -> [String] {
            try dump(.latest(JSONFormat()), [batch], selectors: selectors).split(separator: "\n").map { line in
                String(line.split(separator: "\"")[2 + 1])
            }
        }
        #expect(try names("http/bytes") == ["http/bytes", "http/bytes"])
        #expect(
            try names(#"{http.route=~"/u.*",http.status_code!="200"}"#) == [
                "http/latency", "http/requests", "http/bytes",
            ])
        #expect(try names("pool/open", #"{rpc.method="Get"}"#) == ["pool/open", "rpc/latency"])
        #expect(try names(#"room/temperature{room=""}"#) == ["room/temperature"])
        #expect(try names(#"http/latency{http.status_code=""}"#).count == 1)
        #expect(try names("nothing") == [])
    }

    @Test("control characters in a tag reach a terminal only in words")
    func control() throws {
        let batch = batch(100) {
            $0.view("n\u{1B}[2J", .count, description: "\u{7}", keys: ["k"]) {
                $0.row(["\u{1B}]0;x\u{7}\u{202E}\u{9B}2J"], start: 0, 1)
            }
        }
        let text = try dump(.latest(TextTableFormat(terminal: Terminal(hasColour: false))), [batch])
        #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
        #expect(text.contains(#"\u{1b}]0;x\u{7}\u{202e}\u{9b}2J"#))
        let batches = try dump(
            .batches(TextBatchFormat(terminal: Terminal(hasColour: false)), readsPoints: true), [batch])
        #expect(!batches.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
    }

    @Test("only batches within the times asked for count")
    func times() throws {
        let output = Output()
        var options = DumpOptions(operands: [])
        options.since = Timestamp(nanoseconds: ShopBatches.begin + 20 * second)
        options.until = Timestamp(nanoseconds: ShopBatches.begin + 30 * second)
        var dump = Dump(
            options, mode: .batches(TextBatchFormat(terminal: Terminal(hasColour: false)), readsPoints: false),
            output: output)
        for number in 1...5 {
            var header = ShopBatches.header(ShopBatches.batch(number), UInt64(number))
            header.payloadLength = 100
            try dump.take(header) { () throws(BatchError) in throw .outOfMemory }
        }
        let lines = output.collected.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("stream "))
        #expect(lines[1].hasPrefix("  #2 "))
        #expect(lines[2].hasPrefix("  #3 "))
    }
}

extension Batch {
    fileprivate static func rowless(like batch: Batch) -> Batch {
        var rowless = batch
        rowless.views = []
        return rowless
    }
}
