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

    /// The oldest unseen batch and its header, which says all gaps known by now and stays as it is from here on.
    ///
    /// - Parameter all: Also where the queue is not filling, and what a destination may have seen: at the end, when
    ///   anything else would lose it. It is sent again as it was, so that a receiver may know it by its number.
    package mutating func beginSpill(all: Bool = false) -> (header: FrameHeader, batch: SharedBatch)? {
        guard relieving == nil, all || isFilling else { return nil }
        guard var item = all ? removeOldest() : fresh.removeLeast() else { return nil }
        let header = item.header ?? header(of: item.batch)
        item.header = header
        relieving = .spilling(item)
        return (header, item.batch)
    }

    /// The batch is on disk, or waits in memory as before.
    package mutating func finishSpill(isStored: Bool, losses: [SpillLoss], now: UInt64) {
        lose(losses)
        // Dropped meanwhile, and accounted for: what is on disk nevertheless, the next process finds.
        guard case .spilling(var item)? = relieving else { return }
        relieving = nil
        if isStored {
            accounts.queued -= item.batch.amount
            accounts.spilled += item.batch.amount
        } else {
            accounts.queued -= item.batch.amount  // wait(_:) counts it again.
            if item.attempts == 0 {
                gaps.insert(item.header?.gaps ?? [], stream: item.batch.stream)
                item.header = nil
            }
            wait(item)
        }
        enforce(now: now)
    }

    /// Takes back what the relief has in hand.
    mutating func takeRelieving() -> [QueuedBatch] {
        defer { relieving = nil }
        return relieving?.items ?? []
    }
}
