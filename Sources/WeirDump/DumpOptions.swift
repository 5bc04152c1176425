/// What to read, and which of it to show.
package struct DumpOptions {
    /// Files, directories and `-` for standard input, in the order in which they are read.
    package var operands: [String]
    package var selection = Selection()
    /// Only batches whose end time is within these, both included.
    package var since: Timestamp?
    package var until: Timestamp?
    /// How many series are kept at most; what has more is not shown.
    package var maximumSeries = Self.defaultMaximumSeries
    package static let defaultMaximumSeries = 1_000_000
    /// Whether to go on as files grow and new ones appear.
    package var follows = false

    package init(operands: [String]) { self.operands = operands }

    /// Whether a batch of this end time is asked for.
    func selects(endTime: UInt64) -> Bool {
        let time = Timestamp(nanoseconds: endTime)
        if let since, time < since { return false }
        if let until, time > until { return false }
        return true
    }
}

/// What a dump shows: the latest state of all series, or batch after batch.
package enum DumpMode {
    case latest(any TableFormat)
    /// Without points, headers alone are read, and nothing is decompressed.
    case batches(any BatchFormat, readsPoints: Bool)
}

/// How a dump went.
package enum DumpStatus: Equatable, Sendable {
    /// Everything was read.
    case complete
    /// Some input could not be read, or the output not be written.
    case unreadable
    /// Some of the input is damaged; the rest was shown.
    case damaged

    /// The process' exit code, as `weir dump --help` promises it.
    package var exitCode: Int32 {
        switch self {
        case .complete: 0
        case .unreadable: 2
        case .damaged: 3
        }
    }
}

/// Says what went wrong, a line each, apart from what is printed. What names of files and batches hold does not steer the
/// terminal.
package struct Diagnostics {
    private let output: Output

    package init(_ output: Output) { self.output = output }

    package func report(_ text: String) {
        output.write("weir: \(Terminal.safe(text))\n")
        output.flush()
    }
}
