package import WeirBatch

/// Where batches come from: one call is one collection.
package protocol BatchSource: AnyObject, Sendable {
    /// Fills `startTime`, `endTime`, `strings` and `views`.
    ///
    /// Called by one thread, the collector's. `batch` is the one of the call before, so that its columns keep their
    /// memory: everything in it is to be overwritten.
    func collect(into batch: inout Batch)

    /// Where sinks stood when export of this source ended, by name, each taken once: so that export which begins again in
    /// one process repeats nothing.
    func takePosition(of sink: String) -> FeedPosition?
    func keepPosition(_ position: FeedPosition, of sink: String)
}

extension BatchSource {
    package func takePosition(of sink: String) -> FeedPosition? { nil }
    package func keepPosition(_ position: FeedPosition, of sink: String) {}
}
