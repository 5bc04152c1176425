/// Keeps a sink from knocking at a door that does not open: after failures in a row, or half of the last twenty, nothing
/// is delivered for a while; then one batch is the probe that decides.
///
/// Closed, it lets everything pass. Open, nothing, until its pause is over. From then on it is half open: the sink sends
/// one batch at a time, and the first answer closes it or opens it anew.
package struct Breaker: Equatable, Sendable {
    /// When it opens: after so many failures in a row, or among the last twenty deliveries. 0: never.
    package let failuresInARow: UInt32
    package let failuresOf20: UInt32
    /// Nanoseconds.
    package let pause: UInt64

    private var inARow: UInt32 = 0
    /// A bit for each of the last twenty deliveries, the newest lowest: 1 where it failed.
    private var history: UInt32 = 0
    /// When it may be tried again; nil while it is closed.
    private var reopening: UInt64?

    package init(failuresInARow: UInt32 = 5, failuresOf20: UInt32 = 10, pause: UInt64 = 30_000_000_000) {
        self.failuresInARow = failuresInARow
        self.failuresOf20 = failuresOf20
        self.pause = pause
    }

    /// Whether deliveries pause, or only a probe may go.
    package var isOpen: Bool { reopening != nil }

    /// Nothing is delivered before; 0 where it is closed.
    package var pausesUntil: UInt64 { reopening ?? 0 }

    /// The destination answered.
    package mutating func succeeded() {
        if isOpen { history = 0 }
        reopening = nil
        inARow = 0
        note(failure: false)
    }

    /// - Returns: Whether that opened it.
    package mutating func failed(now: UInt64) -> Bool {
        if inARow < .max { inARow += 1 }
        note(failure: true)
        let hasOpened = reopening == nil
        guard isOpen || reaches(failuresInARow, inARow) || reaches(failuresOf20, UInt32(history.nonzeroBitCount))
        else { return false }
        reopening = now.addingClamped(pause)
        return hasOpened
    }

    private func reaches(_ limit: UInt32, _ count: UInt32) -> Bool { limit > 0 && count >= limit }

    private mutating func note(failure: Bool) {
        history = (history << 1 | (failure ? 1 : 0)) & 0xF_FFFF
    }
}
