/// Crashes of late: so many within so long a time are too many.
package struct CrashWindow: Sendable {
    package let limit: Int
    /// Nanoseconds.
    package let duration: UInt64

    /// By the monotonic clock, oldest first, at most ``limit``.
    private var times: [UInt64] = []

    package init(limit: Int = 3, duration: UInt64 = 60_000_000_000) {
        self.limit = max(limit, 1)
        self.duration = duration
    }

    /// Notes a crash, and says whether it is one too many.
    package mutating func note(now: UInt64) -> Bool {
        times.removeAll { now &- $0 > duration }
        times.append(now)
        return times.count >= limit
    }
}
