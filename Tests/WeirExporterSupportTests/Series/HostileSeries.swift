import WeirBatch
import WeirTestSupport

/// A batch of series with the names that are hardest to keep apart, and what they add up to.
struct HostileSeries {
    private static let words = ["a", "b", "/", ".", "_", "total", "count", "sum", "x", "k", "v", "seconds"]
    private static let keys = [
        "a.b", "a_b", "a/b", "a b", "__name__", "le", "exported_le", "job", "weir_series", "é", "e\u{301}", "k", "1",
        "key_1", "otel.metric.overflow", "stream", "A.B",
    ]
    private static let values = [
        "", "_", "/a\0", "/a\u{FFFD}", "/a␀0", "/a", "a/", "~x", "_x", "é", "e\u{301}", "true", ";", "\"", "\\", "\n",
        " ", "x", "x;x", "X", ",", "v",
    ]

    private(set) var batch: Batch
    private(set) var counters: Int64 = 0
    /// Sums that rise and fall, and last values.
    private(set) var gauges: Int64 = 0
    private(set) var measurements: Int64 = 0
    /// Each of them once.
    private(set) var lastValues: Set<Int64> = []
    private(set) var rows = 0

    init(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let (begin, end): (UInt64, UInt64) = (1_795_525_200_000_000_000, 1_795_525_210_000_000_000)
        var builder = BatchBuilder(start: begin, end: end)
        var names: Set<String> = []
        var (counters, gauges, measurements, lastValues, all) = (Int64(0), Int64(0), Int64(0), Set<Int64>(), 0)
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let name = (0..<Int.random(in: 1...3, using: &generator))
                .map { _ in Self.words.randomElement(using: &generator) ?? "" }.joined()
            guard names.insert(name).inserted else { continue }
            let aggregation: ViewColumns.Aggregation =
                [.count, .sum, .sum, .lastValue, .distribution].randomElement(using: &generator) ?? .count
            let isMonotonic = Bool.random(using: &generator)
            let keys = Array(Self.keys.shuffled(using: &generator).prefix(Int.random(in: 0...4, using: &generator)))
            builder.view(
                name, aggregation, aggregation == .distribution ? .double : .int64,
                unit: ["1", "s", "By", "x"].randomElement(using: &generator) ?? "", keys: keys,
                bounds: aggregation == .distribution ? [1, 2] : [], isMonotonic: isMonotonic
            ) { rows in
                var series = Self.series(keys, &generator)
                if let key = keys.firstIndex(of: ViewColumns.overflowKey), Bool.random(using: &generator) {
                    // The overflow series itself, beside an application's that is called like it.
                    series.append(keys.indices.map { $0 == key ? "true" : nil })
                }
                for tags in series {
                    let value = Int64.random(in: 0...99, using: &generator)
                    all += 1
                    switch aggregation {
                    case .distribution:
                        rows.row(tags, start: begin, sum: Double(value), buckets: [1, UInt64(value), 2])
                        measurements += value + 3
                    case .lastValue:
                        let unique = 1_000_000 + Int64(all)
                        rows.row(tags, start: begin, unique)
                        lastValues.insert(unique)
                        gauges += unique
                    default:
                        rows.row(tags, start: begin, value)
                        if aggregation == .count || isMonotonic { counters += value } else { gauges += value }
                    }
                }
            }
        }
        batch = builder.batch
        (self.counters, self.gauges, self.measurements) = (counters, gauges, measurements)
        (self.lastValues, rows) = (lastValues, all)
    }

    /// Values of keys, each combination once.
    private static func series(_ keys: [String], _ generator: inout SeededGenerator) -> [[String?]] {
        var known: Set<[ExactString?]> = []
        var series: [[String?]] = []
        for _ in 0..<Int.random(in: 1...12, using: &generator) {
            let tags = keys.map { _ in
                Int.random(in: 0...2, using: &generator) == 0 ? nil : values.randomElement(using: &generator)
            }
            if known.insert(tags.map { $0.map(ExactString.init) }).inserted { series.append(tags) }
        }
        return series
    }
}
