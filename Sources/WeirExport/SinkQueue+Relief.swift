package import WeirBatch

/// What the relief has in hand: still in the queue, by the accounts.
enum Relieving: Sendable {
    case merging(older: QueuedBatch, newer: QueuedBatch)
    case spilling(QueuedBatch)

    var items: [QueuedBatch] {
        switch self {
        case .merging(let older, let newer): [older, newer]
        case .spilling(let item): [item]
        }
    }
}

/// Making room without losing anything: of batches that no destination has seen, older ones go into newer ones, or to
/// disk. What takes time happens outside, between a `begin` and a `finish`; what is in hand is not evicted meanwhile.
extension SinkQueue {
    /// Whether so much waits that room is to be made.
    package var isFilling: Bool { levels.fill > 0.5 }

    package var mergesDeltas: Bool { policy.mergesDeltas }

    /// Whether what the relief has in hand comes before all that could be taken.
    var awaitsRelief: Bool {
        guard !policy.deliversNewestFirst, let first = relieving?.items.first else { return false }
        guard let oldest else { return true }
        return first < oldest
    }

    // MARK: - Coalescing

    /// Lets the oldest unseen batch go where a newer one of the same series says all that it said.
    mutating func supersedeOldest() -> Bool {
        guard let older = fresh.removeLeast() else { return false }
        guard let newer = fresh.least, older.batch.isSuperseded(by: newer.batch) else {
            fresh.insert(older)
            return false
        }
        accounts.queued -= older.batch.amount
        coalesce(older.batch, saving: older.batch.amount)
        return true
    }

    private mutating func coalesce(_ older: SharedBatch, saving amount: Amount) {
        accounts.coalesced += amount
        gaps.insert(older.gap(.coalesced), stream: older.stream)
    }

    /// The two oldest unseen batches, if the policy merges and they are neighbours. Those that cannot be merged wait as
    /// they are from here on.
    package mutating func beginMerge() -> (older: SharedBatch, newer: SharedBatch)? {
        guard policy.mergesDeltas, isFilling, relieving == nil else { return nil }
        while let older = fresh.removeLeast() {
            guard let newer = fresh.removeLeast() else {
                fresh.insert(older)
                return nil
            }
            if older.batch.isNeighbour(of: newer.batch) {
                relieving = .merging(older: older, newer: newer)
                return (older.batch, newer.batch)
            }
            fresh.insert(newer)
            // Cumulative ones need no merging; a delta without its neighbour is all there is of its time.
            guard older.batch.isDelta else {
                fresh.insert(older)
                return nil
            }
            returned.insert(older)
        }
        return nil
    }

    /// Takes the merged batch in for both; nil where they could not be merged.
    package mutating func finishMerge(_ merged: SharedBatch?, now: UInt64) {
        guard case .merging(let older, let newer)? = relieving else { return }  // Dropped meanwhile.
        relieving = nil
        guard let merged, let saved = older.batch.amount.adding(newer.batch.amount).subtracting(merged.amount) else {
            returned.insert(older)
            fresh.insert(newer)
            return enforce(now: now)
        }
        accounts.queued -= saved
        coalesce(older.batch, saving: saved)
        fresh.insert(QueuedBatch(batch: merged, position: older.position, arrival: newer.arrival))
        enforce(now: now)
    }

    // MARK: - To disk

    /// The oldest batch and its header, which says all gaps known by now and stays as it is from here on. One that a
    /// destination may have seen is sent again as it was, so that a receiver may know it by its number.
    ///
    /// What is older than what is on disk already stays in memory, since the disk keeps the order in which it got them.
    ///
    /// - Parameter all: Also that, and where the queue is not filling: at the end, when anything else would lose it.
    package mutating func beginSpill(all: Bool = false) -> (header: FrameHeader, batch: SharedBatch)? {
        guard relieving == nil, all || isFilling, var item = all ? removeOldest() : removeOldestAfterSpill() else {
            return nil
        }
        let header = item.header ?? header(of: item.batch)
        item.header = header
        relieving = .spilling(item)
        return (header, item.batch)
    }

    private mutating func removeOldestAfterSpill() -> QueuedBatch? {
        guard onDisk > 0, let first = returned.least, first.position < lastSpilled else {
            return removeOldest()
        }
        return fresh.removeLeast()
    }

    /// The batch is on disk, or waits in memory as before.
    ///
    /// - Returns: How often a batch that is on disk now was attempted.
    @discardableResult
    package mutating func finishSpill(isStored: Bool, losses: [SpillLoss], now: UInt64) -> (FrameHeader, UInt32)? {
        lose(losses)
        // Dropped meanwhile, and accounted for: what is on disk nevertheless, the next process finds.
        guard case .spilling(var item)? = relieving else { return nil }
        relieving = nil
        defer { enforce(now: now) }
        accounts.queued -= item.batch.amount
        if isStored {
            accounts.spilled += item.batch.amount
            lastSpilled = max(lastSpilled, item.position)
            return item.header.map { ($0, item.attempts) }
        }
        if item.attempts == 0 {
            gaps.insert(item.header?.gaps ?? [], stream: item.batch.stream)
            item.header = nil
        }
        wait(item)
        return nil
    }

    /// Whether a batch is being written to disk.
    var isSpilling: Bool {
        if case .spilling = relieving { true } else { false }
    }

    /// What the relief has in hand waits as before.
    mutating func takeBackRelieving() {
        for item in takeRelieving() {
            accounts.queued -= item.batch.amount
            wait(item)
        }
    }

    /// Takes back what the relief has in hand.
    mutating func takeRelieving() -> [QueuedBatch] {
        defer { relieving = nil }
        return relieving?.items ?? []
    }
}
