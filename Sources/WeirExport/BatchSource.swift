package import WeirBatch

/// Where batches come from: one call is one collection.
package protocol BatchSource: AnyObject, Sendable {
    /// Fills `startTime`, `endTime`, `strings` and `views`.
    ///
    /// Called by one thread, the collector's. `batch` is the one of the call before, so that its columns keep their
    /// memory: everything in it is to be overwritten.
    func collect(into batch: inout Batch)

    /// By the clock of its collections. Nanoseconds since 1970.
    var currentTime: UInt64 { get }

    /// By how much the clock was set, of what the last collection noticed: its own times are by the clock of before, those
    /// of the next one by the clock of now. 0 where it was not. Nanoseconds.
    var clockStep: Int64 { get }

    /// Callbacks that had not returned when the last collection was made: what they observe has no new value in it.
    var lateCallbacks: [String] { get }

    /// What of the source is not as its code has it, and was not told yet, for the log.
    func takeProblems() -> [String]

    /// Where sinks stood when export of this source ended, by name, each taken once: so that export which begins again in
    /// one process repeats nothing.
    func takePosition(of sink: String) -> FeedPosition?
    func keepPosition(_ position: FeedPosition, of sink: String)
}

extension BatchSource {
    package var currentTime: UInt64 { TimeSource.system.wall() }
    package var clockStep: Int64 { 0 }
    package var lateCallbacks: [String] { [] }
    package func takeProblems() -> [String] { [] }
    package func takePosition(of sink: String) -> FeedPosition? { nil }
    package func keepPosition(_ position: FeedPosition, of sink: String) {}
}
