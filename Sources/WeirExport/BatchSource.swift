package import WeirBatch

/// Where batches come from: one call is one collection.
package protocol BatchSource: AnyObject, Sendable {
    /// Fills `startTime`, `endTime`, `strings` and `views`.
    ///
    /// Called by one thread, the collector's. `batch` is the one of the call before, so that its columns keep their
    /// memory: everything in it is to be overwritten.
    func collect(into batch: inout Batch)
}
