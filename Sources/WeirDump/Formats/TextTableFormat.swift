internal import WeirBatch

/// The table for people: a heading a source, then view by view one line a series.
package struct TextTableFormat: TableFormat {
    private let terminal: Terminal

    /// Whether a table takes the place of the one before, as on a terminal that follows.
    private let replaces: Bool

    /// Whether Weir's own views are shown too: there are more of them than a small program has.
    private let showsOwn: Bool

    private var tablesShown = 0

    package init(terminal: Terminal, replaces: Bool = false, showsOwn: Bool = true) {
        self.terminal = terminal
        self.replaces = replaces
        self.showsOwn = showsOwn
    }

    package mutating func show(_ table: inout SeriesTable, sources: [StreamTracker.Source], to output: Output) {
        if replaces {
            output.write(Terminal.clear)
        } else if tablesShown > 0 {
            output.write("\n")
        }
        tablesShown += 1
        var isFirst = true
        for (number, source) in sources.enumerated() where source.batches > 0 {
            if !isFirst { output.write("\n") }
            isFirst = false
            SourceHeading(source: source, terminal: terminal).write(to: output)
            var hidden = 0
            for group in table.groups where group.source == number {
                let series = group.sorted.map { group.series[$0] }
                guard !series.isEmpty else { continue }
                guard showsOwn || !group.view.name.hasPrefix("weir.") else {
                    hidden += 1
                    continue
                }
                output.write("\n")
                ViewTable(view: group.view, series: series, lastTime: source.wholeTime, terminal: terminal)
                    .write(to: output)
            }
            if hidden > 0 {
                let note = "\(hidden) of Weir's own views hidden; --own shows them"
                output.write("\n" + terminal.styled(note, .dim) + "\n")
            }
        }
    }
}

/// Who measured, when, and what is missing.
private struct SourceHeading {
    let source: StreamTracker.Source
    let terminal: Terminal

    private static func batches(_ count: UInt64) -> String {
        "\(NumberText.grouped(count)) \(count == 1 ? "batch" : "batches")"
    }

    func write(to output: Output) {
        let resource = source.resource.map { Terminal.safe("\($0.key)=\($0.value)") }.joined(separator: " ")
        output.write(terminal.styled("stream \(source.stream.short)", .bold))
        output.write(resource.isEmpty ? "\n" : "  \(resource)\n")
        var line = "  \(Self.batches(UInt64(source.batches)))"
        if source.streams > 1 { line += " of \(source.streams) streams" }
        line += ", \(Timestamp(nanoseconds: source.firstTime).text(fractionDigits: 0))"
        if source.lastTime > source.firstTime {
            line += " to \(Timestamp(nanoseconds: source.lastTime).text(fractionDigits: 0))"
            line += " (\(Unit.duration(Double(source.lastTime - source.firstTime) / 1e9)))"
        }
        output.write(terminal.styled(line + (source.hasEnded ? ", ended" : ""), .dim))
        output.write("\n")
        for dropped in source.dropped {
            let text = "  \(Self.batches(dropped.batches)) dropped: \(dropped.cause)"
            output.write(terminal.styled(text, .yellow) + "\n")
        }
        if source.missing > 0 {
            let text = "  \(Self.batches(source.missing)) missing, and nothing says why"
            output.write(terminal.styled(text, .red) + "\n")
        }
        if source.lost > 0 {
            let text = "  \(Self.batches(source.lost)) damaged"
            output.write(terminal.styled(text, .red) + "\n")
        }
        if source.repeated > 0 {
            let text = "  \(Self.batches(UInt64(source.repeated))) delivered again, counted once"
            output.write(terminal.styled(text, .yellow) + "\n")
        }
    }
}
