internal import WeirBatch
internal import WeirExporterSupport

/// One view's heading and its series, a line each.
struct ViewTable {
    let view: ViewDescription
    let series: [SeriesTable.Series]
    /// When the source was last heard of whole. Nanoseconds since 1970.
    let lastTime: UInt64
    let terminal: Terminal

    func write(to output: Output) {
        writeHeading(to: output)
        var table = Table()
        let keys = view.tagKeys.filter { $0 != ViewColumns.overflowKey }
        for key in keys { table.addColumn(key, .left) }
        // An overflow series has no other tag; without any key there is no column to say so in.
        let showsOverflow = keys.isEmpty && series.contains { isOverflow($0) }
        if showsOverflow { table.addColumn("", .left) }
        let columns = valueColumns
        for column in columns { table.addColumn(column.header, column.alignment) }
        for series in series {
            guard let point = series.latest else { continue }
            var cells = keys.map { key in Self.cell(series.tags.first { $0.key == key }?.value) }
            if showsOverflow { cells.append("") }
            if isOverflow(series), !cells.isEmpty { cells[0] = "(overflow)" }
            table.addRow(cells + columns.map { $0.cell(series, point) })
        }
        table.write(to: output, terminal: terminal)
        for series in series { writeExample(of: series, to: output) }
    }

    /// The exemplar of the greatest value: the one that is most often looked for. Other formats have all.
    private func writeExample(of series: SeriesTable.Series, to output: Output) {
        guard let greatest = series.latest?.exemplars.max(by: { $0.value < $1.value }) else { return }
        let tags = series.tags.filter { $0.key != ViewColumns.overflowKey }.map {
            Terminal.safe("\($0.key)=\($0.value)")
        }
        let name = isOverflow(series) ? "(overflow)" : tags.joined(separator: " ")
        let line = "  \(name.isEmpty ? "" : name + "  ")\(greatest.text(Unit(view.unit)))"
        output.write(terminal.styled(line, .dim) + "\n")
    }

    private func writeHeading(to output: Output) {
        output.write(terminal.styled(Terminal.safe(view.name), .bold))
        if !view.description.isEmpty { output.write("  " + Terminal.safe(view.description)) }
        output.write("\n")
        var facts = Self.words(view)
        if !view.measure.isEmpty, view.measure != view.name { facts += " of \(view.measure)" }
        if !view.valueUnit.isEmpty, view.valueUnit != "1" { facts += " in \(view.valueUnit)" }
        if view.temporality == .delta { facts += ", deltas added up" }
        if let worst = series.compactMap(relativeError).max() {
            facts += ", percentiles within \(NumberText.significant(worst * 100)) %"
        }
        output.write(terminal.styled("  " + Terminal.safe(facts), .dim) + "\n")
    }

    /// A missing tag is not an empty one.
    private static func cell(_ value: String?) -> String {
        guard let value else { return "-" }
        return value.isEmpty ? "\"\"" : value
    }

    private static func words(_ view: ViewDescription) -> String {
        switch view.aggregation {
        case .count: "count"
        case .sum: view.isMonotonic ? "sum" : "up-down sum"
        case .lastValue: "last value"
        case .distribution: "distribution"
        case .exponentialDistribution: "exponential distribution"
        }
    }

    private func relativeError(_ series: SeriesTable.Series) -> Double? {
        guard case .distribution(let distribution) = series.latest?.value,
            case .exponential(let buckets) = distribution.buckets
        else { return nil }
        return buckets.relativeError
    }

    private func isOverflow(_ series: SeriesTable.Series) -> Bool {
        series.tags.contains { $0.key == ViewColumns.overflowKey && $0.value == "true" }
    }
}

// MARK: - Columns

extension ViewTable {
    /// A column right of the tags.
    private struct Column {
        var header: String
        var alignment = Table.Alignment.right
        var cell: (SeriesTable.Series, Point) -> String
    }

    private var valueColumns: [Column] {
        let unit = Unit(view.valueUnit)
        var columns: [Column]
        switch view.aggregation {
        case .count, .sum, .lastValue:
            let header =
                switch view.aggregation {
                case .count: "count"
                case .sum: "sum"
                default: "value"
                }
            columns = [Column(header: header) { _, point in unit.text(point.value.quantity) }]
            if view.isCumulable {
                columns.append(Column(header: "rate") { series, point in rate(series, point).map(unit.rate) ?? "-" })
            }
        case .distribution, .exponentialDistribution:
            columns = distributionColumns(unit)
        }
        if series.contains(where: { state($0) != nil }) {
            columns.append(Column(header: "", alignment: .left) { series, _ in state(series) ?? "" })
        }
        return columns
    }

    private func distributionColumns(_ unit: Unit) -> [Column] {
        var columns = [
            Column(header: "count") { _, point in point.distribution.map { NumberText.grouped($0.count) } ?? "-" },
            Column(header: "rate") { series, point in rate(series, point).map(Unit("1").rate) ?? "-" },
            Column(header: "mean") { _, point in point.distribution?.mean.map(unit.text) ?? "-" },
        ]
        for (header, part) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
            columns.append(
                Column(header: header) { _, point in
                    guard let percentile = point.distribution?.percentile(part) else { return "-" }
                    return (percentile.isBeyond ? ">" : "") + unit.text(percentile.value)
                })
        }
        if series.contains(where: { $0.latest?.distribution?.minimum != nil }) {
            columns.append(Column(header: "min") { _, point in point.distribution?.minimum.map(unit.text) ?? "-" })
        }
        if series.contains(where: { $0.latest?.distribution?.maximum != nil }) {
            columns.append(Column(header: "max") { _, point in point.distribution?.maximum.map(unit.text) ?? "-" })
        }
        var pictureHeader = "buckets"
        if let first = view.bounds.first, let last = view.bounds.last {
            pictureHeader += " ≤ \(unit.text(first)) … > \(unit.text(last))"
        }
        columns.append(
            Column(header: pictureHeader, alignment: .left) { _, point in
                point.distribution.map { BarPicture.text($0.buckets) } ?? ""
            })
        return columns
    }

    /// A delta batch leaves out what did not change, so a series that is not in the last ones grew by nothing there.
    private func rate(_ series: SeriesTable.Series, _ point: Point) -> Double? {
        let goesOn = view.temporality == .delta && !point.hasEnded
        return goesOn ? series.increase.perSecond(until: lastTime) : series.increase.perSecond
    }

    /// What there is to say of a series that the last collection did not show going on.
    private func state(_ series: SeriesTable.Series) -> String? {
        guard let point = series.latest else { return nil }
        let time = Timestamp(nanoseconds: point.end).text(fractionDigits: 0)
        if point.hasEnded { return "ended \(time)" }
        return view.temporality == .cumulative && point.end < lastTime ? "last seen \(time)" : nil
    }
}

extension Point {
    fileprivate var distribution: Distribution? {
        if case .distribution(let distribution) = value { distribution } else { nil }
    }
}
