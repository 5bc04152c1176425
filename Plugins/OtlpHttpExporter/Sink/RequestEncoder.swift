package import WeirExporterKit
internal import WeirExporterSupport

/// Makes `ExportMetricsServiceRequest`s of a batch: one, or several where it is large.
///
/// Numbers of fields are those of `opentelemetry/proto/metrics/v1/metrics.proto`. All is written from its end, so each
/// function below adds fields in descending order.
///
/// The points of one series ascend in time, in a request and from one to the next: a server drops what is older than what it
/// has. So what ended stands before what goes on, and where that does not fit into one request, what ended goes first.
package struct RequestEncoder: ~Copyable, Sendable {
    /// What a request may have in bytes. A point that is larger goes alone.
    private let limit: Int
    private var writer = WireWriter(capacity: 65_536)
    /// Rows in the request that is being made.
    private var rows: UInt64 = 0

    /// Tags and lengths of the messages that are not closed yet.
    private static let openBytes = 64

    /// - Parameter limit: In bytes, before compression.
    package init(limit: Int) {
        self.limit = limit - Self.openBytes
    }

    /// - Parameters:
    ///   - time: When the batch was collected. A series whose time is earlier has ended.
    ///   - emit: Takes a request and the number of its rows.
    package mutating func encode<Failure: Error>(
        _ batch: borrowing DeliveredBatch, time: UInt64, emit: ([UInt8], UInt64) throws(Failure) -> Void
    ) throws(Failure) {
        if let request = whole(batch, time: time) {
            if rows > 0 { try emit(request, rows) }
            return
        }
        try encode(batch, .ended, time: time, emit: emit)
        try encode(batch, .goingOn, time: time, emit: emit)
    }

    /// Which rows a request is made of.
    private enum Part {
        case all, ended, goingOn
    }

    /// All rows in one request; nil where they are too many.
    private mutating func whole(_ batch: borrowing DeliveredBatch, time: UInt64) -> [UInt8]? {
        let scope = begin(batch.resource)
        var fits = true
        for view in batch.views where fits {
            let metric = writer.count
            Self.forEachRow(of: view, in: batch, .all, time: time) { row, endsSeries in
                guard fits else { return }
                add(row, of: view, endsSeriesAt: endsSeries ? time : nil)
                rows += 1
                fits = rows == 1 || writer.count + overhead(of: view) <= limit
            }
            endMetric(view, since: metric)
        }
        return fits ? end(scope: scope) : nil
    }

    private mutating func encode<Failure: Error>(
        _ batch: borrowing DeliveredBatch, _ part: Part, time: UInt64, emit: ([UInt8], UInt64) throws(Failure) -> Void
    ) throws(Failure) {
        var scope = begin(batch.resource)
        for view in batch.views {
            var metric = writer.count
            try Self.forEachRow(of: view, in: batch, part, time: time) { row, endsSeries throws(Failure) in
                let before = writer.count
                add(row, of: view, endsSeriesAt: endsSeries ? time : nil)
                if writer.count + overhead(of: view) > limit, rows > 0 {
                    writer.rewind(to: before)
                    endMetric(view, since: metric)
                    try emit(end(scope: scope), rows)
                    scope = begin(batch.resource)
                    metric = writer.count
                    add(row, of: view, endsSeriesAt: endsSeries ? time : nil)
                }
                rows += 1
            }
            endMetric(view, since: metric)
        }
        if rows > 0 { try emit(end(scope: scope), rows) }
    }

    private func overhead(of view: DeliveredView) -> Int {
        view.name.utf8.count + view.description.utf8.count + view.unit.utf8.count
    }

    /// The rows of a view, the latest first, as a request is written from its end.
    ///
    /// - Parameter body: Gets a row, and whether its series has no value any more: a server has to be told so, unless a series
    ///   with the same tags goes on, or values count from the batch before.
    private static func forEachRow<Failure: Error>(
        of view: DeliveredView, in batch: borrowing DeliveredBatch, _ part: Part, time: UInt64,
        _ body: (DeliveredRow, _ endsSeries: Bool) throws(Failure) -> Void
    ) throws(Failure) {
        var ended: [DeliveredRow] = []
        try batch.forEachRow(of: view) { row throws(Failure) in
            if row.endTime >= time {
                if part != .ended { try body(row, false) }
            } else if part != .goingOn {
                ended.append(row)
            }
        }
        guard !ended.isEmpty else { return }
        var followed: Set<[UInt8]> = []
        batch.forEachRow(of: view) { row in
            if row.endTime >= time { followed.insert(row.tagBytes) }
        }
        for row in ended.sorted(by: { $0.endTime > $1.endTime }) {
            let isLast = followed.insert(row.tagBytes).inserted
            try body(row, isLast && !view.isDelta)
        }
    }

    // MARK: - The request

    /// Adds what comes behind the metrics.
    ///
    /// - Returns: Where the scope's metrics end.
    private mutating func begin(_ resource: [DeliveredTag]) -> Int {
        writer.reset()
        rows = 0
        writer.add(1) { $0.add(attributes: resource, as: 1) }
        let scope = writer.count
        writer.add(1) { writer in
            writer.add(2, text: OtlpHttpSink.kind.version)
            writer.add(1, text: "weir")
        }
        return scope
    }

    private mutating func end(scope: Int) -> [UInt8] {
        writer.endMessage(2, since: scope)
        writer.endMessage(1, since: 0)
        return writer.bytes
    }

    /// Makes a metric of the points since `end`; nothing where there are none.
    private mutating func endMetric(_ view: DeliveredView, since end: Int) {
        guard writer.count > end else { return }
        // The points' last fields would be these; a reader takes them in any order, so they can come first.
        let (field, hasTemporality, isSum): (UInt32, Bool, Bool) =
            switch view.kind {
            case .count, .sum: (7, true, true)
            case .lastValue: (5, false, false)
            case .distribution: (9, true, false)
            case .exponentialDistribution: (10, true, false)
            }
        if isSum, view.isMonotonic { writer.add(3, varint: 1) }
        if hasTemporality { writer.add(2, varint: view.isDelta ? Self.delta : Self.cumulative) }
        writer.endMessage(field, since: end)
        writer.add(3, text: view.unit)
        writer.add(2, text: view.description)
        writer.add(1, text: view.name)
        writer.endMessage(2, since: end)
    }

    private static let delta: UInt64 = 1
    private static let cumulative: UInt64 = 2

    // MARK: - Points

    /// - Parameter time: When it is said that there is no value any more; nil where there is, or a delta that is not there
    ///   says so by itself.
    private mutating func add(_ row: DeliveredRow, of view: DeliveredView, endsSeriesAt time: UInt64?) {
        // It stands behind the value, and so is written first.
        if let time { writer.add(1) { $0.add(endOf: row, view, time: time) } }
        writer.add(1) { $0.add(point: row, of: view) }
    }
}

