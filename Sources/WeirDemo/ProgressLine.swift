internal import Synchronization
internal import WeirDump

/// A line on standard error that is written over, with warnings above it.
package final class ProgressLine: Sendable {
    private let isShown: Bool
    private let width = Mutex(0)

    package init(isShown: Bool) {
        self.isShown = isShown
    }

    /// What was done so far.
    package var show: @Sendable (Totals, Int, Duration) -> Void {
        { totals, batches, elapsed in
            guard self.isShown else { return }
            let seconds = max(elapsed / .seconds(1), 1e-3)
            let rate = NumberForm.bytes(Double(totals.input) / seconds)
            let ratio = totals.output > 0 ? NumberForm.ratio(Double(totals.input) / Double(totals.output)) : "-"
            self.replace(
                with: "\(NumberForm.grouped(totals.files)) files, \(NumberForm.bytes(Double(totals.input))), "
                    + "\(rate)/s, ratio \(ratio), \(batches) batches")
        }
    }

    /// A line that stays.
    package var say: @Sendable (String) -> Void {
        { text in
            self.clear()
            write("weir: " + text + "\n")
        }
    }

    /// Takes the line away.
    package func clear() {
        replace(with: "")
        if isShown { write("\r") }
    }

    private func replace(with text: String) {
        guard isShown else { return }
        width.withLock { width in
            write("\r" + text + String(repeating: " ", count: max(0, width - text.count)))
            width = text.count
        }
    }
}

private func write(_ text: String) {
    let output = Output(descriptor: System.standardError)
    output.write(text)
    output.flush()
}
