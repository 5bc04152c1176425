internal import WeirBatch
internal import WeirRecording

/// Weir's own metrics of recording, as columns like any others.
///
///     weir.measurements.discarded      cause    rejected, gone, lost: in no series
///     weir.measurements.overflowed     view     in the overflow series
///     weir.series                      view     how many there are
///     weir.series.unreported                    ended before anybody collected
///     weir.values.clamped                       integers that no Int64 holds, told as the nearest one in a collection
///     weir.tags.cut                             values of tags that were too long, in all of the process
///     weir.callbacks.late                       callbacks that had not returned when their collection was made
struct RecordingMetrics {
    let views: [ViewSnapshot]
    let counts: RecordingCounts
    let stats: Stats
    let startTime: UInt64
    let clampedValues: UInt64

    func append(to batch: inout Batch, _ strings: inout TagDictionary) {
        let discarded = [("rejected", counts.rejected), ("gone", counts.gone), ("lost", counts.lost)]
        let registered = views.filter { $0.version >= 0 }
        let tables = [
            table("weir.measurements.discarded", "{measurement}", "In no series", by: "cause", discarded, &strings),
            table(
                "weir.measurements.overflowed", "{measurement}", "In the overflow series of a view at its limit",
                by: "view", registered.map { ($0.state.view.name, stats.overflowCount(of: $0.state)) }, &strings),
            table(
                "weir.series", "{series}", "Series of a view", by: "view",
                registered.map { ($0.state.view.name, UInt64($0.live.count)) }, isMonotonic: false, &strings),
            table(
                "weir.series.unreported", "{series}", "Ended before anybody collected", by: nil,
                [("", counts.unreported)], &strings),
            table(
                "weir.values.clamped", "{value}", "Integers that no Int64 holds, told as the nearest in a collection",
                by: nil, [("", clampedValues)], &strings),
            table(
                "weir.tags.cut", "{tag}", "Values of tags that were too long, each time one was given", by: nil,
                [("", TagLimit.cutCount)], &strings),
            table(
                "weir.callbacks.late", "{callback}", "Callbacks that had not returned when their collection was made",
                by: nil, [("", counts.late)], &strings),
        ]
        batch.views.append(contentsOf: tables.filter { $0.rows > 0 })
    }

    private func table(
        _ name: String, _ unit: String, _ description: String, by key: String?, _ rows: [(String, UInt64)],
        isMonotonic: Bool = true, _ strings: inout TagDictionary
    ) -> ViewColumns {
        var columns = ViewColumns()
        columns.name = name
        columns.measure = name
        columns.unit = unit
        columns.description = description
        columns.aggregation = .sum
        columns.isMonotonic = isMonotonic
        columns.rows = rows.count
        columns.integers = rows.map { Int64(clamping: $0.1) }
        columns.startTimes = [UInt64](repeating: startTime, count: rows.count)
        if let key {
            columns.tagKeys = [key]
            columns.tagValues = rows.map { strings.index(of: $0.0) + 1 }
        }
        return columns
    }
}
