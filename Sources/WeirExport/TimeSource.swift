private import WeirSystem

/// The clocks, as a parameter: tests bring their own.
package struct TimeSource: Sendable {
    /// Nanoseconds since 1970. May step.
    package var wall: @Sendable () -> UInt64
    /// Nanoseconds since some fixed moment. Never steps.
    package var monotonic: @Sendable () -> UInt64

    package init(wall: @escaping @Sendable () -> UInt64, monotonic: @escaping @Sendable () -> UInt64) {
        self.wall = wall
        self.monotonic = monotonic
    }

    /// The system's. The monotonic one is the one that ``Monitor`` waits by.
    package static let system = TimeSource(
        wall: { read(CLOCK_REALTIME) }, monotonic: { read(CLOCK_MONOTONIC) })

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return UInt64(max(time.tv_sec, 0)) &* 1_000_000_000 &+ UInt64(max(time.tv_nsec, 0))
    }
}
