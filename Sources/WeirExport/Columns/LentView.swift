internal import CWeirPlugin
internal import WeirBatch

/// A view's table, and its rows one at a time.
///
/// An object, since the columns are many arrays: a copy of them for each row would count a reference to each.
@safe
final class LentView {
    let view: weir_view

    private let columns: ViewColumns
    /// The batch's, which is that of all series that go on.
    private let endTime: UInt64
    private let strings: LentStrings
    private let keys: [weir_text]
    /// Where each row's buckets begin.
    private let positiveStarts: [Int]
    private let negativeStarts: [Int]
    /// Where each row's exemplars begin, and each exemplar's tags.
    private let exemplarStarts: [Int]
    private let exemplarTagStarts: [Int]

    // Of the row that was lent last.
    private let tags = unsafe RowArray<weir_tag>()
    private let buckets = RowArray<UInt64>()
    private let positive = RowBuckets()
    private let negative = RowBuckets()
    private let exemplars = RowExemplars()

    init(_ columns: ViewColumns, endTime: UInt64, _ strings: LentStrings, in arena: Arena) {
        self.columns = columns
        self.endTime = endTime
        self.strings = strings
        unsafe keys = columns.tagKeys.map { unsafe arena.text($0) }
        unsafe view = weir_view(
            size: 0, kind: columns.aggregation.kind, flags: columns.flags, scale: columns.scale,
            rows_count: columns.rows, name: arena.text(columns.name), description: arena.text(columns.description),
            unit: arena.text(columns.unit), measure: arena.text(columns.measure), bounds: arena.array(columns.bounds),
            bounds_count: columns.bounds.count)
        positiveStarts = columns.positive.starts
        negativeStarts = columns.negative.starts
        exemplarStarts = columns.exemplars.isEmpty ? [] : columns.exemplars.rowStarts(columns.rows)
        exemplarTagStarts = columns.exemplars.tagStarts
    }

    /// nil where there is no such row.
    func row(_ row: Int) -> weir_row? {
        guard 0..<columns.rows ~= row else { return nil }
        var lent = unsafe weir_row()
        unsafe fillTags(of: row, &lent)
        unsafe lent.start_time = columns.startTimes[row]
        let ended = columns.endTimes.isEmpty ? 0 : columns.endTimes[row]
        unsafe lent.end_time = ended == 0 ? endTime : ended
        if columns.hasIntegers {
            unsafe lent.integer = columns.integers[row]
            unsafe lent.value = Double(columns.integers[row])
        } else {
            unsafe lent.value = columns.doubles[row]
        }
        if !columns.minima.isEmpty { unsafe lent.minimum = columns.minima[row] }
        if !columns.maxima.isEmpty { unsafe lent.maximum = columns.maxima[row] }
        switch columns.aggregation {
        case .count, .sum, .lastValue: break
        case .distribution: unsafe fillBuckets(of: row, &lent)
        case .exponentialDistribution: unsafe fillExponential(of: row, &lent)
        }
        if !columns.exemplars.isEmpty { unsafe fillExemplars(of: row, &lent) }
        return unsafe lent
    }

    private func fillTags(of row: Int, _ lent: inout weir_row) {
        unsafe tags.removeAll()
        for key in unsafe keys.indices {
            let value = columns.tagValues[key * columns.rows + row]
            if value != 0 { unsafe tags.append(weir_tag(key: keys[key], value: strings[Int(value) - 1])) }
        }
        unsafe lent.tags = tags.start
        unsafe lent.tags_count = tags.count
    }

    private func fillExemplars(of row: Int, _ lent: inout weir_row) {
        let range = exemplarStarts[row]..<exemplarStarts[row + 1]
        unsafe exemplars.lend(columns.exemplars, range, exemplarTagStarts) { unsafe strings[Int($0) - 1] }
        unsafe lent.exemplars = exemplars.start
        unsafe lent.exemplars_count = exemplars.count
    }

    private func fillBuckets(of row: Int, _ lent: inout weir_row) {
        let count = columns.bounds.count + 1
        buckets.removeAll()
        for place in row * count..<(row + 1) * count {
            buckets.append(columns.bucketCounts[place])
            unsafe lent.count += columns.bucketCounts[place]  // The decoder has seen that the sum fits.
        }
        unsafe lent.buckets = buckets.start
        unsafe lent.buckets_count = buckets.count
    }

    private func fillExponential(of row: Int, _ lent: inout weir_row) {
        let zero = columns.zeroCounts[row]
        unsafe lent.zero_count = zero
        unsafe lent.positive = positive.lend(columns.positive, positiveStarts, row)
        unsafe lent.negative = negative.lend(columns.negative, negativeStarts, row)
        unsafe lent.count = zero + positive.total + negative.total
    }
}

extension ViewColumns {
    fileprivate var hasIntegers: Bool { aggregation == .count || number == .int64 }

    fileprivate var flags: UInt32 {
        var flags = 0
        if hasIntegers { flags |= WEIR_VIEW_INTEGER }
        if isMonotonic { flags |= WEIR_VIEW_MONOTONIC }
        if temporality == .delta { flags |= WEIR_VIEW_DELTA }
        if !minima.isEmpty && !maxima.isEmpty { flags |= WEIR_VIEW_RANGE }
        return UInt32(flags)
    }
}

extension ViewColumns.Aggregation {
    fileprivate var kind: UInt32 {
        switch self {
        case .count: UInt32(WEIR_VIEW_COUNT)
        case .sum: UInt32(WEIR_VIEW_SUM)
        case .lastValue: UInt32(WEIR_VIEW_LAST_VALUE)
        case .distribution: UInt32(WEIR_VIEW_DISTRIBUTION)
        case .exponentialDistribution: UInt32(WEIR_VIEW_EXPONENTIAL_DISTRIBUTION)
        }
    }
}

extension ViewColumns.ExponentialBuckets {
    fileprivate var starts: [Int] {
        var next = 0
        return lengths.map { length in
            defer { next += Int(length) }
            return next
        }
    }
}
