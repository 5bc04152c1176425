extension Batch {
    /// Whether every column has the length that its rows need and every tag value is a string: whoever picks rows out may
    /// then do so. Looks at no value but tag values.
    package var isSound: Bool {
        do throws(BatchError) {
            try validateShape()
            return true
        } catch {
            return false
        }
    }

    /// Throws where ``isSound`` is false, and says which column is wrong.
    package func validateShape() throws(BatchError) {
        for view in views { try view.validateShape(strings: strings.count) }
    }
}

extension ViewColumns {
    /// Scales that have a meaning everywhere: base 2^1024 down to 1.0000007.
    package static let scales: ClosedRange<Int32> = -10...20

    /// Whether distributions of either kind.
    var isDistribution: Bool { aggregation == .distribution || aggregation == .exponentialDistribution }

    /// Throws unless every column has the length that the rows need and every tag value is one of `strings`.
    ///
    /// Cheap enough for the writer: it looks at no value but tag values, of which it takes the greatest.
    package func validateShape(strings: Int) throws(BatchError) {
        let rows = UInt64(rows)
        let isExponential = aggregation == .exponentialDistribution
        let values = aggregation == .count || number == .int64
        try expect(tagValues.count, product(rows, UInt64(tagKeys.count)), "tag_values")
        try expect(startTimes.count, rows, "start_times")
        try expect(endTimes.count, endTimes.isEmpty ? 0 : rows, "end_times")
        try expect(integers.count, values ? rows : 0, "integers")
        try expect(doubles.count, values ? 0 : rows, "doubles")
        let buckets = aggregation == .distribution ? product(rows, UInt64(bounds.count) + 1) : 0
        try expect(bucketCounts.count, buckets, "bucket_counts")
        if aggregation != .distribution { try expect(bounds.count, 0, "bounds") }
        try expect(minima.count, isDistribution && !minima.isEmpty ? rows : 0, "minima")
        try expect(maxima.count, isDistribution && !maxima.isEmpty ? rows : 0, "maxima")
        try expect(squares.count, isDistribution && !squares.isEmpty ? rows : 0, "squares")
        try expect(zeroCounts.count, isExponential ? rows : 0, "zero_counts")
        try validateShape(of: positive, rows: isExponential ? rows : 0, "positive")
        try validateShape(of: negative, rows: isExponential ? rows : 0, "negative")
        if isExponential && !Self.scales.contains(scale) {
            throw .unknownValue(view: name, field: "scale", found: Int64(scale))
        }
        for position in bounds.indices {
            // Written so that NaN does not pass.
            guard position == 0 ? !bounds[0].isNaN : bounds[position - 1] < bounds[position] else {
                throw .notAscending(view: name, column: "bounds", position: position)
            }
        }
        var keys: Set<ExactString> = []
        for key in tagKeys where !keys.insert(ExactString(key)).inserted {
            throw .repeatedKey(view: name, key: key)
        }
        let greatest = tagValues.reduce(0, max)
        if Int(greatest) > strings { throw .tagValue(view: name, strings: strings, found: greatest) }
        if !exemplars.isEmpty { try validateExemplars(strings: strings) }
    }

    private func validateExemplars(strings: Int) throws(BatchError) {
        let count = UInt64(exemplars.count)
        try expect(exemplars.values.count, count, "exemplar_values")
        try expect(exemplars.times.count, count, "exemplar_times")
        try expect(exemplars.traceHighs.count, count, "exemplar_trace_highs")
        try expect(exemplars.traceLows.count, count, "exemplar_trace_lows")
        try expect(exemplars.spans.count, count, "exemplar_spans")
        try expect(exemplars.tagCounts.count, count, "exemplar_tag_counts")
        let tags = exemplars.tagCounts.reduce(0) { $0 + UInt64($1) }
        try expect(exemplars.tagKeys.count, tags, "exemplar_tag_keys")
        try expect(exemplars.tagValues.count, tags, "exemplar_tag_values")
        for (position, row) in exemplars.rows.enumerated() {
            if row >= rows { throw .exemplarRow(view: name, rows: rows, found: row) }
            if position > 0, exemplars.rows[position - 1] > row {
                throw .notAscending(view: name, column: "exemplar_rows", position: position)
            }
        }
        for string in exemplars.tagKeys + exemplars.tagValues where string == 0 || string > strings {
            throw .tagValue(view: name, strings: strings, found: string)
        }
    }

    /// Throws where values contradict each other in ways that the writer's code rules out: a reader's second look.
    func validateValues() throws(BatchError) {
        if aggregation == .distribution { try validateCounts() }
        if aggregation == .exponentialDistribution { try validateExponential() }
    }

    private func validateShape(of buckets: ExponentialBuckets, rows: UInt64, _ sign: String) throws(BatchError) {
        try expect(buckets.lengths.count, buckets.lengths.isEmpty ? 0 : rows, "\(sign)_lengths")
        let used = buckets.lengths.reduce(0) { $0 + UInt64($1) }
        try expect(buckets.indexes.count, used, "\(sign)_indexes")
        try expect(buckets.counts.count, used, "\(sign)_counts")
    }

    private func validateCounts() throws(BatchError) {
        let buckets = bounds.count + 1
        for row in 0..<rows {
            try validateCount(bucketCounts[row * buckets..<(row + 1) * buckets], row: row, beside: 0)
        }
    }

    private func validateExponential() throws(BatchError) {
        var totals = zeroCounts
        for (buckets, sign) in [(positive, "positive"), (negative, "negative")] {
            var start = 0
            for (row, length) in buckets.lengths.enumerated() {
                let range = start..<start + Int(length)
                totals[row] = try validateCount(buckets.counts[range], row: row, beside: totals[row])
                for position in range.dropFirst() where buckets.indexes[position - 1] >= buckets.indexes[position] {
                    throw .notAscending(view: name, column: "\(sign)_indexes", position: position)
                }
                start = range.upperBound
            }
        }
        for (row, total) in totals.enumerated() where total > Int64.max {
            throw .countOverflow(view: name, row: row)
        }
    }

    /// The sum of a row's counts, which anybody may then take without looking for overflow.
    @discardableResult
    private func validateCount(_ counts: ArraySlice<UInt64>, row: Int, beside: UInt64) throws(BatchError) -> UInt64 {
        var total = beside
        for count in counts {
            let (sum, overflow) = total.addingReportingOverflow(count)
            guard !overflow && sum <= Int64.max else { throw .countOverflow(view: name, row: row) }
            total = sum
        }
        return total
    }

    private func expect(_ found: Int, _ expected: UInt64, _ column: String) throws(BatchError) {
        guard UInt64(found) == expected else {
            throw .columnLength(view: name, column: column, expected: expected, found: UInt64(found))
        }
    }

    /// Saturates, which no column's length equals.
    private func product(_ one: UInt64, _ other: UInt64) -> UInt64 {
        let (product, overflow) = one.multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
