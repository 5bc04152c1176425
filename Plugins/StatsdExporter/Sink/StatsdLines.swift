internal import WeirExporterKit
internal import WeirExporterSupport

/// A batch as StatsD lines.
struct StatsdLines {
    /// Empty, or with its dot.
    let prefix: String
    /// Whether tags stand behind the line, `|#key:value`, and a gauge with a sign is a value; otherwise tags are levels of
    /// the name, and a sign makes a gauge change.
    let isDogStatsD: Bool

    private(set) var bytes: [UInt8] = []
    /// Values that are no numbers.
    private(set) var skipped: UInt64 = 0
    /// For the lines of the next batch.
    private(set) var names: LineNames

    init(prefix: String, isDogStatsD: Bool, names: LineNames = LineNames()) {
        self.names = names
        self.prefix = prefix
        self.isDogStatsD = isDogStatsD
    }

    /// What StatsD would add up once more: counts since the beginning; nil where there is nothing of the kind.
    static func cumulativeView(in batch: borrowing DeliveredBatch) -> String? {
        batch.views.first { view in
            switch view.kind {
            case .count, .distribution, .exponentialDistribution: !view.isDelta
            case .sum: view.isMonotonic && !view.isDelta
            case .lastValue: false
            }
        }?.name
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
        guard isDogStatsD else {
            for tag in LineName.ordered(row.tags) { name += ".\(LineName.level(tag.key)).\(LineName.level(tag.value))" }
            return LineSeries(name: name)
        }
        let all = row.tags.map { "," + LineName.escaped($0.key, ":,|#@") + ":" + LineName.escaped($0.value, ",|#@") }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        // A key may have several values there, and one that it has twice it has once.
        var tags: [String] = []
        for tag in all where tags.last.map({ !$0.utf8.elementsEqual(tag.utf8) }) ?? true { tags.append(tag) }
        return LineSeries(name: name, tags: tags.joined())
    }

    /// Tags as they stand in a line, each behind its comma.
    private var tag: ((_ key: String, _ value: String) -> String)? {
        guard isDogStatsD else { return nil }
        return { key, value in ",\(key):\(value)" }
    }

    private mutating func add(_ row: DeliveredRow, of view: DeliveredView, as series: LineSeries) {
        let line = { (part: String, value: String?) in
            Line(series: series, part: part, view: view.name, value: value)
        }
        let value = line("", RowNumbers.text(of: row, in: view))
        switch view.kind {
        case .count: write(value, "c")
        case .sum where view.isMonotonic: write(value, "c")
        case .sum where view.isDelta && !isDogStatsD: change(value)
        // DogStatsD has no gauge that changes: a counter may go down there.
        case .sum where view.isDelta: write(value, "c")
        case .sum, .lastValue: gauge(value)
        case .distribution, .exponentialDistribution:
            guard row.count > 0 else { return }
            write(line(".count", "\(row.count)"), "c")
            write(line(".sum", RowNumbers.text(row.value)), "c")
            for (part, value) in RowNumbers.summary(of: row, in: view) {
                gauge(line(".\(part)", RowNumbers.text(value)))
            }
        }
    }

    private struct Line {
        var series: LineSeries
        var part: String
        var view: String
        var value: String?
    }

    private mutating func gauge(_ line: Line) {
        // A value with a sign would be taken for a change: it follows on zero.
        if !isDogStatsD, let value = line.value, value.hasPrefix("-") {
            var zero = line
            zero.value = "0"
            write(zero, "g")
        }
        write(line, "g")
    }

    private mutating func change(_ line: Line) {
        var line = line
        line.value = line.value.map { $0.hasPrefix("-") ? $0 : "+" + $0 }
        write(line, "g")
    }

    private mutating func write(_ line: Line, _ kind: String) {
        guard let value = line.value else {
            skipped += 1
            return
        }
        let free = names.name(of: line.series, line.part, view: line.view, as: tag)
        let tags = free.tags.isEmpty ? "" : "|#" + free.tags.dropFirst()
        bytes += "\(free.name):\(value)|\(kind)\(tags)\n".utf8
    }
}
