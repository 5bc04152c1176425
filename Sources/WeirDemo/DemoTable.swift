/// The totals as a table: the extensions with most bytes first, the rest in one line, all of them in the last.
package struct DemoTable {
    package let text: String

    package init(_ report: DemoReport, rows limit: Int, directory: String) {
        let sorted = report.recorded.sorted { left, right in
            (right.value.input, left.key ?? "") < (left.value.input, right.key ?? "")
        }
        var rows = [["extension", "files", "input", "output", "ratio", "time a file"]]
        rows += sorted.prefix(limit).map { Self.row($0.key ?? "-", $0.value) }
        let rest = sorted.dropFirst(limit)
        if !rest.isEmpty {
            let sum = rest.reduce(into: Totals()) { $0 += $1.value }
            rows.append(Self.row("(\(rest.count) more)", sum))
        }
        rows.append(Self.row("total", report.total))

        var lines = Self.aligned(rows)
        let (total, counted) = (report.total, report.counted)
        lines.append("")
        lines.append(
            report.isExact
                ? "recorded is counted, exactly: \(total.files) files, \(total.input) bytes in, \(total.output) out"
                : "recorded (\(total.files) files, \(total.input) bytes in, \(total.output) out) is NOT what was counted "
                    + "(\(counted.files), \(counted.input), \(counted.output))")
        if report.unreadable > 0 { lines.append("\(report.unreadable) could not be read, and are not in the totals") }
        if report.changed > 0 { lines.append("\(report.changed) changed while they were read") }
        if report.isInterrupted { lines.append("interrupted: the tree has more") }
        lines.append("\(report.batches) batches in \(directory); look at them with: weir dump \(directory)")
        text = lines.joined(separator: "\n") + "\n"
    }

    private static func row(_ name: String, _ totals: Totals) -> [String] {
        [
            printable(name), NumberForm.grouped(totals.files), NumberForm.bytes(Double(totals.input)),
            NumberForm.bytes(Double(totals.output)),
            totals.output > 0 ? NumberForm.ratio(Double(totals.input) / Double(totals.output)) : "-",
            totals.files > 0 ? NumberForm.seconds(totals.seconds / Double(totals.files)) : "-",
        ]
    }

    /// Names come from a file system: nothing in them may move the cursor.
    private static func printable(_ name: String) -> String {
        let safe = String(name.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : Character($0) })
        return safe.count > 40 ? String(safe.prefix(39)) + "…" : safe
    }

    private static func aligned(_ rows: [[String]]) -> [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, text in
                let space = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 ? text + space : space + text
            }.joined(separator: "  ")
        }
    }
}

/// Numbers as people read them.
enum NumberForm {
    static func grouped(_ value: Int64) -> String {
        var text = ""
        for (index, digit) in "\(value.magnitude)".reversed().enumerated() {
            if index > 0, index.isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return (value < 0 ? "-" : "") + String(text.reversed())
    }

    static func bytes(_ value: Double) -> String {
        var (value, unit) = (value, 0)
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while value >= 1_024, unit + 1 < units.count { (value, unit) = (value / 1_024, unit + 1) }
        return (unit == 0 ? "\(Int64(value))" : fixed(value, 1)) + " " + units[unit]
    }

    static func seconds(_ value: Double) -> String {
        value < 1e-3
            ? fixed(value * 1e6, 0) + " µs" : value < 1 ? fixed(value * 1e3, 1) + " ms" : fixed(value, 2) + " s"
    }

    static func ratio(_ value: Double) -> String { fixed(value, 2) }

    private static func fixed(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let rounded = Int64((value * scale).rounded())
        guard digits > 0 else { return "\(rounded)" }
        let fraction = "\(rounded % Int64(scale))"
        return "\(rounded / Int64(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
