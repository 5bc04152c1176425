internal import WeirBatch
internal import WeirExporterSupport

/// Turns the rows of a view's columns into points: first the series that ended, then those that go on, so that one
/// which came back within the interval is seen in the order in which it lived.
struct RowReader {
    private let view: ViewColumns
    private let strings: StringTable
    private let endTime: UInt64
    private var next = 0
    private var isAtEnded: Bool
    /// Where each row's buckets begin in the columns of an exponential distribution.
    private let positiveStarts: [Int]
    private let negativeStarts: [Int]
    /// Where each row's exemplars begin, and each exemplar's tags; empty where there is none.
    private let exemplarStarts: [Int]
    private let exemplarTagStarts: [Int]

    /// - Parameter strings: What tag values refer to.
    init(_ view: ViewColumns, strings: StringTable, endTime: UInt64) {
        self.view = view
        self.strings = strings
        self.endTime = endTime
        isAtEnded = !view.endTimes.isEmpty
        positiveStarts = Self.starts(view.positive)
        negativeStarts = Self.starts(view.negative)
        exemplarStarts = view.exemplars.isEmpty ? [] : view.exemplars.rowStarts(view.rows)
        exemplarTagStarts = view.exemplars.tagStarts
    }

    mutating func nextRow() -> Int? {
        while true {
            guard next < view.rows else {
                guard isAtEnded else { return nil }
                isAtEnded = false
                next = 0
                continue
            }
            defer { next += 1 }
            if view.endTimes.isEmpty || (view.endTimes[next] != 0) == isAtEnded { return next }
        }
    }

    func point(of row: Int) -> Point {
        let ended = view.endTimes.isEmpty ? 0 : view.endTimes[row]
        return Point(
            start: view.startTimes[row], end: ended == 0 ? endTime : ended, hasEnded: ended != 0, value: value(of: row),
            exemplars: exemplars(of: row))
    }

    private func exemplars(of row: Int) -> [Exemplar] {
        guard !exemplarStarts.isEmpty else { return [] }
        let columns = view.exemplars
        return (exemplarStarts[row]..<exemplarStarts[row + 1]).map { index in
            let trace = StreamID(high: columns.traceHighs[index], low: columns.traceLows[index])
            let span = StreamID(high: 0, low: columns.spans[index])
            let hasSpan = trace.high | trace.low | span.low != 0
            let tags = exemplarTagStarts[index]..<exemplarTagStarts[index + 1]
            return Exemplar(
                value: columns.values[index], time: columns.times[index],
                span: hasSpan ? Exemplar.Span(trace: trace.text, span: String(span.text.suffix(16))) : nil,
                tags: tags.map {
                    Tag(
                        key: strings[Int(columns.tagKeys[$0]) - 1], value: strings[Int(columns.tagValues[$0]) - 1])
                })
        }
    }

    private func value(of row: Int) -> Value {
        switch view.aggregation {
        case .count: return .scalar(.integer(view.integers[row]))
        case .sum, .lastValue: return .scalar(scalar(of: row))
        case .distribution:
            let width = view.bounds.count + 1
            let counts = Array(view.bucketCounts[row * width..<(row + 1) * width])
            return .distribution(distribution(of: row, .explicit(bounds: view.bounds, counts: counts)))
        case .exponentialDistribution:
            let buckets = ExponentialBuckets(
                scale: view.scale, zeroCount: view.zeroCounts[row],
                positive: Self.buckets(view.positive, positiveStarts, row),
                negative: Self.buckets(view.negative, negativeStarts, row))
            return .distribution(distribution(of: row, .exponential(buckets)))
        }
    }

    private func scalar(of row: Int) -> Scalar {
        view.number == .int64 ? .integer(view.integers[row]) : .double(view.doubles[row])
    }

    private func distribution(of row: Int, _ buckets: Distribution.Buckets) -> Distribution {
        Distribution(
            sum: scalar(of: row), minimum: Self.kept(view.minima, row), maximum: Self.kept(view.maxima, row),
            squares: Self.kept(view.squares, row), buckets: buckets)
    }

    private static func kept(_ column: [Double], _ row: Int) -> Double? {
        column.isEmpty || column[row].isNaN ? nil : column[row]
    }

    private static func starts(_ column: ViewColumns.ExponentialBuckets) -> [Int] {
        var start = 0
        return column.lengths.map { length in
            defer { start += Int(length) }
            return start
        }
    }

    private static func buckets(
        _ column: ViewColumns.ExponentialBuckets, _ starts: [Int], _ row: Int
    ) -> [ExponentialBuckets.Bucket] {
        guard row < starts.count else { return [] }
        return (starts[row]..<starts[row] + Int(column.lengths[row])).map {
            ExponentialBuckets.Bucket(index: column.indexes[$0], count: column.counts[$0])
        }
    }
}
