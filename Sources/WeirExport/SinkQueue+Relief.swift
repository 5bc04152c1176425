package import WeirBatch

/// What the relief has in hand: still in the queue, by the accounts.
enum Relieving: Sendable {
    case merging(older: [QueuedBatch], newer: [QueuedBatch])
    case spilling(QueuedBatch)

    var items: [QueuedBatch] {
        switch self {
        case .merging(let older, let newer): older + newer
        case .spilling(let item): [item]
        }
    }
}

/// Making room without losing anything: of batches that no destination has seen, older ones go into newer ones, or to
/// disk. What takes time happens outside, between a `begin` and a `finish`; what is in hand is not evicted meanwhile.
///
/// The policy drops nothing before the relief had its chance: until then the queue may be over its bounds, see
/// ``awaitsRoom``.
extension SinkQueue {
    /// Whether so much waits that room is to be made.
    package var isFilling: Bool { levels.fill > 0.5 }

    /// How many batches the queue may be over its bounds until the relief has made room.
    package static let excessBatches: UInt64 = 256

    /// Whether the relief may make room without a loss: then nothing is dropped before it has tried.
    ///
    /// That is bounded: ``excessBatches`` beyond the bound in batches, and once more the bound in bytes. Where more was
    /// there when the bounds were lowered, that much, until it is less.
    var awaitsRoom: Bool {
        guard hasRelief, isWithinExcess else { return false }
        if relieving != nil { return true }
        if usesDisk, !hasTriedDisk { return true }
        return policy.mergesDeltas && !hasTriedMerging && fresh.least?.batch.isDelta == true
    }

    private var isWithinExcess: Bool {
        let (batches, bytes) = (held.batches, held.bytes)
        return batches <= max(bounds.batches.addingClamped(Self.excessBatches), heldBefore.batches)
            && bytes <= max(bounds.bytes.addingClamped(bounds.bytes), heldBefore.bytes)
    }

    /// What is in memory.
    var held: Amount { accounts.queued.adding(accounts.inflight) }

    /// Whether the next batch finds no room, and the disk was not tried since the last one came.
    var wantsDisk: Bool { usesDisk && !hasTriedDisk && levels.fill >= 1 }

    /// Nothing more can go to disk at this moment.
    mutating func noteDiskTried(now: UInt64) {
        hasTriedDisk = true
        enforce(now: now)
    }

    /// Whether the relief has a thread; without one the policy makes room alone.
    package mutating func setRelief(_ isThere: Bool, now: UInt64) {
        hasRelief = isThere
        enforce(now: now)
    }

    /// Whether what the relief has in hand comes before all that could be taken.
    var awaitsRelief: Bool {
        guard !policy.deliversNewestFirst, let first = relieving?.items.first else { return false }
        guard let oldest else { return true }
        return first < oldest
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
