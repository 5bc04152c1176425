internal import WeirBatch

/// Weir's own metrics: the accounts of all sinks, as columns like any others.
///
///     weir.sink.batches|rows|bytes         sink, account, cause    what each account counted
///     weir.sink.held.batches|rows|bytes    sink, state             queued, inflight, spilled
///     weir.sink.deliveries                 sink, result            calls to the exporter
///     weir.sink.state                      sink, state             1 for what ``SinkState/Condition`` it is in, else 0
///     weir.sink.failure.time               sink, reason            when a delivery failed last; none before the first
///     weir.sink.failing.since              sink                    since when none was answered; 0 where the last one was
///     weir.sink.success.time               sink                    when a delivery succeeded last; 0 before the first
///     weir.exporter.<counter>              sink                    what the exporter counts itself
///     weir.collections                     result                  encoded, failed, late
///     weir.collection.views.failed         view                    collections that left it out: it cannot be encoded
///     weir.feed.rows.lost                                          ends of series that a feed could not keep
///     weir.feed.rows.oversized             view                    rows that were left out: each is too long for any reader
///     weir.collection.duration                                     of the collection before
///
/// Times are seconds since 1970. The accounts of one sink come from one moment, so that a reader can check their identity.
struct PipelineMetrics {
    /// When counting began. Nanoseconds since 1970.
    var startTime: UInt64 = 0

    private var strings: [String: UInt32] = [:]

    /// Fills a batch of its own with the views.
    mutating func fill(_ batch: inout Batch, _ sinks: [SinkSnapshot], _ counts: CollectionCounts) {
        strings = [:]
        batch.strings.removeAll()
        batch.views.removeAll(keepingCapacity: true)
        for (unit, name, symbol) in [
            (Amount.Unit.batches, "batches", "{batch}"), (.rows, "rows", "{row}"), (.bytes, "bytes", "By"),
        ] {
            var accounts = view("weir.sink.\(name)", symbol, "What became of what the sink was offered")
            accounts.tagKeys = ["sink", "account", "cause"]
            var held = view("weir.sink.held.\(name)", symbol, "What the sink holds", isMonotonic: false)
            held.tagKeys = ["sink", "state"]
            var (accountRows, heldRows) = (Rows(), Rows())
            for sink in sinks {
                for (account, cause, amount) in Self.accounts(sink.accounts) {
                    accountRows.add([sink.name, account, cause], amount[unit])
                }
                heldRows.add([sink.name, "queued"], sink.accounts.queued[unit])
                heldRows.add([sink.name, "inflight"], sink.accounts.inflight[unit])
                heldRows.add([sink.name, "spilled"], sink.accounts.spilled[unit])
            }
            append(accounts, accountRows, to: &batch)
            append(held, heldRows, to: &batch)
        }
        appendDeliveries(sinks, to: &batch)
        appendHealth(sinks, to: &batch)
        appendCounters(sinks, to: &batch)
        appendCollections(counts, to: &batch)
    }

    private static func accounts(_ accounts: Accounts) -> [(account: String, cause: String?, amount: Amount)] {
        var rows: [(account: String, cause: String?, amount: Amount)] = [
            ("recovered", nil, accounts.recovered), ("offered", nil, accounts.offered),
            ("accepted", nil, accounts.accepted), ("delivered", nil, accounts.delivered),
            ("coalesced", nil, accounts.coalesced), ("uncertain", nil, accounts.uncertain),
        ]
        for cause in Gap.Cause.allCases {
            if accounts.refused[cause] != Amount() { rows.append(("refused", "\(cause)", accounts.refused[cause])) }
            if accounts.dropped[cause] != Amount() { rows.append(("dropped", "\(cause)", accounts.dropped[cause])) }
        }
        return rows
    }

    private mutating func appendDeliveries(_ sinks: [SinkSnapshot], to batch: inout Batch) {
        var deliveries = view("weir.sink.deliveries", "{call}", "How calls to the exporter ended")
        deliveries.tagKeys = ["sink", "result"]
        var rows = Rows()
        for sink in sinks {
            rows.add([sink.name, "ok"], sink.deliveries.delivered)
            rows.add([sink.name, "retry"], sink.deliveries.retried)
            rows.add([sink.name, "partial"], sink.deliveries.partial)
            rows.add([sink.name, "reject"], sink.deliveries.rejected)
            rows.add([sink.name, "fatal"], sink.deliveries.fatal)
            if sink.deliveries.late > 0 { rows.add([sink.name, "late"], sink.deliveries.late) }
        }
        append(deliveries, rows, to: &batch)
    }

    /// The longest reason, in characters: a tag's value, of which a sink has one at a time.
    private static let longestReason = 200

