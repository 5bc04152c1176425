internal import WeirExporterKit
internal import WeirExporterSupport

/// Makes `WriteRequest`s of batches, and remembers which series there are, so that their end can be told.
struct SeriesEncoder: ~Copyable, Sendable {
    /// What a batch has otherwise in Prometheus's words.
    struct Changes {
        /// Rows of views whose name another view has: they are sent under another one.
        var clashed: UInt64 = 0
        /// Rows that differ from another only in what Prometheus does not tell apart, as an empty tag and none: they
        /// were added to it, or were an earlier life of it.
        var repeated: UInt64 = 0
        var clashes: [NameClaims.Clash] = []
    }

    private(set) var changes = Changes()
    private let limit: Int
    private let isNative: Bool
    private let classicBuckets: Int
    private var writer = WireWriter(capacity: 65_536)
    private var rows: UInt64 = 0
    private var claims = NameClaims()
    private var labeller = Labeller(reserved: ["le", "job", "instance", "quantile"])
    /// The rows that were sent last, and those of the batch that is being sent.
    private var live: [LiveSeries.Key: LiveSeries] = [:]
    private var next: [LiveSeries.Key: LiveSeries] = [:]
    private var lastTime: Int64 = 0
    private var common: [Label] = []

    init(limit: Int, isNative: Bool, classicBuckets: Int) {
        self.limit = limit
        self.isNative = isNative
        self.classicBuckets = classicBuckets
    }

    /// - Parameters:
    ///   - isWhole: Whether the batch is a whole collection: a row that is missing has then ended.
    ///   - emit: Takes a request and the number of its rows.
    mutating func encode<Failure: Error>(
        _ batch: borrowing DeliveredBatch, at times: CollectionTimes, isWhole: Bool,
        emit: ([UInt8], UInt64) throws(Failure) -> Void
    ) throws(Failure) {
        begin(batch, times)
        for view in batch.views {
            let (name, clash) = claims.claim(FamilyName(view), for: view.name)
            if let clash {
                changes.clashes.append(clash)
                changes.clashed += UInt64(view.rows)
            }
            writer.add(metadata: name, help: view.description.isEmpty ? view.measure : view.description)
            let grid = grid(batch, view)
            var labeller = labeller
            changes.repeated += try batch.forEachSeries(
                of: view, at: times.collected,
                distinguish: { labels, mark in labels + [Label(Mark.key, mark)] },
                name: { labeller.labels($0.tags) }
            ) { labels, row throws(Failure) in
                let key = LiveSeries.Key(family: name.family, labels: labels)
                next[key] = LiveSeries(name: name, shape: shape(view, grid), hasEnded: row.endTime < times.collected)
                let before = writer.count
                write(row, key, grid, times)
                if writer.count > limit, rows > 0 {
                    writer.rewind(to: before)
                    try emit(writer.bytes, rows)
                    writer.reset()
                    rows = 0
                    write(row, key, grid, times)
                }
                rows += 1
            }
            self.labeller = labeller
        }
        if isWhole {
            // In the order of the dictionary, which is the same at the next attempt.
            for (key, series) in live where next[key] == nil { end(key, series, .all, times.now) }
        }
        if writer.count > 0 { try emit(writer.bytes, rows) }
    }

    /// Takes over what the batch had, once the server has it.
    ///
    /// - Parameter isWhole: Whether what it did not have is no more.
    mutating func commit(_ times: CollectionTimes, isWhole: Bool) {
        if isWhole { live = next } else { live.merge(next) { $1 } }
        live = live.filter { !$0.value.hasEnded }
        lastTime = max(lastTime, times.now)
        next = [:]
    }

    /// The end of all series, when there will be no more.
    mutating func encodeEnd() -> [UInt8]? {
        guard !live.isEmpty else { return nil }
        writer.reset()
        for (key, series) in live { end(key, series, .all, lastTime + 1) }
        live = [:]
        return writer.bytes
    }

    // MARK: - Rows

    private mutating func begin(_ batch: borrowing DeliveredBatch, _ times: CollectionTimes) {
        writer.reset()
        rows = 0
        changes = Changes()
        next = [:]
        claims.begin()
        let target = Target(resource: batch.resource)
        common = [("job", target.job), ("instance", target.instance)].compactMap { name, value in
            value.map { Label(name, $0) }
        }
        if !target.otherLabels.isEmpty {
            writer.add(series: named(Target.sample, target.otherLabels), [.number(1, times.now)])
        }
    }

