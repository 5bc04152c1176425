internal import WeirBatch

/// The same numbers in every run: SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension Batch {
    /// A batch of random views, whose columns hold together and whose values go to the edges of their types.
    static func random(using generator: inout SeededGenerator, views: Int = 6, rows: Int = 40) -> Batch {
        var batch = Batch()
        batch.startTime = .random(in: 0 ... .max, using: &generator)
        batch.endTime = .random(in: 0 ... .max, using: &generator)
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            batch.resource.append(.init(key: .random(using: &generator), value: .random(using: &generator)))
        }
        for _ in 0..<Int.random(in: 0...50, using: &generator) {
            batch.strings.append(String.random(using: &generator))
        }
        for _ in 0..<Int.random(in: 0...views, using: &generator) {
            let rows = Int.random(in: 0...rows, using: &generator)
            batch.views.append(.random(rows: rows, strings: batch.strings.count, using: &generator))
        }
        return batch
    }
}

extension ViewColumns {
    /// A view of any aggregation, or of a given one.
    static func random(
        _ wanted: Aggregation? = nil, rows: Int, strings: Int, using generator: inout SeededGenerator
    ) -> ViewColumns {
        var view = ViewColumns()
        view.name = .random(using: &generator)
        view.description = .random(using: &generator)
        view.unit = ["", "s", "By", "1", "{request}"].randomElement(using: &generator)!
        view.measure = .random(using: &generator)
        view.aggregation = wanted ?? Aggregation.allCases.randomElement(using: &generator)!
        view.number = Number.allCases.randomElement(using: &generator)!
        view.temporality = Temporality.allCases.randomElement(using: &generator)!
        view.isMonotonic = .random(using: &generator)
        view.rows = rows
        view.tagKeys = (0..<Int.random(in: 0...4, using: &generator)).map { "\($0)" + .random(using: &generator) }
        view.tagValues = (0..<rows * view.tagKeys.count).map { _ in
            .random(in: 0...UInt32(strings), using: &generator)
        }
        let start = UInt64.random(in: 0 ... .max, using: &generator)
        let startsTogether = Bool.random(using: &generator)
        view.startTimes = (0..<rows).map { _ in
            startsTogether ? start : .random(in: 0 ... .max, using: &generator)
        }
        if .random(using: &generator) { view.endTimes = (0..<rows).map { _ in .edge(using: &generator) } }
        if view.aggregation == .count || view.number == .int64 {
            view.integers = (0..<rows).map { _ in Int64(bitPattern: .edge(using: &generator)) }
        } else {
            view.doubles = (0..<rows).map { _ in .edge(using: &generator) }
        }
        switch view.aggregation {
        case .count, .sum, .lastValue: break
        case .distribution: view.fillBuckets(using: &generator)
        case .exponentialDistribution: view.fillExponential(using: &generator)
        }
        view.fillExemplars(strings: strings, using: &generator)
        return view
    }

    private mutating func fillExemplars(strings: Int, using generator: inout SeededGenerator) {
        guard Bool.random(using: &generator) else { return }
        for row in 0..<rows {
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                let tags = strings == 0 ? 0 : Int.random(in: 0...2, using: &generator)
                let hasSpan = Bool.random(using: &generator)
                exemplars.append(
                    row: row, value: .edge(using: &generator), time: .edge(using: &generator),
                    trace: hasSpan ? (.edge(using: &generator), .edge(using: &generator)) : (0, 0),
                    span: hasSpan ? .edge(using: &generator) : 0, tagCount: tags)
                for _ in 0..<tags {
                    exemplars.tagKeys.append(.random(in: 1...UInt32(strings), using: &generator))
                    exemplars.tagValues.append(.random(in: 1...UInt32(strings), using: &generator))
                }
            }
        }
    }

    private mutating func fillBuckets(using generator: inout SeededGenerator) {
        bounds = Set((0..<Int.random(in: 0...20, using: &generator)).map { _ in Double.edge(using: &generator) })
            .sorted()
        bucketCounts = (0..<rows * (bounds.count + 1)).map { _ in .edge(using: &generator) >> 8 }
        fillOptional(using: &generator)
    }

    private mutating func fillExponential(using generator: inout SeededGenerator) {
        scale = .random(in: ViewColumns.scales, using: &generator)
        zeroCounts = (0..<rows).map { _ in .edge(using: &generator) >> 8 }
        positive = .random(rows: rows, using: &generator)
        negative = .random(rows: rows, using: &generator)
        fillOptional(using: &generator)
    }

    private mutating func fillOptional(using generator: inout SeededGenerator) {
        if .random(using: &generator) { minima = (0..<rows).map { _ in .edge(using: &generator) } }
        if .random(using: &generator) { maxima = (0..<rows).map { _ in .edge(using: &generator) } }
        if .random(using: &generator) { squares = (0..<rows).map { _ in .edge(using: &generator) } }
    }
}

extension ViewColumns.ExponentialBuckets {
    static func random(rows: Int, using generator: inout SeededGenerator) -> Self {
        var buckets = Self()
        guard Bool.random(using: &generator) else { return buckets }
        for _ in 0..<rows {
            let indexes = Set((0..<Int.random(in: 0...9, using: &generator)).map { _ in index(using: &generator) })
                .sorted()
            buckets.lengths.append(UInt32(indexes.count))
            buckets.indexes += indexes
            buckets.counts += indexes.map { _ in .edge(using: &generator) >> 8 }
        }
        return buckets
    }

    private static func index(using generator: inout SeededGenerator) -> Int32 {
        switch Int.random(in: 0...9, using: &generator) {
        case 0: .min
        case 1: .max
        default: .random(in: -500...500, using: &generator)
        }
    }
}

extension UInt64 {
    /// Small numbers mostly, and those at which encodings change their length.
    static func edge(using generator: inout SeededGenerator) -> UInt64 {
        switch Int.random(in: 0...9, using: &generator) {
        case 0: 0
        case 1: .max
        case 2: 1 << UInt64.random(in: 0...63, using: &generator)
        case 3: (1 << UInt64.random(in: 0...63, using: &generator)) &- 1
        default: .random(in: 0...1000, using: &generator)
        }
    }
}

extension Double {
    static func edge(using generator: inout SeededGenerator) -> Double {
        switch Int.random(in: 0...9, using: &generator) {
        case 0: 0
        case 1: .infinity
        case 2: -.greatestFiniteMagnitude
        case 3: .leastNonzeroMagnitude
        default: .random(in: -1000...1000, using: &generator)
        }
    }
}

extension String {
    static func random(using generator: inout SeededGenerator) -> String {
        let letters: [String] = ["a", "z", "/", ".", "é", "水", "🏞️", " ", "\"", "\n", "\u{7F}"]
        let count = Int.random(in: 0...12, using: &generator)
        return (0..<count).map { _ in letters.randomElement(using: &generator)! }.joined()
    }
}