    private mutating func appendHealth(_ sinks: [SinkSnapshot], to batch: inout Batch) {
        var state = view("weir.sink.state", "{state}", "1 for the state that the sink is in", isMonotonic: false)
        state.aggregation = .lastValue
        state.tagKeys = ["sink", "state"]
        var states = Rows()
        var (failures, since, successes) = (Moments(), Moments(), Moments())
        for sink in sinks {
            for condition in SinkState.Condition.allCases {
                states.add([sink.name, "\(condition)"], condition == sink.condition ? 1 : 0)
            }
            if let failure = sink.moments.failure {
                failures.add([sink.name, String(sink.lastMessage.prefix(Self.longestReason))], failure)
            }
            since.add([sink.name], sink.moments.failingSince ?? 0)
            successes.add([sink.name], sink.moments.success ?? 0)
        }
        append(state, states, to: &batch)
        append("weir.sink.failure.time", "When a delivery failed last", ["sink", "reason"], failures, to: &batch)
        append("weir.sink.failing.since", "Since when deliveries fail, 0: they do not", ["sink"], since, to: &batch)
        append("weir.sink.success.time", "When a delivery succeeded last", ["sink"], successes, to: &batch)
    }

    /// One view a counter's name; sinks whose exporters count the same share it.
    private mutating func appendCounters(_ sinks: [SinkSnapshot], to batch: inout Batch) {
        var rows: [String: (unit: String, rows: Rows)] = [:]
        for sink in sinks {
            for counter in sink.counters {
                rows[counter.name, default: (counter.unit, Rows())].rows.add([sink.name], counter.value)
            }
        }
        for (name, counter) in rows.sorted(by: { $0.key < $1.key }) {
            var columns = view("weir.exporter.\(name)", counter.unit, "Counted by the exporter")
            columns.tagKeys = ["sink"]
            append(columns, counter.rows, to: &batch)
        }
    }

    private mutating func appendCollections(_ counts: CollectionCounts, to batch: inout Batch) {
        var collections = view("weir.collections", "{collection}", "Collections, and ticks too late for their own")
        collections.tagKeys = ["result"]
        var rows = Rows()
        rows.add(["encoded"], counts.collections)
        rows.add(["failed"], counts.failures)
        rows.add(["late"], counts.lateTicks)
        append(collections, rows, to: &batch)
        var failed = view(
            "weir.collection.views.failed", "{collection}", "Collections without a view that cannot be encoded")
        failed.tagKeys = ["view"]
        var failedRows = Rows()
        for (name, view) in counts.failedViews.sorted(by: { $0.key < $1.key }) {
            failedRows.add([name], view.collections)
        }
        append(failed, failedRows, to: &batch)
        var lost = Rows()
        lost.add([], counts.lostRows)
        append(view("weir.feed.rows.lost", "{row}", "Ends of series that a feed could not keep"), lost, to: &batch)
        var oversized = view("weir.feed.rows.oversized", "{row}", "Rows left out, as each is too long for any reader")
        oversized.tagKeys = ["view"]
        var oversizedRows = Rows()
        for (name, rows) in counts.oversizedRows.sorted(by: { $0.key < $1.key }) { oversizedRows.add([name], rows) }
        append(oversized, oversizedRows, to: &batch)
        var duration = view("weir.collection.duration", "s", "Time to collect and encode, the last time")
        duration.aggregation = .lastValue
        duration.number = .double
        duration.isMonotonic = false
        duration.doubles = [Double(counts.lastDurationNanoseconds) / 1e9]
        var row = Rows()
        row.add([], nil)
        append(duration, row, to: &batch)
    }

    // MARK: - Columns

    /// Rows while they are gathered: tag values and a number each.
    private struct Rows {
        var tags: [[String?]] = []
        var values: [UInt64] = []

        mutating func add(_ tags: [String?], _ value: UInt64?) {
            self.tags.append(tags)
            if let value { values.append(value) }
        }
    }

    /// Rows of a moment each.
    private struct Moments {
        var rows = Rows()
        /// Seconds since 1970, to the millisecond.
        var seconds: [Double] = []

        mutating func add(_ tags: [String?], _ nanoseconds: UInt64) {
            rows.add(tags, nil)
            seconds.append(Double(nanoseconds / 1_000_000) / 1000)
        }
    }

    private mutating func append(
        _ name: String, _ description: String, _ keys: [String], _ moments: Moments, to batch: inout Batch
    ) {
        var columns = view(name, "s", description, isMonotonic: false)
        columns.aggregation = .lastValue
        columns.number = .double
        columns.tagKeys = keys
        columns.doubles = moments.seconds
        append(columns, moments.rows, to: &batch)
    }

    private func view(
        _ name: String, _ unit: String, _ description: String, isMonotonic: Bool = true
    ) -> ViewColumns {
        var columns = ViewColumns()
        columns.name = name
        columns.measure = name
        columns.unit = unit
        columns.description = description
        columns.aggregation = .sum
        columns.isMonotonic = isMonotonic
        return columns
    }

    private mutating func append(_ columns: ViewColumns, _ rows: Rows, to batch: inout Batch) {
        guard !rows.tags.isEmpty else { return }
        var columns = columns
        columns.rows = rows.tags.count
        columns.startTimes = Array(repeating: startTime, count: rows.tags.count)
        columns.integers = rows.values.map { Int64(clamping: $0) }
        for key in columns.tagKeys.indices {
            for tags in rows.tags { columns.tagValues.append(tags[key].map { index(of: $0, in: &batch) + 1 } ?? 0) }
        }
        batch.views.append(columns)
    }

    private mutating func index(of string: String, in batch: inout Batch) -> UInt32 {
        if let index = strings[string] { return index }
        let index = batch.strings.append(string)
        strings[string] = index
        return index
    }
}
