extension ViewColumns {
    /// Single measurements kept beside what they added up to: each column has one entry an exemplar, those of the first row
    /// first. All columns are empty where there is none.
    package struct Exemplars: Equatable, Sendable {
        /// The row of each, ascending.
        package var rows: [UInt32] = []
        /// What was measured, also where the view counts.
        package var values: [Double] = []
        /// Nanoseconds since 1970.
        package var times: [UInt64] = []
        /// The trace's number, most significant bytes first, and the span's. All 0 where there is none.
        package var traceHighs: [UInt64] = []
        package var traceLows: [UInt64] = []
        package var spans: [UInt64] = []
        /// How many tags each has that its row does not have.
        package var tagCounts: [UInt32] = []
        /// Those tags, exemplar after exemplar: indexes in ``Batch/strings`` plus one.
        package var tagKeys: [UInt32] = []
        package var tagValues: [UInt32] = []

        package init() {}

        package var count: Int { rows.count }

        /// Whether nothing is in any column.
        package var isEmpty: Bool {
            rows.isEmpty && values.isEmpty && times.isEmpty && traceHighs.isEmpty && traceLows.isEmpty && spans.isEmpty
                && tagCounts.isEmpty && tagKeys.isEmpty && tagValues.isEmpty
        }

        /// Where each one's tags begin, and where the last one's end.
        package var tagStarts: [Int] { tagCounts.starts }

        /// Roughly the bytes that they take.
        var weight: Int { 48 * count + 8 * tagKeys.count }
    }
}

extension ViewColumns.Exemplars {
    /// Appends an exemplar of a row that no other is behind; its tags are appended by the caller.
    package mutating func append(
        row: Int, value: Double, time: UInt64, trace: (high: UInt64, low: UInt64), span: UInt64, tagCount: Int
    ) {
        rows.append(UInt32(row))
        values.append(value)
        times.append(time)
        traceHighs.append(trace.high)
        traceLows.append(trace.low)
        spans.append(span)
        tagCounts.append(UInt32(tagCount))
    }

    /// Appends one of another table's.
    ///
    /// - Parameter starts: The other one's ``tagStarts``.
    mutating func append(_ other: Self, _ index: Int, starts: [Int], row: Int) {
        append(
            row: row, value: other.values[index], time: other.times[index],
            trace: (other.traceHighs[index], other.traceLows[index]), span: other.spans[index],
            tagCount: Int(other.tagCounts[index]))
        tagKeys += other.tagKeys[starts[index]..<starts[index + 1]]
        tagValues += other.tagValues[starts[index]..<starts[index + 1]]
    }

    /// Those for which a condition on their place holds.
    package func filter(_ isWanted: (Int) -> Bool) -> Self {
        var (result, starts) = (Self(), tagStarts)
        for index in 0..<count where isWanted(index) {
            result.append(self, index, starts: starts, row: Int(rows[index]))
        }
        return result
    }

    /// Where those of each of so many rows begin, and where the last one's end.
    package func rowStarts(_ rowCount: Int) -> [Int] {
        var counts = [UInt32](repeating: 0, count: rowCount)
        for row in rows { counts[Int(row)] += 1 }
        return counts.starts
    }

    /// Those of some rows, in that order.
    func picking(_ positions: some RandomAccessCollection<Int>, of rowCount: Int) -> Self {
        guard !isEmpty else { return self }
        var result = Self()
        let (starts, rowStarts) = (tagStarts, rowStarts(rowCount))
        for (row, position) in positions.enumerated() {
            for index in rowStarts[position]..<rowStarts[position + 1] {
                result.append(self, index, starts: starts, row: row)
            }
        }
        return result
    }

    /// Appends those of a table whose rows go behind so many.
    ///
    /// - Parameter names: What each of the other one's tag keys and values is here.
    mutating func append(_ other: Self, behind rowCount: Int, names: [UInt32]) {
        guard !other.isEmpty else { return }
        var other = other
        other.rename(names)
        rows += other.rows.map { $0 + UInt32(rowCount) }
        values += other.values
        times += other.times
        traceHighs += other.traceHighs
        traceLows += other.traceLows
        spans += other.spans
        tagCounts += other.tagCounts
        tagKeys += other.tagKeys
        tagValues += other.tagValues
    }

    /// Gives keys and values other numbers.
    mutating func rename(_ names: [UInt32]) {
        tagKeys = tagKeys.map { names[Int($0)] }
        tagValues = tagValues.map { names[Int($0)] }
    }
}

extension ViewColumns {
    /// Adds the exemplars of an older table to those of this one, but for those of a bucket which has one here: a bucket has
    /// one exemplar a batch.
    ///
    /// - Parameter partners: For each row here the older table's, or -1.
    mutating func addExemplars(of older: ViewColumns, _ partners: [Int]) {
        guard !older.exemplars.isEmpty else { return }
        let (mine, others) = (exemplars, older.exemplars)
        let (starts, otherStarts) = (mine.tagStarts, others.tagStarts)
        let (rowStarts, otherRowStarts) = (mine.rowStarts(rows), others.rowStarts(older.rows))
        var result = Exemplars()
        for (row, partner) in partners.enumerated() {
            var buckets: Set<ExemplarBucket> = []
            for index in rowStarts[row]..<rowStarts[row + 1] {
                buckets.insert(exemplarBucket(of: mine.values[index]))
                result.append(mine, index, starts: starts, row: row)
            }
            guard partner >= 0 else { continue }
            for index in otherRowStarts[partner]..<otherRowStarts[partner + 1]
            where buckets.insert(exemplarBucket(of: others.values[index])).inserted {
                result.append(others, index, starts: otherStarts, row: row)
            }
        }
        exemplars = result
    }

    private struct ExemplarBucket: Hashable {
        var number = 0
        var isNegative = false
    }

    /// What a value shares its exemplar with: a bucket, a power of two, or all.
    private func exemplarBucket(of value: Double) -> ExemplarBucket {
        switch aggregation {
        case .count, .sum, .lastValue: ExemplarBucket()
        case .distribution: ExemplarBucket(number: bounds.prefix { $0 < value }.count)
        case .exponentialDistribution:
            ExemplarBucket(number: Int(value.magnitude.nextDown.exponent), isNegative: value < 0)
        }
    }

    /// The greatest number of a string in any column.
    var greatestName: UInt32 {
        max(tagValues.max() ?? 0, exemplars.tagKeys.max() ?? 0, exemplars.tagValues.max() ?? 0)
    }
}

extension [UInt32] {
    /// Sums of the elements before each, and of all.
    fileprivate var starts: [Int] {
        var sum = 0
        var starts = [0]
        starts.reserveCapacity(count + 1)
        for element in self {
            sum += Int(element)
            starts.append(sum)
        }
        return starts
    }
}
