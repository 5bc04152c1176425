/// What the collector did.
package struct CollectionCounts: Equatable, Sendable {
    /// Collections made.
    package var collections: UInt64 = 0
    /// Batches of a feed that could not be encoded: what they would have said is told with the next.
    package var failures: UInt64 = 0
    /// Why the last one of them could not be encoded; empty where there was none.
    package var lastFailure = ""
    /// Views that collections left out because they could not be encoded, by name. At most ``failedViewLimit``.
    package var failedViews: [String: FailedView] = [:]
    /// Rows that feeds left out because each was too long for any reader, by view. At most ``failedViewLimit``.
    package var oversizedRows: [String: UInt64] = [:]
    /// Ticks of feeds that passed while a collection ran.
    package var lateTicks: UInt64 = 0
    /// Ends of series that a feed could not keep until its next collection.
    package var lostRows: UInt64 = 0
    /// How long the collector waited for room at sinks whose policies want that.
    package var waitedNanoseconds: UInt64 = 0
    /// Collecting and encoding, the last time.
    package var lastDurationNanoseconds: UInt64 = 0

    package init() {}

    /// A view that collections left out.
    package struct FailedView: Equatable, Sendable {
        package var collections: UInt64 = 0
        /// Why the last of them did.
        package var reason = ""
    }

    /// How many views are counted by name. Those past it are counted as one, whose name is `…`.
    package static let failedViewLimit = 256

    /// Counts a row that a feed left out.
    mutating func noteOversized(view: String) {
        let isKnown = oversizedRows[view] != nil || oversizedRows.count < Self.failedViewLimit
        oversizedRows[isKnown ? view : "…", default: 0] += 1
    }

    /// Counts a view that a collection left out.
    mutating func noteFailed(view: String, _ reason: String) {
        let isKnown = failedViews[view] != nil || failedViews.count < Self.failedViewLimit
        failedViews[isKnown ? view : "…", default: FailedView()].collections += 1
        failedViews[isKnown ? view : "…"]?.reason = reason
    }
}
