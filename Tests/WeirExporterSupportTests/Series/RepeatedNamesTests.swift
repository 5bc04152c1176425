import Testing
import WeirBatch
import WeirExporterKit
import WeirExporterSupport
import WeirTestSupport

@Suite("Series that have one name")
struct RepeatedNamesTests {
    private func tags(_ tags: KeyValuePairs<String, String>) -> [DeliveredTag] {
        tags.map { DeliveredTag(key: $0.key, value: $0.value) }
    }

    @Test("are found in the order of the first of each")
    func groups() {
        #expect(RepeatedNames.groups(["a", "b", "c"]) == [])
        #expect(RepeatedNames.groups(["b", "a", "c", "a", "b", "a"]) == [[0, 4], [1, 3, 5]])
    }

    @Test("have marks that depend on their tags alone, neither on their order nor on that of their keys")
    func marks() {
        let series = [
            tags([:]), tags(["a": ""]), tags(["b": "", "a": ""]), tags(["a": "\u{E9}"]), tags(["a": "e\u{301}"]),
        ]
        func marked(_ order: [Int]) -> [Int: String] {
            let marks = RepeatedNames.marks(order.map { Array(series[$0].reversed()) }) { _ in false }
            return Dictionary(uniqueKeysWithValues: zip(order, marks.map { $0 ?? "none" }))
        }
        let first = marked(Array(series.indices))
        #expect(first[0] == "none" && Set(first.values).count == series.count)
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<20 { #expect(marked(series.indices.shuffled(using: &generator)) == first) }
    }

    @Test("have other marks where somebody has theirs")
    func taken() throws {
        let series = [tags([:]), tags(["a": ""]), tags(["a": ""])]
        let free = RepeatedNames.marks(series) { _ in false }
        let mark = try #require(free[1])
        #expect(free == [nil, mark, mark + "-2"])
        #expect(RepeatedNames.marks(series) { $0 == mark } == [nil, mark + "-2", mark + "-3"])
    }

    @Test("of lines keep their names in a batch that lacks the one that had it first")
    func lineNames() {
        var names = LineNames()
        let series = LineSeries(name: "a.b.c")
        let first = names.name(of: series, "", view: "a", as: nil)
        let second = names.name(of: series, "", view: "a/b", as: nil)
        #expect(first == series && second != series)
        // What a line adds to a name makes it another's, too.
        #expect(names.name(of: LineSeries(name: "a.b"), ".c", view: "d", as: nil) != series)
        names.begin()
        #expect(names.name(of: series, "", view: "a/b", as: nil) == second)
        #expect(names.name(of: series, "", view: "a", as: nil) == first)
    }

    @Test("are told once in a batch where an application has a tag that is called like the overflow series'")
    func overflow() throws {
        var builder = BatchBuilder(start: 1, end: 10)
        let keys = ["k", ViewColumns.overflowKey]
        for (name, aggregation) in [("sum", ViewColumns.Aggregation.sum), ("last", .lastValue)] {
            builder.view(name, aggregation, keys: keys) { rows in
                rows.row(["x", nil], start: 1, 1)
                rows.row([nil, "true"], start: 3, 2)
                rows.row(["x", "true"], start: 1, 4)
                rows.row([nil, "true"], start: 1, end: 5, 8)
                rows.row([nil, "true"], start: 2, 16)
            }
        }
        builder.view("spread", .distribution, .double, keys: keys, bounds: [1]) { rows in
            rows.row([nil, "true"], start: 3, sum: 5, buckets: [1, 2], range: 0...4)
            rows.exemplar(0.5, time: 4)
            rows.row([nil, "true"], start: 2, sum: 7, buckets: [10, 20], range: 1...6)
            rows.exemplar(3, time: 5)
        }
        var encoder = try BatchEncoder()
        let payload = try encoder.encode(builder.batch)
        var decoder = try BatchDecoder()
        let header = FrameHeader(stream: StreamID(high: 1, low: 1), first: 1, last: 1, payload: payload)
        let views = try decoder.decode(payload.bytes, header: header).views
        #expect(views[0].integers == [1, 4, 8, 18] && views[0].startTimes == [1, 1, 1, 2])
        #expect(views[1].integers == [1, 2, 4, 8, 16] && views[1].tagKeys == keys + ["weir_series"])
        #expect(views[1].tagValues.suffix(5).map { $0 == 0 } == [true, false, true, true, true])
        #expect(views[2].bucketCounts == [11, 22] && views[2].doubles == [12])
        #expect(views[2].minima == [0] && views[2].maxima == [6] && views[2].exemplars.values == [3, 0.5])
        // In parts as well.
        var estimate = LengthEstimate()
        #expect(try encoder.encode(builder.batch, upTo: 1, &estimate).reduce(0) { $0 + $1.rows } == 10)
    }
}
