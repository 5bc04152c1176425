package import WeirDump
internal import WeirExporterSupport

/// The totals as a table: the extensions with most bytes first, the rest in one line, all of them in the last.
package struct DemoTable {
    private let report: DemoReport
    private let limit: Int
    private let directory: String

    /// - Parameters:
    ///   - rows: Extensions that get a line of their own.
    ///   - directory: Where the batches are.
    package init(_ report: DemoReport, rows limit: Int, directory: String) {
        self.report = report
        self.limit = limit
        self.directory = directory
    }

    package func write(to output: Output, terminal: Terminal) {
        var table = Table()
        table.addColumn("extension", .left)
        for header in ["files", "input", "output", "ratio", "p50", "p99", "slowest"] { table.addColumn(header) }
        let sorted = report.recorded.sorted { left, right in
            let (more, less) = (left.value.totals.input, right.value.totals.input)
            return more == less ? left.key.text < right.key.text : more > less
        }
        for (kind, recorded) in sorted.prefix(limit) { table.addRow(cells(kind.text, recorded)) }
        let rest = sorted.dropFirst(limit)
        if !rest.isEmpty {
            let sum = rest.reduce(into: DemoReport.Recorded()) { $0 += $1.value }
            table.addRow(cells("(\(rest.count) more)", sum))
        }
        table.addRow(cells("total", report.total))
        table.write(to: output, terminal: terminal, indent: 0)
        output.write("\n" + notes.map { Terminal.safe($0) + "\n" }.joined())
    }

    private func cells(_ name: String, _ recorded: DemoReport.Recorded) -> [String] {
        let (totals, bytes, time) = (recorded.totals, Unit("By"), Unit("s"))
        let percentiles = [0.5, 0.99].map { part in
            recorded.times?.percentile(part).map { time.text($0.value) } ?? "-"
        }
        return [
            name, NumberText.grouped(totals.files), bytes.text(.integer(totals.input)),
            bytes.text(.integer(totals.output)), Self.ratio(totals),
        ] + percentiles + [recorded.times?.maximum.map(time.text) ?? "-"]
    }

    static func ratio(_ totals: Totals) -> String {
        totals.output > 0 ? NumberText.fixed(Double(totals.input) / Double(totals.output), decimals: 2) : "-"
    }

    /// What there is to say below the table.
    private var notes: [String] {
        var notes: [String] = []
        let total = report.total.totals
        if report.isExact {
            notes.append("recorded is counted, exactly: \(total.text)")
        } else {
            notes.append("recorded is NOT counted: recorded \(total.text); counted \(report.countedTotal.text)")
            notes += report.differences.prefix(20)
        }
        let (omitted, changes) = (report.omissions, report.changes)
        if omitted.files > 0 {
            let (files, bytes) = (plural(omitted.files, "file"), plural(omitted.bytes, "byte"))
            notes.append("not in it: \(files) of \(bytes) that could not be read")
        }
        if omitted.directories > 0 {
            let directories = omitted.directories == 1 ? "1 directory" : "\(omitted.directories) directories"
            notes.append("not in it: what is in \(directories) that could not be read")
        }
        if changes.files > 0 {
            let sign = changes.bytes < 0 ? "" : "+"
            notes.append(
                "not of the size that stat said: \(plural(changes.files, "file")), \(sign)\(changes.bytes) bytes in all"
            )
        }
        if report.isInterrupted { notes.append("interrupted: the tree has more") }
        let seconds = report.elapsed / .seconds(1)
        let rate = seconds > 0 ? Unit("By").rate(Double(total.input) / seconds) : "-"
        let batches = report.batches == 1 ? "1 batch" : "\(report.batches) batches"
        notes.append("\(Unit.duration(seconds)), \(rate), \(batches) of \(plural(report.batchBytes, "byte"))")
        notes.append("look at them with: weir dump \(directory)")
        return notes
    }
}

extension FileKind {
    /// As a table names it.
    var text: String {
        switch self {
        case .withoutExtension: "-"
        case .withExtension(let name): name
        case .overflow: "(overflow)"
        }
    }
}

extension DemoReport {
    /// What was not recorded as it was counted, a sentence an extension.
    fileprivate var differences: [String] {
        Set(recorded.keys).union(counted.keys).sorted { $0.text < $1.text }.compactMap { kind in
            let (recorded, counted) = (recorded[kind]?.totals ?? Totals(), counted[kind] ?? Totals())
            return recorded == counted ? nil : "  \(kind.text): recorded \(recorded.text); counted \(counted.text)"
        }
    }
}
