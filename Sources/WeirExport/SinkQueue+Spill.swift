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
    /// than what waits in memory, but for what failed once.
    package func prefersSpill(taken: UInt64 = 0) -> Bool {
        guard accounts.spilled.batches > taken else { return false }
        return policy.deliversNewestFirst ? !hasWaiting : returned.isEmpty
    }

    /// A batch from disk is in flight from here on, under its own stream, its own number and the header that it has.
    ///
    /// - Parameters:
    ///   - header: As it stands on disk, or as it was at the first attempt.
    ///   - attempts: This one included. At the first, the gaps of its stream that are known by now are told with it.
    package mutating func recall(
        _ header: FrameHeader, payload: [UInt8], id: SpillID, attempts: UInt32, budget: MemoryBudget? = nil, now: UInt64
    ) -> InflightBatch {
        var header = header
        if attempts <= 1 { header.gaps += gaps.takeAll(header.stream) }
        var item = QueuedBatch(
            batch: SharedBatch(spilled: header, bytes: payload, budget: budget), position: 0, arrival: now)
        item.attempts = attempts
        item.header = header
        accounts.spilled -= item.batch.amount
        accounts.inflight += item.batch.amount
        return InflightBatch(item: item, header: header, spillID: id)
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
            guard let header = loss.header else { continue }
            gaps.insert(header.gaps, stream: header.stream)
            gaps.insert(
                Gap(
                    first: header.first, last: max(header.first, header.last), batches: 1, rows: header.rows,
                    startTime: header.startTime, endTime: header.endTime, cause: loss.cause),
                stream: header.stream)
        }
    }
}
