package import WeirBatch

/// What a batch says of the sinks of the process that made it: ``PipelineMetrics`` read back.
///
/// Batches of a delta feed add up; of others, the last collection says it all.
package struct AccountsReader: Sendable {
    /// One sink.
    package struct SinkAccounts: Equatable, Sendable {
        package let name: String
        package var accounts = Accounts()
        /// Calls to the exporter by result, as the metrics name it.
        package var deliveries: [String: UInt64] = [:]
        /// By the name that the metrics give it; nil where they do not say.
        package var state: String?
        /// When a delivery failed last, and why; since when they fail; when one succeeded last. Nanoseconds since 1970.
        package var failure: Failure?
        package var failingSince: UInt64?
        package var success: UInt64?
    }

    package struct Failure: Equatable, Sendable {
        package let time: UInt64
        package let reason: String
    }

    /// In the order in which they were met.
    package private(set) var sinks: [SinkAccounts] = []
    /// Whether what was read counts from batch to batch: then every batch is needed.
    package private(set) var isDelta = false

    package init() {}

    package mutating func add(_ batch: Batch) {
        for view in batch.views {
            for unit in Amount.Unit.allCases {
                if view.name == "weir.sink.\(unit)" { addAccounts(view, unit, batch) }
                if view.name == "weir.sink.held.\(unit)" { addHeld(view, unit, batch) }
            }
            switch view.name {
            case "weir.sink.deliveries": addDeliveries(view, batch)
            case "weir.sink.state": addState(view, batch)
            case "weir.sink.failure.time":
                addMoments(view, batch) { sink, time, reason in
                    guard let time else { return }
                    sink.failure = Failure(time: time, reason: reason ?? "")
                }
            case "weir.sink.failing.since": addMoments(view, batch) { sink, time, _ in sink.failingSince = time }
            case "weir.sink.success.time": addMoments(view, batch) { sink, time, _ in sink.success = time }
            default: break
            }
        }
    }

    private mutating func addState(_ view: ViewColumns, _ batch: Batch) {
        forEachRow(view, batch) { sink, state, _, value, _ in
            if value == 1 { sink.state = state }
        }
    }

    /// Rows whose values are seconds since 1970; nil for 0 and for what is none.
    private mutating func addMoments(
        _ view: ViewColumns, _ batch: Batch, _ body: (inout SinkAccounts, _ time: UInt64?, _ reason: String?) -> Void
    ) {
        guard view.doubles.count == view.rows, let sinkKey = view.tagKeys.firstIndex(of: "sink") else { return }
        let reasonKey = view.tagKeys.firstIndex(of: "reason")
        for row in 0..<view.rows {
            guard let name = Self.tag(sinkKey, row, view, batch) else { continue }
            let seconds = view.doubles[row]
            // To the millisecond, which is what a double of today's seconds holds, and before the year 2500.
            let time = seconds > 0 && seconds < 1.6e10 ? UInt64((seconds * 1000).rounded()) * 1_000_000 : nil
            body(&sinks[place(of: name)], time, reasonKey.flatMap { Self.tag($0, row, view, batch) })
        }
    }

    private static func tag(_ key: Int, _ row: Int, _ view: ViewColumns, _ batch: Batch) -> String? {
        let index = Int(view.tagValues[key * view.rows + row])
        return index == 0 ? nil : batch.strings[index - 1]
    }

    private mutating func place(of name: String) -> Int {
        if let place = sinks.firstIndex(where: { $0.name == name }) { return place }
        sinks.append(SinkAccounts(name: name))
        return sinks.count - 1
    }

    private mutating func addAccounts(_ view: ViewColumns, _ unit: Amount.Unit, _ batch: Batch) {
        forEachRow(view, batch) { sink, account, cause, value, isDelta in
            func set(_ amount: inout Amount) { amount[unit] = isDelta ? amount[unit] &+ value : value }
            switch (account, cause.flatMap(Gap.Cause.init)) {
            case ("recovered", _): set(&sink.accounts.recovered)
            case ("offered", _): set(&sink.accounts.offered)
            case ("accepted", _): set(&sink.accounts.accepted)
            case ("delivered", _): set(&sink.accounts.delivered)
            case ("coalesced", _): set(&sink.accounts.coalesced)
            case ("uncertain", _): set(&sink.accounts.uncertain)
            case ("refused", let cause?): set(&sink.accounts.refused[cause])
            case ("dropped", let cause?): set(&sink.accounts.dropped[cause])
            default: break  // Of a later version.
            }
        }
    }

    private mutating func addHeld(_ view: ViewColumns, _ unit: Amount.Unit, _ batch: Batch) {
        forEachRow(view, batch) { sink, state, _, value, isDelta in
            func set(_ amount: inout Amount) { amount[unit] = isDelta ? amount[unit] &+ value : value }
            switch state {
            case "queued": set(&sink.accounts.queued)
            case "inflight": set(&sink.accounts.inflight)
            case "spilled": set(&sink.accounts.spilled)
            default: break
            }
        }
    }

    private mutating func addDeliveries(_ view: ViewColumns, _ batch: Batch) {
        forEachRow(view, batch) { sink, result, _, value, isDelta in
            sink.deliveries[result] = isDelta ? (sink.deliveries[result] ?? 0) &+ value : value
        }
    }

    /// Rows whose tags are sink, a word, and perhaps a cause. A row that says otherwise is passed over.
    private mutating func forEachRow(
        _ view: ViewColumns, _ batch: Batch,
        _ body: (inout SinkAccounts, _ word: String, _ cause: String?, _ value: UInt64, _ isDelta: Bool) -> Void
    ) {
        guard view.integers.count == view.rows, let sinkKey = view.tagKeys.firstIndex(of: "sink"),
            let wordKey = view.tagKeys.firstIndex(where: { ["account", "state", "result"].contains($0) })
        else { return }
        let isDelta = view.temporality == .delta
        if isDelta { self.isDelta = true }
        let causeKey = view.tagKeys.firstIndex(of: "cause")
        for row in 0..<view.rows {
            guard let name = Self.tag(sinkKey, row, view, batch), let word = Self.tag(wordKey, row, view, batch)
            else { continue }
            let value = UInt64(bitPattern: view.integers[row])
            let cause = causeKey.flatMap { Self.tag($0, row, view, batch) }
            body(&sinks[place(of: name)], word, cause, value, isDelta)
        }
    }
}

extension Gap.Cause {
    /// By the name that the metrics give it.
    fileprivate init?(_ name: String) {
        guard let cause = Self.allCases.first(where: { "\($0)" == name }) else { return nil }
        self = cause
    }
}
