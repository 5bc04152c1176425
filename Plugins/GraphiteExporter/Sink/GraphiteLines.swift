internal import WeirExporterKit
internal import WeirExporterSupport

/// A batch as Graphite's plain lines: name, value, seconds since 1970.
struct GraphiteLines {
    /// Empty, or with its dot.
    let prefix: String
    /// Whether tags stand behind the name, `;key=value`; otherwise they are levels of it.
    let hasTags: Bool

    private(set) var bytes: [UInt8] = []
    /// Values that are no numbers.
    private(set) var skipped: UInt64 = 0
    /// For the lines of the next batch.
    private(set) var names: LineNames

    init(prefix: String, hasTags: Bool, names: LineNames = LineNames()) {
        self.prefix = prefix
        self.hasTags = hasTags
        self.names = names
    }

    /// - Parameter time: When the batch was collected.
    mutating func add(_ batch: borrowing DeliveredBatch, at time: UInt64) {
        names.begin()
        for view in batch.views {
            batch.forEachSeries(
                of: view, at: time, distinguish: { $0.marked($1, as: tag) }, name: { name(of: $0, view) }
            ) { series, row in
                add(row, of: view, as: series)
            }
        }
    }

    private func name(of row: DeliveredRow, _ view: DeliveredView) -> LineSeries {
        var name = prefix + LineName.path(view.name)
        guard hasTags else {
            for tag in LineName.ordered(row.tags) { name += ".\(LineName.level(tag.key)).\(LineName.level(tag.value))" }
            return LineSeries(name: name)
        }
        // Of two values of a key Graphite takes one.
        var values: [(key: String, value: String)] = []
        for tag in LineName.ordered(row.tags) {
            let key = LineName.escaped(tag.key, ";!^=")
            let value = LineName.escaped(tag.value, ";")
            if let known = values.firstIndex(where: { $0.key.utf8.elementsEqual(key.utf8) }) {
                values[known].value += "," + value
            } else {
                values.append((key, value))
            }
        }
        return LineSeries(name: name, tags: values.map { Self.written($0.key, $0.value) }.joined())
    }

    private mutating func add(_ row: DeliveredRow, of view: DeliveredView, as series: LineSeries) {
        let seconds = row.endTime / 1_000_000_000
        switch view.kind {
        case .count, .sum, .lastValue: line(series, "", view, RowNumbers.text(of: row, in: view), seconds)
        case .distribution, .exponentialDistribution:
            line(series, ".count", view, "\(row.count)", seconds)
            line(series, ".sum", view, RowNumbers.text(row.value), seconds)
            for (part, value) in RowNumbers.summary(of: row, in: view) {
                line(series, ".\(part)", view, RowNumbers.text(value), seconds)
            }
        }
    }

    private var tag: ((_ key: String, _ value: String) -> String)? {
        guard hasTags else { return nil }
        return { key, value in Self.written(key, value) }
    }

    /// A value that begins with `~` would be refused.
    private static func written(_ key: String, _ value: String) -> String {
        ";\(key)=\(value.hasPrefix("~") ? "_" + value.dropFirst() : value)"
    }

    private mutating func line(
        _ series: LineSeries, _ part: String, _ view: DeliveredView, _ value: String?, _ seconds: UInt64
    ) {
        guard let value else {
            skipped += 1
            return
        }
        let free = names.name(of: series, part, view: view.name, as: tag)
        bytes += "\(free.name)\(free.tags) \(value) \(seconds)\n".utf8
    }
}
