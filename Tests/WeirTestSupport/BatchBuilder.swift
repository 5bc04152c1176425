package import WeirBatch

/// Fills a batch's columns row by row, for tests that say what a series holds and not where its numbers stand.
package struct BatchBuilder {
    package private(set) var batch = Batch()
    private var strings: [ExactString: UInt32] = [:]

    package init(start: UInt64, end: UInt64, resource: [(String, String)] = []) {
        batch.startTime = start
        batch.endTime = end
        batch.resource = resource.map { Batch.Attribute(key: $0.0, value: $0.1) }
    }

    /// Adds a view; `fill` adds its rows.
    package mutating func view(
        _ name: String, _ aggregation: ViewColumns.Aggregation, _ number: ViewColumns.Number = .int64,
        unit: String = "1", description: String = "", measure: String = "", keys: [String] = [],
        bounds: [Double] = [], scale: Int32 = 0, isMonotonic: Bool = true,
        temporality: ViewColumns.Temporality = .cumulative, _ fill: (inout Rows) -> Void
    ) {
        var view = ViewColumns()
        view.name = name
        view.description = description
        view.unit = unit
        view.measure = measure
        view.aggregation = aggregation
        view.number = number
        view.temporality = temporality
        view.isMonotonic = isMonotonic && (aggregation == .count || aggregation == .sum)
        view.tagKeys = keys
        view.bounds = bounds
        view.scale = scale
        var rows = Rows(view: view, keys: keys.count)
        fill(&rows)
        view = rows.view
        for key in keys.indices {
            for row in rows.tags { view.tagValues.append(row[key].map { index(of: $0) + 1 } ?? 0) }
        }
        if rows.ends.contains(where: { $0 != 0 }) { view.endTimes = rows.ends }
        for (key, value) in rows.exemplarTags {
            view.exemplars.tagKeys.append(index(of: key) + 1)
            view.exemplars.tagValues.append(index(of: value) + 1)
        }
        batch.views.append(view)
    }

    private mutating func index(of string: String) -> UInt32 {
        if let known = strings[ExactString(string)] { return known }
        let index = batch.strings.append(string)
        strings[ExactString(string)] = index
        return index
    }

    /// Rows being added to a view.
    package struct Rows {
        fileprivate var view: ViewColumns
        fileprivate let keys: Int
        fileprivate var tags: [[String?]] = []
        fileprivate var ends: [UInt64] = []
        fileprivate var exemplarTags: [(String, String)] = []

        private mutating func add(_ tags: [String?], _ start: UInt64, _ end: UInt64) {
            precondition(tags.count == keys, "a value, or nil, for each key of the view")
            view.rows += 1
            self.tags.append(tags)
            view.startTimes.append(start)
            ends.append(end)
        }

        package mutating func row(_ tags: [String?] = [], start: UInt64, end: UInt64 = 0, _ value: Int64) {
            add(tags, start, end)
            view.integers.append(value)
        }

        package mutating func row(_ tags: [String?] = [], start: UInt64, end: UInt64 = 0, double value: Double) {
            add(tags, start, end)
            view.doubles.append(value)
        }

        package mutating func row(
            _ tags: [String?] = [], start: UInt64, end: UInt64 = 0, sum: Double, buckets: [UInt64],
            range: ClosedRange<Double>? = nil
        ) {
            add(tags, start, end)
            view.doubles.append(sum)
            view.bucketCounts += buckets
            addRange(range)
        }

        package mutating func row(
            _ tags: [String?] = [], start: UInt64, end: UInt64 = 0, sum: Double, zero: UInt64 = 0,
            positive: [(index: Int32, count: UInt64)] = [], negative: [(index: Int32, count: UInt64)] = [],
            range: ClosedRange<Double>? = nil
        ) {
            add(tags, start, end)
            view.doubles.append(sum)
            view.zeroCounts.append(zero)
            Self.add(positive, to: &view.positive)
            Self.add(negative, to: &view.negative)
            addRange(range)
        }

        /// An exemplar of the row that was added last; its trace is its span twice, 0 for none.
        package mutating func exemplar(_ value: Double, time: UInt64, span: UInt64 = 0, tags: [(String, String)] = []) {
            view.exemplars.append(
                row: view.rows - 1, value: value, time: time, trace: (span, span), span: span, tagCount: tags.count)
            exemplarTags += tags
        }

        private mutating func addRange(_ range: ClosedRange<Double>?) {
            guard let range else { return }
            view.minima.append(range.lowerBound)
            view.maxima.append(range.upperBound)
        }

        private static func add(
            _ buckets: [(index: Int32, count: UInt64)], to column: inout ViewColumns.ExponentialBuckets
        ) {
            column.lengths.append(UInt32(buckets.count))
            column.indexes += buckets.map(\.index)
            column.counts += buckets.map(\.count)
        }
    }
}
