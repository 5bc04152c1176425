internal import WeirExporterKit
internal import WeirLines

/// A batch as Graphite's plain lines: name, value, seconds since 1970.
struct GraphiteLines {
    /// Empty, or with its dot.
    let prefix: String
    /// Whether tags stand behind the name, `;key=value`; otherwise they are levels of it.
    let hasTags: Bool

    private(set) var bytes: [UInt8] = []
    /// Values that are no numbers.
    private(set) var skipped: UInt64 = 0

    init(prefix: String, hasTags: Bool) {
        self.prefix = prefix
        self.hasTags = hasTags
    }

    mutating func add(_ row: DeliveredRow, of view: DeliveredView) {
        var name = prefix + LineName.path(view.name)
        var tags = ""
        if hasTags {
            for tag in LineName.ordered(row.tags) {
                tags += ";\(LineName.escaped(tag.key, ";!^="))=\(Self.value(tag.value))"
            }
        } else {
            for tag in LineName.ordered(row.tags) { name += ".\(LineName.level(tag.key)).\(LineName.level(tag.value))" }
        }
        let seconds = row.endTime / 1_000_000_000
        switch view.kind {
        case .count, .sum, .lastValue: line(name + tags, RowNumbers.text(of: row, in: view), seconds)
        case .distribution, .exponentialDistribution:
            line(name + ".count" + tags, "\(row.count)", seconds)
            line(name + ".sum" + tags, RowNumbers.text(row.value), seconds)
            for (part, value) in RowNumbers.summary(of: row, in: view) {
                line("\(name).\(part)\(tags)", RowNumbers.text(value), seconds)
            }
        }
    }

    /// A value that begins with `~` would be refused.
    private static func value(_ text: String) -> String {
        let value = LineName.escaped(text, ";")
        return value.hasPrefix("~") ? "_" + value.dropFirst() : value
    }

    private mutating func line(_ name: String, _ value: String?, _ seconds: UInt64) {
        guard let value else {
            skipped += 1
            return
        }
        bytes += "\(name) \(value) \(seconds)\n".utf8
    }
}
