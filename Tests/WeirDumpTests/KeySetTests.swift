import WeirExporterSupport
import Testing
import WeirBatch
import WeirDump
import WeirTestSupport

/// A series is its view and the tags that it has, whatever other keys its table has, wherever they stand in it.
@Suite("Series of tables whose keys change")
struct KeySetTests {
    private static let begin: UInt64 = 1_000_000_000_000
    private static let step: UInt64 = 1_000_000_000
    private static let pool = ["a", "b", "c", "é", "e\u{301}", "otel.metric.overflow"]

    /// Batches of one view whose tables have other keys each time, in another order, beside the same series.
    private struct Model {
        private var generator: SeededGenerator
        private let temporality: ViewColumns.Temporality
        private let series: [[String: String]]
        /// By ``name(_:)``.
        private(set) var totals: [String: Int64] = [:]
        private(set) var batches: [Batch] = []

        init(seed: UInt64, _ temporality: ViewColumns.Temporality) {
            generator = SeededGenerator(seed: seed)
            self.temporality = temporality
            var known: Set<String> = []
            var series: [[String: String]] = []
            for _ in 0..<Int.random(in: 1...9, using: &generator) {
                var tags: [String: String] = [:]
                // No two keys that are equal to Swift: this dictionary holds but one of them.
                for key in KeySetTests.pool where Int.random(in: 0...2, using: &generator) == 0 {
                    tags[key] = ["", "x", "y"].randomElement(using: &generator)
                }
                if known.insert(name(tags.map { ($0.key, $0.value) })).inserted { series.append(tags) }
            }
            self.series = series
            for number in 0..<UInt64(Int.random(in: 2...7, using: &generator)) { add(number) }
        }

        private mutating func add(_ number: UInt64) {
            let shown = series.filter { _ in number == 0 || Bool.random(using: &generator) }
            var keys = shown.flatMap(\.keys)
            keys += KeySetTests.pool.filter { _ in Int.random(in: 0...3, using: &generator) == 0 }
            var seen: Set<ExactString> = []
            keys = keys.shuffled(using: &generator).filter { seen.insert(ExactString($0)).inserted }
            let start = KeySetTests.begin + number * KeySetTests.step
            var builder = BatchBuilder(start: start, end: start + KeySetTests.step)
            builder.view("v", .sum, keys: keys, temporality: temporality) { rows in
                for tags in shown.shuffled(using: &generator) {
                    let growth = Int64.random(in: 0...99, using: &generator)
                    let name = name(tags.map { ($0.key, $0.value) })
                    totals[name, default: 0] += growth
                    let isDelta = temporality == .delta
                    rows.row(
                        keys.map { key in tags.first { ExactString($0.key) == ExactString(key) }?.value },
                        start: isDelta ? start : KeySetTests.begin, isDelta ? growth : totals[name, default: 0])
                }
            }
            batches.append(builder.batch)
        }
    }

    private func expect(
        _ batches: [Batch], say totals: [String: Int64], _ comment: Comment,
        _ location: SourceLocation = #_sourceLocation
    ) {
        var table = SeriesTable(selection: Selection())
        for (index, batch) in batches.enumerated() {
            let header = FrameHeader(
                stream: StreamID(high: 1, low: 1), first: UInt64(index) + 1, last: UInt64(index) + 1)
            table.add(batch, header: header, source: 0, windowStart: batches[0].startTime)
        }
        #expect(table.groups.count == 1, comment, sourceLocation: location)
        var found: [String: Int64] = [:]
        for series in table.groups.flatMap(\.series) {
            guard case .scalar(.integer(let value)) = series.latest?.value else { continue }
            let name = name(series.tags.map { ($0.key, $0.value) })
            #expect(found[name] == nil, comment, sourceLocation: location)
            found[name] = value
        }
        #expect(found == totals, comment, sourceLocation: location)
    }

    @Test("are shown once each, with their totals", arguments: [ViewColumns.Temporality.cumulative, .delta])
    func table(_ temporality: ViewColumns.Temporality) {
        for seed in 0..<200 * UInt64(testScale) {
            let model = Model(seed: seed, temporality)
            expect(model.batches, say: model.totals, "seed \(seed)")
        }
    }

    @Test("are added once each where deltas are merged, in any order of neighbours")
    func merged() throws {
        for seed in 0..<100 * UInt64(testScale) {
            let model = Model(seed: seed, .delta)
            var generator = SeededGenerator(seed: seed)
            var batches = model.batches
            while batches.count > 1 {
                let place = Int.random(in: 0..<batches.count - 1, using: &generator)
                let merged = try #require(BatchMerge.merge(older: batches[place], newer: batches[place + 1]))
                batches.replaceSubrange(place...place + 1, with: [merged])
                expect(batches, say: model.totals, "seed \(seed)")
            }
        }
    }

    @Test("are one family of OpenMetrics, and one row of a table, with all keys as columns")
    func formats() throws {
        var batches: [Batch] = []
        for (number, keys) in [["k"], ["otel.metric.overflow", "k"]].enumerated() {
            var builder = BatchBuilder(start: Self.begin, end: Self.begin + UInt64(number + 1) * Self.step)
            builder.view("ops", .count, description: "in batch \(number)", keys: keys) { rows in
                rows.row(keys.map { $0 == "k" ? "s0" : nil }, start: Self.begin, Int64(number) + 1)
                if number == 1 { rows.row(["true", nil], start: Self.begin, 7) }
            }
            batches.append(builder.batch)
        }
        func dump(_ format: some TableFormat) throws -> [String] {
            let output = Output()
            var dump = Dump(DumpOptions(operands: []), mode: .latest(format), output: output)
            for (index, batch) in batches.enumerated() {
                var header = ShopBatches.header(batch, UInt64(index) + 1)
                header.payloadLength = 100
                try dump.take(header) { batch }
            }
            dump.showTable()
            return output.collected.split(separator: "\n").map(String.init)
        }
        let metrics = try dump(OpenMetricsFormat())
        #expect(metrics.filter { $0.hasPrefix("# TYPE") } == ["# TYPE ops counter"])
        #expect(metrics.filter { $0.hasPrefix("# HELP") } == ["# HELP ops in batch 1"])
        #expect(metrics.contains { $0.hasPrefix(#"ops_total{k="s0"} 2 "#) })
        #expect(metrics.contains { $0.hasPrefix(#"ops_total{otel_metric_overflow="true"} 7 "#) })
        let table = try dump(TextTableFormat(terminal: Terminal(hasColour: false)))
        #expect(table.filter { $0.hasPrefix("  s0 ") }.count == 1)
        #expect(table.filter { $0.hasPrefix("  (overflow) ") }.count == 1)
    }
}

/// A series' tags in an order of their own.
private func name(_ tags: [(String, String)]) -> String {
    tags.map { "\(Array($0.0.utf8))=\($0.1)" }.sorted().joined(separator: ",")
}
