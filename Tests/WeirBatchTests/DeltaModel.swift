internal import WeirBatch
internal import WeirTestSupport

/// A recorder in miniature: series that are born, recorded, forgotten and come back, and what a delta feed says of them.
struct DeltaModel {
    /// What all batches together must say of one life of a series.
    struct Life: Equatable {
        var count: Int64 = 0
        var sum = 0.0
        var buckets = [UInt64](repeating: 0, count: 4)
        var exponential: [Int32: UInt64] = [:]
        var maximum = 0.0
        var last = 0.0
        var birth: UInt64 = 0
    }

    /// Which life: of the series with a tag, the one that ended then (0: goes on).
    struct Key: Hashable {
        var tag: String?
        var end: UInt64
    }

    private struct Series {
        var birth: UInt64
        var death: UInt64 = 0
        /// What was recorded since it was told last.
        var untold = Life()
        var total = Life()
        /// When the last batch ended that had a row of it; 0 where none had.
        var told: UInt64 = 0
        /// Batches that pass until its end is reported.
        var delay = 0

        /// Whether the batch that begins then is the first one since it ended.
        func isReportedInTime(_ begin: UInt64) -> Bool { death > begin }
    }

    private var ended: [Key: Life] = [:]
    private var alive: [String?: Series] = [:]
    private var dead: [(tag: String?, series: Series)] = []
    private var time: UInt64 = 1_000
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// Records and forgets, unless it is to be quiet, and collects: the next batch.
    mutating func next(isQuiet: Bool = false) -> Batch {
        let begin = time
        for _ in 0..<(isQuiet ? 0 : Int.random(in: 0...12, using: &generator)) { step() }
        time += 10
        var builder = BatchBuilder(start: begin, end: time, resource: [("service.name", "model")])
        var rows: [(tag: String?, start: UInt64, end: UInt64, life: Life)] = []
        for tag in alive.keys.shuffled(using: &generator) {
            guard var series = alive[tag] else { continue }
            let isUnchanged = series.told > 0 && series.untold.count == 0
            if !isUnchanged || Bool.random(using: &generator) {
                rows.append((tag, series.told > 0 ? begin : series.birth, 0, series.untold))
                series.told = time
            }
            // A last value is there without anything new, too.
            series.untold = Life(last: series.untold.last)
            alive[tag] = series
        }
        for index in dead.indices.reversed() {
            guard dead[index].series.delay == 0 else {
                dead[index].series.delay -= 1
                continue
            }
            let (tag, series) = dead.remove(at: index)
            let start = series.told == 0 ? series.birth : series.isReportedInTime(begin) ? begin : series.told
            rows.append((tag, start, series.death, series.untold))
        }
        fill(&builder, rows)
        return builder.batch
    }

    private mutating func step() {
        time += 10
        let tag: String? = [nil, "", "a", "b", "c", "é"].randomElement(using: &generator)!
        if Int.random(in: 0..<5, using: &generator) == 0 {
            guard var series = alive.removeValue(forKey: tag) else { return }
            series.death = time
            // Ends are told in the order in which they came.
            let delays = dead.filter { $0.tag == tag }.map(\.series.delay)
            series.delay = max(Int.random(in: 0...2, using: &generator), delays.max() ?? 0)
            ended[Key(tag: tag, end: time)] = series.total
            dead.append((tag, series))
            return
        }
        var series = alive[tag] ?? Series(birth: time, total: Life(birth: time))
        let value = Double(Int.random(in: 1...64, using: &generator))
        series.untold.record(value)
        series.total.record(value)
        alive[tag] = series
    }

    /// Of every life, what was recorded.
    var totals: [Key: Life] {
        var totals = ended
        for (tag, series) in alive { totals[Key(tag: tag, end: 0)] = series.total }
        return totals
    }

    private mutating func fill(
        _ builder: inout BatchBuilder, _ rows: [(tag: String?, start: UInt64, end: UInt64, life: Life)]
    ) {
        let scale = Int32.random(in: 0...1, using: &generator)
        builder.view("count", .count, keys: ["k"], temporality: .delta) { builder in
            for row in rows { builder.row([row.tag], start: row.start, end: row.end, row.life.count) }
        }
        builder.view("sum", .sum, .double, keys: ["k"], temporality: .delta) { builder in
            for row in rows { builder.row([row.tag], start: row.start, end: row.end, double: row.life.sum) }
        }
        builder.view("last", .lastValue, .double, keys: ["k"], temporality: .delta) { builder in
            for row in rows {
                builder.row([row.tag], start: row.start, end: row.end, double: row.life.last)
            }
        }
        builder.view(
            "buckets", .distribution, .double, keys: ["k"], bounds: [4, 16, 32], temporality: .delta
        ) { builder in
            for row in rows {
                builder.row(
                    [row.tag], start: row.start, end: row.end, sum: row.life.sum, buckets: row.life.buckets,
                    range: -row.life.maximum...row.life.maximum)
            }
        }
        builder.view(
            "exponential", .exponentialDistribution, .double, keys: ["k"], scale: scale, temporality: .delta
        ) { builder in
            for row in rows {
                let buckets = row.life.exponential.sorted { $0.key < $1.key }
                    .map { (index: $0.key << scale, count: $0.value) }
                builder.row(
                    [row.tag], start: row.start, end: row.end, sum: row.life.sum, positive: buckets, negative: buckets)
            }
        }
    }
}

extension DeltaModel.Life {
    mutating func record(_ value: Double) {
        count += 1
        sum += value
        buckets[value <= 4 ? 0 : value <= 16 ? 1 : value <= 32 ? 2 : 3] += 1
        exponential[Int32(value.exponent), default: 0] += 1
        maximum = max(maximum, value)
        last = value
    }
}
