internal import WeirBatch

/// A check for people: what became of each stream, and one line that sums it up.
struct CheckText {
    private let terminal: Terminal
    private let output: Output

    /// How many ranges of numbers a line names.
    private static let longestList = 8

    init(terminal: Terminal, output: Output) {
        self.terminal = terminal
        self.output = output
    }

    func show(_ place: String, _ streams: [StreamCheck]) {
        write(terminal.styled(Terminal.safe(place), .bold))
        for stream in streams { show(stream) }
    }

    func sum(_ streams: [StreamCheck]) {
        var parts: [String] = []
        let missing = streams.reduce(0) { $0 &+ $1.missing }
        if missing > 0 { parts.append("\(Self.batches(missing)) missing, and nothing says why") }
        let damaged = streams.reduce(0) { $0 &+ $1.damaged.batches }
        if damaged > 0 { parts.append("\(Self.batches(damaged)) damaged") }
        let faults = streams.reduce(0) { $0 &+ $1.faults.count }
        if faults > 0 { parts.append("\(NumberText.grouped(faults)) \(faults == 1 ? "fault" : "faults")") }
        let endless = streams.filter(\.lacksEndMark).count
        if endless > 0 { parts.append("\(endless) \(endless == 1 ? "stream" : "streams") without an end mark") }
        let delivered = streams.reduce(0) { $0 &+ $1.delivered.batches }
        let dropped = streams.flatMap(\.dropped).reduce(0) { $0 &+ $1.tally.batches }
        let all = "\(Self.batches(delivered)) of \(streams.count) \(streams.count == 1 ? "stream" : "streams")"
        let explained = dropped == 0 ? "" : ", \(NumberText.grouped(dropped)) dropped and accounted for"
        write("\(all)\(explained): \(parts.isEmpty ? "nothing is missing unexplained" : parts.joined(separator: "; "))")
    }

    // MARK: - One stream

    private func show(_ stream: StreamCheck) {
        let after = stream.previous.map { ", after stream \($0.text)" } ?? ""
        let step = Double(stream.clockStep) / 1e9
        let set = step == 0 ? "" : ", since the clock was set by \(step > 0 ? "+" : "")\(step) s"
        write("  stream \(stream.stream.text)\(after)\(set)")
        write("    \(Self.head(stream))")
        if stream.splits.whole > 0 { write("    \(Self.collections(stream.splits.whole)) in parts, all of them there") }
        if stream.splits.lacking > 0 {
            write("    \(Self.collections(stream.splits.lacking)) in parts, of which some lack", .yellow)
        }
        for loss in stream.dropped {
            write("    \(Self.tally(loss.tally)) dropped: \(loss.cause): \(Self.list(loss.ranges))", .yellow)
        }
        if let merged = stream.coalesced {
            write("    \(Self.tally(merged.tally)) merged into newer ones, nothing lost: \(Self.list(merged.ranges))")
        }
        if stream.repeated.batches > 0 {
            write("    \(Self.tally(stream.repeated)) delivered again, counted once", .yellow)
        }
        if stream.damaged.batches > 0 { write("    \(Self.tally(stream.damaged)) damaged", .red) }
        for fault in stream.faults.first { write("    fault: \(Terminal.safe(fault.sentence))", .red) }
        if stream.faults.count > UInt64(stream.faults.first.count) {
            write("    \(NumberText.grouped(stream.faults.count)) faults in all", .red)
        }
        if !stream.holes.isEmpty {
            let numbers = Self.list(stream.holes)
            write("    \(Self.batches(stream.missing)) missing, and nothing says why: \(numbers)", .red)
        }
        write("    \(Self.end(stream))", stream.lacksEndMark ? .red : nil)
    }

    private static func head(_ stream: StreamCheck) -> String {
        guard stream.delivered.batches > 0 else { return "no batch" }
        var text = "\(list([stream.first...stream.last])): \(tally(stream.delivered))"
        text += ", \(Timestamp(nanoseconds: stream.startTime).text(fractionDigits: 0))"
        text += " to \(Timestamp(nanoseconds: stream.endTime).text(fractionDigits: 0))"
        return text + (stream.first > 1 ? "; what was before is not here" : "")
    }

    private static func end(_ stream: StreamCheck) -> String {
        if stream.hasEndMark { return "ended in order" }
        return stream.goesOn
            ? "goes on: its file is being written"
            : "no end mark: its process ended without a shutdown, or the rest is not here"
    }

    private static func batches(_ count: UInt64) -> String {
        "\(NumberText.grouped(count)) \(count == 1 ? "batch" : "batches")"
    }

    private static func collections(_ count: UInt64) -> String {
        "\(NumberText.grouped(count)) \(count == 1 ? "collection" : "collections")"
    }

    private static func tally(_ tally: Tally) -> String {
        "\(batches(tally.batches)), \(NumberText.grouped(tally.rows)) \(tally.rows == 1 ? "row" : "rows")"
    }

    private static func list(_ ranges: [ClosedRange<UInt64>]) -> String {
        let shown = ranges.prefix(longestList).map { range in
            range.lowerBound == range.upperBound ? "#\(range.lowerBound)" : "#\(range.lowerBound)-\(range.upperBound)"
        }
        let rest = ranges.count - shown.count
        return shown.joined(separator: ", ") + (rest > 0 ? " and \(NumberText.grouped(UInt64(rest))) ranges more" : "")
    }

    private func write(_ line: String, _ style: Terminal.Style? = nil) {
        output.write((style.map { terminal.styled(line, $0) } ?? line) + "\n")
    }
}
