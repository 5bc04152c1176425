internal import WeirExporterKit

/// When a collection's samples are, in milliseconds since 1970.
struct CollectionTimes {
    /// When it was made, in nanoseconds: a row whose time is earlier has ended.
    let collected: UInt64
    /// Of values, and of the ends of series.
    let now: Int64
    private let begin: Int64

    /// A sample from the future makes a server refuse all that come until then: of any series. A clock that was set back
    /// must not do that.
    private static let mostAhead: Int64 = 60_000

    /// - Parameter clock: What time it is. Nanoseconds since 1970.
    init(_ facts: FrameFacts, clock: UInt64) {
        let latest = Int64(clock / 1_000_000) + Self.mostAhead
        collected = facts.endTime
        now = min(Int64(facts.endTime / 1_000_000), latest)
        begin = min(Int64(facts.startTime / 1_000_000), now)
    }

    /// The time of the last value of a series that has ended: after the collection before, as a server takes samples only
    /// in order, and before this one, at which the series is no more; nil where there is no time between.
    func last(_ time: UInt64) -> Int64? {
        guard begin + 1 <= now - 1 else { return nil }
        return min(max(Int64(time / 1_000_000), begin + 1), now - 1)
    }
}
