internal import Synchronization

/// A line on standard error that is written over, with what stays above it.
package final class ProgressLine: Sendable {
    /// Whether there is a terminal that wants to see it.
    package let isShown: Bool
    /// How much of the line is to be written over.
    private let width = Mutex(0)

    package init(isShown: Bool) {
        self.isShown = isShown
    }

    /// Shows what was done so far.
    package func show(_ text: String) {
        guard isShown else { return }
        width.withLock { width in
            Self.write(text + String(repeating: " ", count: max(0, width - text.count)) + "\r")
            width = text.count
        }
    }

    /// Writes a line that stays.
    package func say(_ text: String) {
        width.withLock { width in
            Self.write(Self.blank(&width) + "weir: " + text + "\n")
        }
    }

    /// Takes the line away.
    package func clear() {
        width.withLock { width in
            if width > 0 { Self.write(Self.blank(&width)) }
        }
    }

    private static func blank(_ width: inout Int) -> String {
        defer { width = 0 }
        return width > 0 ? String(repeating: " ", count: width) + "\r" : ""
    }

    private static func write(_ text: String) {
        let output = Output(descriptor: System.standardError)
        output.write(text)
        output.flush()
    }
}
