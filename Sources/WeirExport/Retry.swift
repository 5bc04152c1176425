/// How long a sink pauses between attempts: twice as long from failure to failure, at random below that, so that many
/// processes do not return to one server at the same moment.
package struct Retry: Equatable, Sendable {
    /// Nanoseconds: the first failure's longest pause, and the longest of all.
    package let first: UInt64
    package let longest: UInt64
    /// A server that asks for more than this gets this. Nanoseconds.
    package let longestHint: UInt64

    /// Failures in a row.
    package private(set) var failures: UInt32 = 0

    package init(
        first: UInt64 = 500_000_000, longest: UInt64 = 30_000_000_000, longestHint: UInt64 = 300_000_000_000
    ) {
        self.first = first
        self.longest = longest
        self.longestHint = longestHint
    }

    package mutating func succeeded() {
        failures = 0
    }

    /// Counts a failure and says how long to wait: uniform(0, min(longest, first · 2^n)), or, where the destination
    /// named a time, that time and up to a tenth more, whichever is later.
    package mutating func failed(hint: UInt64? = nil, random: inout some RandomNumberGenerator) -> UInt64 {
        let bound = failures >= 63 || first > longest >> UInt64(failures) ? longest : first << UInt64(failures)
        if failures < .max { failures += 1 }
        let pause = UInt64.random(in: 0...bound, using: &random)
        guard let hint, hint > 0 else { return pause }
        let floor = min(hint, longestHint)
        let later = floor.addingClamped(UInt64.random(in: 0...floor / 10, using: &random))
        return min(max(pause, later), longestHint)
    }
}
