internal import WeirBatch
internal import WeirExporterSupport

/// `--batches` for people: a line a header, with what is missing where it is missing; under it the points, of those
/// that were asked for.
package struct TextBatchFormat: BatchFormat {
    private let terminal: Terminal

    /// Whose lines are being printed.
    private var stream: StreamID?

    package init(terminal: Terminal) {
        self.terminal = terminal
    }

    package mutating func show(_ batch: BatchFacts, to output: Output) {
        let header = batch.header
        var isShown = !header.isEndMark
        let begins = batch.findings.contains { if case .begins = $0 { true } else { false } }
        if !begins, header.stream != stream {
            output.write(terminal.styled("stream \(header.stream.text)", .bold) + "\n")
        }
        stream = header.stream
        for finding in batch.findings {
            show(finding, to: output)
            if finding.replacesBatch { isShown = false }
        }
        guard isShown else { return }
        var line = "  #\(header.first)"
        if header.last != header.first { line += "-\(header.last)" }
        if header.parts > 1 { line += " (part \(header.part) of \(header.parts))" }
        line += "  \(Timestamp(nanoseconds: header.endTime).text(fractionDigits: 3))"
        line += "  over \(Self.duration(from: header.startTime, to: header.endTime))"
        line += "  \(NumberText.grouped(header.rows)) rows  \(NumberText.grouped(header.points)) points"
        line += "  \(NumberText.grouped(header.rawLength)) B raw"
        line += "  \(NumberText.grouped(header.payloadLength)) B compressed"
        output.write(line + "\n")
    }

    package mutating func show(_ point: SeriesPoint, to output: Output) {
        let unit = Unit(point.view.valueUnit)
        let tags = point.tags.map { "\(Terminal.safe($0.key))=\(JSON.string(Terminal.safe($0.value)))" }
        var line = "      \(Terminal.safe(point.view.name)){\(tags.joined(separator: ","))}  "
        switch point.point.value {
        case .scalar(let scalar):
            line += unit.text(scalar)
        case .distribution(let distribution):
            line += "count \(NumberText.grouped(distribution.count))"
            if let mean = distribution.mean { line += "  mean \(unit.text(mean))" }
            for (name, part) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
                guard let percentile = distribution.percentile(part) else { continue }
                line += "  \(name) \(percentile.isBeyond ? ">" : "")\(unit.text(percentile.value))"
            }
        }
        if point.point.hasEnded {
            line += "  ended \(Timestamp(nanoseconds: point.point.end).text(fractionDigits: 3))"
        }
        output.write(line + "\n")
        for exemplar in point.point.exemplars {
            output.write("        " + terminal.styled(exemplar.text(Unit(point.view.unit)), .dim) + "\n")
        }
    }

    private func show(_ finding: StreamTracker.Finding, to output: Output) {
        switch finding {
        case .begins(let stream, let first, let previous):
            var line = terminal.styled("stream \(stream.text)", .bold)
            if first > 1 { line += "  from #\(first)" }
            if let previous { line += "  after stream \(previous.text)" }
            output.write(line + "\n")
        case .gap(let gap):
            let numbers = Self.numbers(min(gap.first, gap.last)...max(gap.first, gap.last))
            let line =
                "gap \(numbers)  \(NumberText.grouped(gap.batches)) batches, \(NumberText.grouped(gap.rows)) rows, "
                + "over \(Self.duration(from: gap.startTime, to: gap.endTime)): \(gap.cause)"
            output.write("  " + terminal.styled(line, .yellow) + "\n")
        case .hole(let range):
            output.write("  " + terminal.styled("missing \(Self.numbers(range)), and nothing says why", .red) + "\n")
        case .repeated(let range):
            output.write("  " + terminal.styled("again \(Self.numbers(range)), counted once", .yellow) + "\n")
        case .lost(let range):
            output.write("  " + terminal.styled("lost \(Self.numbers(range)): damaged", .red) + "\n")
        case .ends(let last):
            output.write("  " + terminal.styled("ends in order after #\(last)", .cyan) + "\n")
        }
    }

    private static func numbers(_ range: ClosedRange<UInt64>) -> String {
        range.lowerBound == range.upperBound ? "#\(range.lowerBound)" : "#\(range.lowerBound)-\(range.upperBound)"
    }

    private static func duration(from start: UInt64, to end: UInt64) -> String {
        end >= start ? Unit.duration(Double(end - start) / 1e9) : "-" + Unit.duration(Double(start - end) / 1e9)
    }
}
