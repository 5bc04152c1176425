internal import CWeirPlugin
internal import WeirBatch

/// A batch as C structures. What they point to lives as long as this object, and a row's arrays until the next row.
@safe
final class LentBatch {
    let batch: weir_batch

    private let decoded: Batch
    private let views: [LentView]
    private let arena: Arena
    /// The bytes of all tag values, a zero byte behind each.
    private let strings: UnsafePointer<CChar>
    private let tags = unsafe RowArray<weir_tag>()
    private let buckets = RowArray<UInt64>()
    private let positive = RowBuckets()
    private let negative = RowBuckets()
    private let exemplars = RowExemplars()

    init(_ decoded: Batch) {
        let arena = Arena()
        self.arena = arena
        self.decoded = decoded
        views = decoded.views.map { LentView($0, in: arena) }
        unsafe strings = arena.bytes(decoded.strings.bytes)
        let resource = unsafe decoded.resource.map { attribute in
            unsafe weir_tag(key: arena.text(attribute.key), value: arena.text(attribute.value))
        }
        unsafe batch = weir_batch(
            size: 0, reserved: 0, views_count: decoded.views.count, resource: arena.array(resource),
            resource_count: resource.count)
    }

    func view(_ index: Int) -> weir_view? {
        unsafe views.indices.contains(index) ? views[index].view : nil
    }

    func row(_ row: Int, of index: Int) -> weir_row? {
        guard views.indices.contains(index), 0..<decoded.views[index].rows ~= row else { return nil }
        var lent = unsafe weir_row()
        let columns = decoded.views[index]
        unsafe fillTags(of: row, in: columns, views[index].keys, &lent)
        unsafe lent.start_time = columns.startTimes[row]
        let ended = columns.endTimes.isEmpty ? 0 : columns.endTimes[row]
        unsafe lent.end_time = ended == 0 ? decoded.endTime : ended
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
        case .distribution: unsafe fillBuckets(of: row, in: columns, &lent)
        case .exponentialDistribution: unsafe fillExponential(of: row, in: columns, views[index], &lent)
        }
        if !columns.exemplars.isEmpty { unsafe fillExemplars(of: row, in: columns, views[index], &lent) }
        return unsafe lent
    }

    private func fillTags(of row: Int, in columns: ViewColumns, _ keys: [weir_text], _ lent: inout weir_row) {
        unsafe tags.removeAll()
        for key in unsafe keys.indices {
            let value = columns.tagValues[key * columns.rows + row]
            if value != 0 { unsafe tags.append(weir_tag(key: keys[key], value: string(Int(value) - 1))) }
        }
        unsafe lent.tags = tags.start
        unsafe lent.tags_count = tags.count
    }

    private func string(_ index: Int) -> weir_text {
        let offsets = decoded.strings.offsets
        let start = Int(offsets[index])
        let end = index + 1 < offsets.count ? Int(offsets[index + 1]) : decoded.strings.bytes.count
        return unsafe weir_text(bytes: strings + start, length: end - start - 1)
    }

    private func fillExemplars(of row: Int, in columns: ViewColumns, _ view: LentView, _ lent: inout weir_row) {
        let range = view.exemplarStarts[row]..<view.exemplarStarts[row + 1]
        unsafe exemplars.lend(columns.exemplars, range, view.exemplarTagStarts) { unsafe string(Int($0) - 1) }
        unsafe lent.exemplars = exemplars.start
        unsafe lent.exemplars_count = exemplars.count
    }

    private func fillBuckets(of row: Int, in columns: ViewColumns, _ lent: inout weir_row) {
        let count = columns.bounds.count + 1
        buckets.removeAll()
        for bucket in columns.bucketCounts[row * count..<(row + 1) * count] {
            buckets.append(bucket)
            unsafe lent.count += bucket  // The decoder has seen that the sum fits.
        }
        unsafe lent.buckets = buckets.start
        unsafe lent.buckets_count = buckets.count
    }

    private func fillExponential(of row: Int, in columns: ViewColumns, _ view: LentView, _ lent: inout weir_row) {
        let zero = columns.zeroCounts[row]
        unsafe lent.zero_count = zero
        unsafe lent.positive = positive.lend(columns.positive, view.positiveStarts, row)
        unsafe lent.negative = negative.lend(columns.negative, view.negativeStarts, row)
        unsafe lent.count = zero + positive.total + negative.total
    }
}

extension ViewColumns {
    fileprivate var hasIntegers: Bool { aggregation == .count || number == .int64 }
}

/// What is the same for all rows of a view.
@safe
private struct LentView {
    let view: weir_view
    let keys: [weir_text]
    /// Where each row's buckets begin.
    let positiveStarts: [Int]
    let negativeStarts: [Int]
    /// Where each row's exemplars begin, and each exemplar's tags.
    let exemplarStarts: [Int]
    let exemplarTagStarts: [Int]

    init(_ columns: ViewColumns, in arena: Arena) {
        var flags = 0
        if columns.hasIntegers { flags |= WEIR_VIEW_INTEGER }
        if columns.isMonotonic { flags |= WEIR_VIEW_MONOTONIC }
        if columns.temporality == .delta { flags |= WEIR_VIEW_DELTA }
        if !columns.minima.isEmpty && !columns.maxima.isEmpty { flags |= WEIR_VIEW_RANGE }
        unsafe keys = columns.tagKeys.map { unsafe arena.text($0) }
        unsafe view = weir_view(
            size: 0, kind: columns.aggregation.kind, flags: UInt32(flags), scale: columns.scale,
            rows_count: columns.rows, name: arena.text(columns.name), description: arena.text(columns.description),
            unit: arena.text(columns.unit), measure: arena.text(columns.measure), bounds: arena.array(columns.bounds),
            bounds_count: columns.bounds.count)
        positiveStarts = columns.positive.starts
        negativeStarts = columns.negative.starts
        exemplarStarts = columns.exemplars.isEmpty ? [] : columns.exemplars.rowStarts(columns.rows)
        exemplarTagStarts = columns.exemplars.tagStarts
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