    /// Buckets for all rows of an exponential distribution.
    private func grid(_ batch: borrowing DeliveredBatch, _ view: DeliveredView) -> ExponentialGrid? {
        guard case .exponentialDistribution(let scale) = view.kind else { return nil }
        if isNative, scale >= NativeHistogram.schemas.lowerBound { return nil }
        var all: [ExponentialGrid.Buckets] = []
        batch.forEachRow(of: view) { row in all.append(ExponentialGrid.Buckets(row)) }
        return ExponentialGrid(scale: scale, series: all, limit: classicBuckets)
    }

    private func shape(_ view: DeliveredView, _ grid: ExponentialGrid?) -> LiveSeries.Shape {
        switch view.kind {
        case .count, .sum, .lastValue: .number
        case .distribution(let bounds): .classic(bounds)
        case .exponentialDistribution(let scale): grid.map { .classic($0.bounds) } ?? .native(scale: scale)
        }
    }

    // MARK: - Series

    private mutating func write(
        _ row: DeliveredRow, _ key: LiveSeries.Key, _ grid: ExponentialGrid?, _ times: CollectionTimes
    ) {
        guard let series = next[key] else { return }
        if let before = live[key] { end(key, before, before.ended(since: series), times.now) }
        let ends = series.hasEnded ? times.now : nil
        // Where there is no time between two collections for its last value, its end is told all the same.
        let time = series.hasEnded ? times.last(row.endTime) : times.now
        func samples(_ value: Double) -> [Sample] {
            (time.map { [.number(value, $0)] } ?? []) + (ends.map { [.number(Sample.stale, $0)] } ?? [])
        }
        let name = series.name
        switch series.shape {
        case .number:
            let exemplars = row.exemplars.newest(by: []).compactMap { $0 }
            writer.add(series: named(name.sample, key.labels), samples(row.value), exemplars)
        case .classic(let bounds):
            let exemplars = row.exemplars.newest(by: bounds)
            let counts = grid?.counts(ExponentialGrid.Buckets(row)) ?? row.buckets
            var below: UInt64 = 0
            for (place, count) in counts.enumerated() {
                below &+= count
                let bound = place < bounds.count ? bounds[place] : .infinity
                let newest = exemplars[place].map { [$0] } ?? []
                writer.add(series: bucket(name, key.labels, bound), samples(Double(below)), newest)
            }
            writer.add(series: named(name.family + "_sum", key.labels), samples(row.value))
            writer.add(series: named(name.family + "_count", key.labels), samples(Double(below)))
        case .native(let scale):
            var histograms: [Sample] = []
            if let time, let histogram = NativeHistogram(row, scale: scale) {
                histograms.append(.histogram(histogram, time))
            }
            if let ends { histograms.append(.histogram(NativeHistogram(ended: Sample.stale), ends)) }
            writer.add(
                series: named(name.family, key.labels), histograms, row.exemplars.sorted { $0.time < $1.time })
        }
    }

    /// Tells that series are no more.
    private mutating func end(
        _ key: LiveSeries.Key, _ series: LiveSeries, _ ended: LiveSeries.Ended, _ time: Int64
    ) {
        let stale = [Sample.number(Sample.stale, time)]
        let name = series.name
        switch (series.shape, ended) {
        case (_, .none): break
        case (.number, _): writer.add(series: named(name.sample, key.labels), stale)
        case (.classic, .bounds(let bounds)):
            for bound in bounds { writer.add(series: bucket(name, key.labels, bound), stale) }
        case (.classic(let bounds), .all):
            for bound in bounds + [.infinity] { writer.add(series: bucket(name, key.labels, bound), stale) }
            writer.add(series: named(name.family + "_sum", key.labels), stale)
            writer.add(series: named(name.family + "_count", key.labels), stale)
        case (.native, _):
            writer.add(
                series: named(name.family, key.labels), [.histogram(NativeHistogram(ended: Sample.stale), time)])
        }
    }

    private func bucket(_ name: FamilyName, _ labels: [Label], _ bound: Double) -> [Label] {
        named(name.family + "_bucket", labels + [Label("le", TextNumber.bound(bound))])
    }

    /// The labels of a series: all of them, in the order of their names.
    private func named(_ name: String, _ labels: [Label]) -> [Label] {
        var all = common + labels
        all.append(Label("__name__", name))
        // Names are ASCII, so that this order is that of their bytes, which remote write asks for.
        all.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return all
    }
}

extension ExponentialGrid.Buckets {
    fileprivate init(_ row: DeliveredRow) {
        self.init(zeroCount: row.zeroCount, positive: row.positive, negative: row.negative)
    }
}
