/// Cells in columns, printed as wide as their widest cell.
package struct Table {
    package enum Alignment { case left, right }

    private var headers: [String] = []
    private var alignments: [Alignment] = []
    private var rows: [[String]] = []

    /// A cell is cut to so many characters.
    private let widest: Int

    package init(widest: Int = 64) {
        self.widest = widest
    }

    package mutating func addColumn(_ header: String, _ alignment: Alignment = .right) {
        headers.append(cut(header))
        alignments.append(alignment)
    }

    /// Adds a row of as many cells as there are columns.
    package mutating func addRow(_ cells: [String]) {
        rows.append(cells.map(cut))
    }

    package func write(to output: Output, terminal: Terminal, indent: Int = 2) {
        var widths = headers.map(\.count)
        for row in rows {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.count) }
        }
        output.write(terminal.styled(line(headers, widths, indent), .dim))
        output.write("\n")
        for row in rows {
            output.write(line(row, widths, indent))
            output.write("\n")
        }
    }

    /// No line ends in spaces.
    private func line(_ cells: [String], _ widths: [Int], _ indent: Int) -> String {
        var line = ""
        var pending = indent
        for (column, cell) in cells.enumerated() {
            let padding = widths[column] - cell.count
            let isRight = alignments[column] == .right
            if cell.isEmpty {
                pending += padding
            } else {
                line += String(repeating: " ", count: pending + (isRight ? padding : 0)) + cell
                pending = isRight ? 0 : padding
            }
            pending += 2
        }
        return line
    }

    private func cut(_ cell: String) -> String {
        let safe = Terminal.safe(cell)
        return safe.count > widest ? safe.prefix(widest - 1) + "…" : safe
    }
}
