package import Logging
internal import WeirBatch
private import Synchronization

/// Lines of a plugin in the application's log: at most 20 in 10 seconds, since one that logs in a loop must not fill it.
package final class PluginLog: Sendable {
    private let logger: Logger
    private let time: TimeSource
    private let budget = Mutex(LineBudget())

    package init(logger: Logger, time: TimeSource = .system) {
        self.logger = logger
        self.time = time
    }

    /// - Parameter level: One of the C header's.
    package func write(_ level: UInt32, _ message: String) {
        let now = time.monotonic()
        guard let skipped = budget.withLock({ $0.admit(now: now) }) else { return }
        // A terminal that shows the log must not obey what a plugin says.
        let message = message.escapingControls
        logger.log(
            level: Self.level(level),
            skipped == 0 ? "\(message)" : "\(message) (\(skipped) lines before this were dropped)")
    }

    private static func level(_ level: UInt32) -> Logger.Level {
        switch level {
        case 1: .debug
        case 2: .info
        case 3: .warning
        default: .error
        }
    }
}

private struct LineBudget {
    private var windowStart: UInt64 = 0
    private var lines = 0
    private var skipped = 0

    /// How many lines were dropped since the last that was not; nil where this one is to be dropped.
    mutating func admit(now: UInt64) -> Int? {
        if now &- windowStart >= 10_000_000_000 {
            windowStart = now
            lines = 0
        }
        lines += 1
        guard lines <= 20 else {
            skipped += 1
            return nil
        }
        defer { skipped = 0 }
        return skipped
    }
}
