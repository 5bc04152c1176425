package import WeirBatch

/// A batch that waits in a sink's queue.
struct QueuedBatch: Sendable, Comparable {
    var batch: SharedBatch
    /// Its place among all that this queue ever took in; numbers begin anew with another stream.
    let position: UInt64
    /// When it was offered. Nanoseconds of the monotonic clock.
    var arrival: UInt64
    var attempts: UInt32 = 0
    /// Written at the first attempt, the same at each that follows.
    var header: FrameHeader?

    init(batch: SharedBatch, position: UInt64, arrival: UInt64) {
        self.batch = batch
        self.position = position
        self.arrival = arrival
    }

    static func < (left: QueuedBatch, right: QueuedBatch) -> Bool { left.position < right.position }

    static func == (left: QueuedBatch, right: QueuedBatch) -> Bool { left.position == right.position }
}

/// A batch that the exporter holds.
package struct InflightBatch: Sendable {
    let item: QueuedBatch
    /// What goes before the payload.
    package let header: FrameHeader
    /// Where it stands on disk; nil for a batch that waits in memory alone.
    package let spillID: SpillID?
    /// Gaps that its header on disk does not tell.
    let addedGaps: [Gap]

    init(item: QueuedBatch, header: FrameHeader, spillID: SpillID? = nil, addedGaps: [Gap] = []) {
        self.item = item
        self.header = header
        self.spillID = spillID
        self.addedGaps = addedGaps
    }

    package var batch: SharedBatch { item.batch }

    /// This one included.
    package var attempts: UInt32 { item.attempts }
}
