private import WeirBatch

/// Making room without losing anything: of batches that no destination has seen, older ones go into newer ones.
extension SinkQueue {
    /// Lets the oldest unseen batch go where a newer one of the same series says all that it said.
    mutating func supersedeOldest() -> Bool {
        guard let older = fresh.removeLeast() else { return false }
        guard let newer = fresh.least, older.batch.isSuperseded(by: newer.batch) else {
            fresh.insert(older)
            return false
        }
        accounts.queued -= older.batch.amount
        accounts.coalesced += older.batch.amount
        gaps.insert(older.batch.gap(.coalesced), stream: older.batch.stream)
        return true
    }
}
