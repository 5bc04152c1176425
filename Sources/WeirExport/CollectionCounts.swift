/// What the collector did.
package struct CollectionCounts: Equatable, Sendable {
    /// Collections made.
    package var collections: UInt64 = 0
    /// Batches of a feed that could not be encoded: what they would have said is told with the next.
    package var failures: UInt64 = 0
    /// Ticks of feeds that passed while a collection ran.
    package var lateTicks: UInt64 = 0
    /// Ends of series that a feed could not keep until its next collection.
    package var lostRows: UInt64 = 0
    /// How long the collector waited for room at sinks whose policies want that.
    package var waitedNanoseconds: UInt64 = 0
    /// Collecting and encoding, the last time.
    package var lastDurationNanoseconds: UInt64 = 0

    package init() {}
}