extension DeliveredRow {
    /// Its tags as bytes: what is no text stands between them.
    fileprivate var tagBytes: [UInt8] {
        var bytes: [UInt8] = []
        for tag in Mark.canonical(tags) {
            bytes += tag.key.utf8
            bytes.append(0xFE)
            bytes += tag.value.utf8
            bytes.append(0xFF)
        }
        return bytes
    }
}

extension WireWriter {
    fileprivate mutating func add(point row: DeliveredRow, of view: DeliveredView) {
        switch view.kind {
        case .count, .sum, .lastValue:
            add(attributes: row.tags, as: 7)
            if view.isInteger { add(6, fixed64: UInt64(bitPattern: row.integer)) }
            add(row.exemplars, as: 5)
            if !view.isInteger { add(4, double: row.value) }
        case .distribution(let bounds):
            addRange(row, minimum: 11, maximum: 12)
            add(attributes: row.tags, as: 9)
            add(row.exemplars, as: 8)
            add(7, packedDoubles: bounds)
            add(6, packedFixed64: row.buckets)
            add(5, double: row.value)
            add(4, fixed64: row.count)
        case .exponentialDistribution(let scale):
            let dense = DenseBuckets(scale: scale, positive: row.positive, negative: row.negative)
            addRange(row, minimum: 12, maximum: 13)
            add(row.exemplars, as: 11)
            add(dense.negative, as: 9)
            add(dense.positive, as: 8)
            add(7, fixed64: row.zeroCount)
            add(6, zigzag: Int64(dense.scale))
            add(5, double: row.value)
            add(4, fixed64: row.count)
        }
        add(3, fixed64: row.endTime)
        add(2, fixed64: row.startTime)
        if case .exponentialDistribution = view.kind { add(attributes: row.tags, as: 1) }
    }

    /// A point that says that its series has no value any more.
    fileprivate mutating func add(endOf row: DeliveredRow, _ view: DeliveredView, time: UInt64) {
        let (flags, attributes): (UInt32, UInt32) =
            switch view.kind {
            case .count, .sum, .lastValue: (8, 7)
            case .distribution: (10, 9)
            case .exponentialDistribution: (10, 1)
            }
        add(flags, varint: 1)
        if attributes != 1 { add(attributes: row.tags, as: attributes) }
        add(3, fixed64: time)
        add(2, fixed64: row.startTime)
        if attributes == 1 { add(attributes: row.tags, as: 1) }
    }

    fileprivate mutating func add(attributes tags: [DeliveredTag], as field: UInt32) {
        for tag in tags.reversed() {
            add(field) { writer in
                writer.add(2) { $0.add(1, text: tag.value) }
                writer.add(1, text: tag.key)
            }
        }
    }

    private mutating func add(_ exemplars: [DeliveredExemplar], as field: UInt32) {
        for exemplar in exemplars.reversed() {
            add(field) { writer in
                writer.add(attributes: exemplar.tags, as: 7)
                if let span = exemplar.span {
                    writer.add(5, bigEndian: [span.traceHigh, span.traceLow])
                    writer.add(4, bigEndian: [span.span])
                }
                writer.add(3, double: exemplar.value)
                writer.add(2, fixed64: exemplar.time)
            }
        }
    }

    private mutating func addRange(_ row: DeliveredRow, minimum: UInt32, maximum: UInt32) {
        guard let range = row.range else { return }
        add(maximum, double: range.upperBound)
        add(minimum, double: range.lowerBound)
    }

    private mutating func add(_ buckets: DenseBuckets.Side, as field: UInt32) {
        guard !buckets.counts.isEmpty else { return }
        add(field) { writer in
            writer.add(2, packedVarints: buckets.counts)
            writer.add(1, zigzag: Int64(buckets.offset))
        }
    }
}
