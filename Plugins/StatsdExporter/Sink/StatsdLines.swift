internal import WeirExporterKit
internal import WeirLines

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

    init(prefix: String, isDogStatsD: Bool) {
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

    mutating func add(_ row: DeliveredRow, of view: DeliveredView) {
        var name = prefix + LineName.path(view.name)
        var tags = ""
        if isDogStatsD {
            tags = LineName.ordered(row.tags).map { tag in
                LineName.escaped(tag.key, ":,|#@") + ":" + LineName.escaped(tag.value, ",|#@")
            }.joined(separator: ",")
            if !tags.isEmpty { tags = "|#" + tags }
        } else {
            for tag in LineName.ordered(row.tags) { name += ".\(LineName.level(tag.key)).\(LineName.level(tag.value))" }
        }
        switch view.kind {
        case .count: counter(name, RowNumbers.text(of: row, in: view), tags)
        case .sum where view.isMonotonic: counter(name, RowNumbers.text(of: row, in: view), tags)
        case .sum where view.isDelta && !isDogStatsD: change(name, RowNumbers.text(of: row, in: view))
        // DogStatsD has no gauge that changes: a counter may go down there.
        case .sum where view.isDelta: counter(name, RowNumbers.text(of: row, in: view), tags)
        case .sum, .lastValue: gauge(name, RowNumbers.text(of: row, in: view), tags)
        case .distribution, .exponentialDistribution:
            guard row.count > 0 else { return }
            counter(name + ".count", "\(row.count)", tags)
            counter(name + ".sum", RowNumbers.text(row.value), tags)
            for (part, value) in RowNumbers.summary(of: row, in: view) {
                gauge("\(name).\(part)", RowNumbers.text(value), tags)
            }
        }
    }

    private mutating func counter(_ name: String, _ value: String?, _ tags: String) {
        line(name, value, "c", tags)
    }

    private mutating func gauge(_ name: String, _ value: String?, _ tags: String) {
        // A value with a sign would be taken for a change: it follows on zero.
        if !isDogStatsD, let value, value.hasPrefix("-") { line(name, "0", "g", tags) }
        line(name, value, "g", tags)
    }

    private mutating func change(_ name: String, _ value: String?) {
        line(name, value.map { $0.hasPrefix("-") ? $0 : "+" + $0 }, "g", "")
    }

    private mutating func line(_ name: String, _ value: String?, _ kind: String, _ tags: String) {
        guard let value else {
            skipped += 1
            return
        }
        bytes += "\(name):\(value)|\(kind)\(tags)\n".utf8
    }
}
