package import WeirDump

/// Reads the accounts of a process from its batch files or from its socket, and prints them, once or again and again.
package struct StatsRun {
    private let operand: String
    private let isJSON: Bool
    /// How often; nil for once.
    private let watchMilliseconds: Int32?
    private let terminal: Terminal
    /// Whether a table takes the place of the one before.
    private let replaces: Bool
    private let output: Output
    private let diagnostics: Diagnostics

    package init(
        _ operand: String, isJSON: Bool = false, watchMilliseconds: Int32? = nil, replaces: Bool = false,
        terminal: Terminal, output: Output, diagnostics: Diagnostics
    ) {
        self.operand = operand
        self.isJSON = isJSON
        self.watchMilliseconds = watchMilliseconds
        self.replaces = replaces
        self.terminal = terminal
        self.output = output
        self.diagnostics = diagnostics
    }

    package func run() -> StatsStatus {
        if watchMilliseconds != nil { System.catchInterrupts() }
        var status = StatsStatus.balanced
        var isFirst = true
        while true {
            let now = show(isFirst: isFirst)
            isFirst = false
            output.flush()
            // What did not balance once is not forgotten because it does now.
            if status == .balanced || now == .unreadable { status = now }
            guard output.failure == nil else { return output.isBrokenPipe ? status : .unreadable }
            guard let watchMilliseconds, now != .unreadable, !System.isInterrupted else { return status }
            System.pause(milliseconds: watchMilliseconds)
            if System.isInterrupted { return status }
        }
    }

    private func show(isFirst: Bool) -> StatsStatus {
        guard let processes = read() else { return .unreadable }
        guard !processes.isEmpty else {
            diagnostics.report(
                "no accounts in \(operand): wanted views weir.sink.*, which a sink with `match` may leave out")
            return .unreadable
        }
        if replaces { output.write(Terminal.clear) }
        for (index, process) in processes.enumerated() {
            if isJSON {
                StatsJSON().show(process, to: output)
            } else {
                if index > 0 || !(isFirst || replaces) { output.write("\n") }
                StatsText(terminal: terminal).show(process, to: output)
            }
        }
        return processes.allSatisfy(\.isBalanced) ? .balanced : .imbalanced
    }

    private func read() -> [ProcessAccounts]? {
        if System.isSocket(operand) { return RunningProcess.read(operand, diagnostics: diagnostics) }
        var files = BatchFiles(operand, diagnostics: diagnostics)
        return files.read()
    }
}

/// How it went; the raw value is the exit code.
package enum StatsStatus: Int32, Equatable, Sendable {
    case balanced = 0
    /// Nothing could be read, or it holds no accounts.
    case unreadable = 2
    /// An identity of the accounts does not hold.
    case imbalanced = 3
}
