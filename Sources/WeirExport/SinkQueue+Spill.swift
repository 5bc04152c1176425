package import WeirBatch

/// What waits on disk. Its batches are no part of the queue and count against no bound of it; a copy of one is in memory
/// while it is delivered, and the disk's is let go when it was.
extension SinkQueue {
    /// Counts what a start found on disk, and what of it was lost already.
    package mutating func recover(_ recovery: SpillRecovery) {
        accounts.recovered += recovery.recovered
        accounts.accepted += recovery.recovered
        accounts.spilled += recovery.recovered
        lose(recovery.losses)
    }

    /// Whether the next batch is one on disk, where `taken` of them are being read already: what went there is older
    /// than what waits in memory, but for what failed once. It needs room; without any, memory is delivered first.
    package func prefersSpill(taken: UInt64 = 0) -> Bool {
        guard onDisk > taken else { return false }
        guard hasRoom(for: Amount(batches: taken + 1, bytes: recallBytes)) else { return false }
        return policy.deliversNewestFirst ? !hasWaiting : returned.isEmpty
    }

    /// Whether a batch may come back from disk. Where nothing else is held, any may: it once fitted wider bounds.
    private func hasRoom(for amount: Amount) -> Bool {
        levels.fits(amount) || accounts.queued.batches + accounts.inflight.batches == 0 && amount.batches == 1
    }

    /// A batch from disk is in flight from here on, under its own stream, its own number and the header that it has.
    ///
    /// - Parameters:
    ///   - header: As it stands on disk, or as it was at the first attempt.
    ///   - attempts: This one included. At the first, a batch of an earlier process's stream tells what the disk has lost
    ///     of that: no other header will. Later batches of this process tell all that concerns its own.
    ///   - addedGaps: What its header tells beyond what stands on disk.
    /// - Returns: Nil where it found no room after all. Next time there is to be enough.
    package mutating func recall(
        _ header: FrameHeader, payload: [UInt8], id: SpillID, attempts: UInt32, addedGaps: [Gap] = [],
        budget: MemoryBudget? = nil, now: UInt64
    ) -> InflightBatch? {
        guard hasRoom(for: header.amount) else {
            recallBytes = UInt64(payload.count)
            return nil
        }
        recallBytes = 0
        var header = header
        var addedGaps = addedGaps
        if attempts <= 1, header.stream != newest?.stream {
            addedGaps = gaps.takeAll(header.stream)
            header.gaps += addedGaps
        }
        var item = QueuedBatch(
            batch: SharedBatch(spilled: header, bytes: payload, budget: budget), position: 0, arrival: now)
        item.attempts = attempts
        item.header = header
        accounts.spilled -= item.batch.amount
        accounts.inflight += item.batch.amount
        return InflightBatch(item: item, header: header, spillID: id, addedGaps: addedGaps)
    }

    /// A batch from disk waits there again.
    package mutating func putBackToSpill(_ inflight: InflightBatch, now: UInt64) {
        accounts.inflight -= inflight.batch.amount
        accounts.spilled += inflight.batch.amount
        enforce(now: now)
    }

    /// The disk has lost batches. Those that it cannot name remain holes to a reader.
    package mutating func lose(_ losses: [SpillLoss]) {
        for loss in losses {
            accounts.spilled -= loss.amount
            accounts.dropped[loss.cause] += loss.amount
            gaps.insert(loss.gaps)
            if let header = loss.header { gaps.insert(lossOf: header, loss.cause) }
        }
    }
}
