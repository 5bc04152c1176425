internal import WeirBatch

/// What the relief is to make one collection of: all parts of two collections in a row.
package struct MergeWork: Sendable {
    /// Empty where the parts of one collection are to become fewer.
    package let older: [SharedBatch]
    package let newer: [SharedBatch]
    /// Whether these are all parts of their collection: of one that is being delivered, a part is missing.
    package let isOlderWhole: Bool
    package let isNewerWhole: Bool
    /// How many parts the result may have.
    package let maximumParts: Int

    package var batches: [SharedBatch] { older + newer }
}

/// Coalescing: of cumulative batches the older ones go, and deltas are merged, collection by collection. The parts of a
/// split collection are merged together, since a row may be in any of them.
extension SinkQueue {
    package var mergesDeltas: Bool { policy.mergesDeltas }

    /// Lets the oldest unseen batch go where a newer one of the same series says all that it said.
    mutating func supersedeOldest() -> Bool {
        guard let older = fresh.removeLeast() else { return false }
        guard let newer = fresh.least, older.batch.isSuperseded(by: newer.batch) else {
            fresh.insert(older)
            return false
        }
        accounts.queued -= older.batch.amount
        coalesce([older], saving: older.batch.amount)
        return true
    }

    private mutating func coalesce(_ items: some Sequence<QueuedBatch>, saving amount: Amount) {
        accounts.coalesced += amount
        for item in items { gaps.insert(item.batch.gap(.coalesced), stream: item.batch.stream) }
    }

    // MARK: - Deltas

    /// The two oldest unseen collections, if the policy merges and they follow each other. Those that cannot be merged
    /// wait as they are from here on. Where nothing is left to merge, the policy drops what is over the bounds.
    package mutating func beginMerge(now: UInt64) -> MergeWork? {
        guard policy.mergesDeltas, isFilling, relieving == nil else { return nil }
        while fresh.least?.batch.isDelta == true {
            let older = removeOldestCollection()
            let newer = removeOldestCollection()
            if (newer.isEmpty ? older : newer).mayGrow(newest) {
                for item in older + newer { fresh.insert(item) }
                return nil
            }
            if let first = newer.first?.batch, first.follows(older), newer.isWhole { return begin(older, newer) }
            for item in newer { fresh.insert(item) }
            // Rather fewer and longer parts than a loss.
            if older.count > 1, held.batches > bounds.batches { return begin([], older) }
            guard !newer.isEmpty else {
                for item in older { fresh.insert(item) }
                break
            }
            for item in older { returned.insert(item) }
        }
        hasTriedMerging = true
        enforce(now: now)
        return nil
    }

    private mutating func begin(_ older: [QueuedBatch], _ newer: [QueuedBatch]) -> MergeWork {
        relieving = .merging(older: older, newer: newer)
        let count = older.count + newer.count
        // So that all that there is fits, where it can.
        let others = held.batches - min(held.batches, UInt64(count + fresh.count))
        let room = bounds.batches - min(bounds.batches, others)
        let limit = older.isEmpty ? newer.count - 1 : count
        return MergeWork(
            older: older.map(\.batch), newer: newer.map(\.batch), isOlderWhole: older.isWhole,
            isNewerWhole: newer.isWhole, maximumParts: max(1, min(limit, Int(clamping: room))))
    }

    /// Takes the merged batches in for all; nil where they could not be merged.
    package mutating func finishMerge(_ merged: [SharedBatch]?, now: UInt64) {
        guard case .merging(let older, let newer)? = relieving else { return }  // Dropped meanwhile.
        relieving = nil
        let items = older + newer
        let total = items.reduce(Amount()) { $0.adding($1.batch.amount) }
        guard let merged, 1...items.count ~= merged.count,
            let saved = total.subtracting(merged.reduce(Amount()) { $0.adding($1.amount) })
        else {
            for item in older.isEmpty ? newer : older { returned.insert(item) }
            for item in older.isEmpty ? [] : newer { fresh.insert(item) }
            return enforce(now: now)
        }
        accounts.queued -= saved
        // The first stands for all but the last ones, of which each has its own place.
        let rest = items.count - merged.count
        coalesce(items[..<rest], saving: saved)
        for (index, batch) in merged.enumerated() {
            let item = items[rest + index]
            fresh.insert(
                QueuedBatch(
                    batch: batch, position: index == 0 ? items[0].position : item.position,
                    arrival: items[items.count - 1].arrival))
        }
        hasTriedMerging = false
        enforce(now: now)
    }

    /// The oldest unseen batch with the parts of its collection that wait behind it.
    private mutating func removeOldestCollection() -> [QueuedBatch] {
        guard let first = fresh.removeLeast() else { return [] }
        var parts = [first]
        while let next = fresh.least, next.batch.isNextPart(after: parts[parts.count - 1].batch) {
            _ = fresh.removeLeast()
            parts.append(next)
        }
        return parts
    }
}

extension [QueuedBatch] {
    /// Whether these are all parts of a collection.
    fileprivate var isWhole: Bool { first?.batch.part == 1 && count == Int(self[0].batch.parts) }

    /// Whether the collector is about to hand over more of its parts.
    fileprivate func mayGrow(_ newest: (stream: StreamID, number: UInt64)?) -> Bool {
        guard let newest, !isWhole, first?.batch.part == 1, let last else { return false }
        return last.batch.stream == newest.stream && last.batch.numbers.upperBound == newest.number
    }
}

extension SharedBatch {
    /// Whether it is the part behind another one of the same collection.
    fileprivate func isNextPart(after other: SharedBatch) -> Bool {
        parts > 1 && parts == other.parts && part == other.part + 1 && isDelta && other.isDelta
            && stream == other.stream && numbers.lowerBound == other.numbers.upperBound + 1
            && startTime == other.startTime && endTime == other.endTime
    }

    /// Whether it may be merged with a collection whose last number is the one before.
    fileprivate func follows(_ older: [QueuedBatch]) -> Bool {
        guard let last = older.last?.batch else { return false }
        return isDelta && last.isDelta && stream == last.stream && part == 1
            && last.numbers.upperBound + 1 == numbers.lowerBound
    }
}
