package import WeirBatch

/// How a sink uses its spill.
struct SpillUse: Sendable {
    /// Nothing is written, or read, before: the disk failed a moment ago. What succeeds shows that it is there again.
    var writeTime: UInt64 = 0
    var readTime: UInt64 = 0
    var writeRetry = Retry(first: 1_000_000_000)
    var readRetry = Retry(first: 1_000_000_000)
    /// Whether it failed when the rest of what waited was to go there.
    var hasFailedAtEnd = false
    /// Batches on disk that a destination may have seen: their next attempt counts on, with the same header. They are the
    /// oldest there, so there are no more than a few.
    private var attempts: [BatchKey: Attempts] = [:]

    struct Attempts {
        var count: UInt32 = 0
        var header: FrameHeader
        /// Gaps that the header on disk does not tell.
        var addedGaps: [Gap] = []
    }

    private struct BatchKey: Hashable {
        let stream: StreamID
        let first: UInt64
    }

    /// How often the batch was attempted, and what its header was then.
    func attempts(_ header: FrameHeader) -> Attempts {
        attempts[BatchKey(stream: header.stream, first: header.first)] ?? Attempts(header: header)
    }

    mutating func note(_ batch: Attempts) {
        // Those that were lost on disk stay here. Forgetting others with them costs nothing but their count.
        if attempts.count >= 128 { attempts = [:] }
        attempts[BatchKey(stream: batch.header.stream, first: batch.header.first)] = batch
    }

    /// Hands over, at the end, the gaps that no header on disk tells.
    mutating func takeAddedGaps() -> [(gaps: [Gap], stream: StreamID)] {
        defer { attempts = [:] }
        return attempts.values.map { ($0.addedGaps, $0.header.stream) }
    }

    mutating func forget(_ header: FrameHeader) {
        attempts[BatchKey(stream: header.stream, first: header.first)] = nil
    }
}

/// The relief's side: making room, by a thread of its own, so that a delivery that hangs does not stop it.
extension SinkState {
    package enum Relief: Sendable {
        /// Merge these and report with ``finishMerge(_:now:)``.
        case merge(MergeWork)
        /// Write this to disk and report with ``finishSpill(isStored:losses:now:random:)``.
        case spill(FrameHeader, SharedBatch)
        /// Until something changes, or until then.
        case wait(until: UInt64?)
        case end
    }

    /// Whether there may be work for a relief.
    package var needsRelief: Bool {
        if spill == nil && !queue.mergesDeltas { return false }
        return switch phase {
        case .running: queue.isFilling
        case .draining: spill != nil || queue.isFilling
        case .ended, .abandoned, .awaiting, .retiring: false
        }
    }

    package mutating func nextRelief(now: UInt64) -> Relief {
        var end: UInt64?
        switch phase {
        case .ended, .abandoned, .retiring: return .end
        case .awaiting: return .wait(until: nil)
        case .running: break
        case .draining(let deadline): end = deadline
        }
        let isEnding = end.map { now >= $0 } ?? false
        let isUsable = spill.map { $0.writeTime <= now } ?? false
        // A disk that failed is tried again after a while, and before anything is dropped.
        if isUsable || queue.wantsDisk || isEnding && spillsRest {
            if let (header, batch) = queue.beginSpill(all: isEnding) { return .spill(header, batch) }
            if queue.wantsDisk { watchingDrops { $0.queue.noteDiskTried(now: now) } }
        }
        // Without a disk, or while it fails.
        if !isUsable, let work = watchingDrops({ $0.queue.beginMerge(now: now) }) { return .merge(work) }
        let wakes = [isEnding ? nil : end, queue.isFilling && !isUsable ? spill?.writeTime : nil]
        return .wait(until: wakes.compactMap(\.self).min())
    }

    package mutating func finishMerge(_ merged: [SharedBatch]?, now: UInt64) {
        watchingDrops { $0.queue.finishMerge(merged, now: now) }
    }

    package mutating func finishSpill(
        isStored: Bool, losses: [SpillLoss], now: UInt64, random: inout some RandomNumberGenerator
    ) {
        if isStored {
            spill?.writeRetry.succeeded()
            spill?.readTime = 0
        } else {
            if case .draining(let deadline) = phase, now >= deadline { spill?.hasFailedAtEnd = true }
            let pause = spill?.writeRetry.failed(random: &random) ?? 0
            spill?.writeTime = now.addingClamped(pause)
            queue.hasTriedDisk = true
        }
        let stored = watchingDrops { $0.queue.finishSpill(isStored: isStored, losses: losses, now: now) }
        if finalCondition != nil { queue.dropAll(.fatal) }
        if let (header, count) = stored, count > 0 { spill?.note(SpillUse.Attempts(count: count, header: header)) }
    }

    /// Whether what is left at the end goes to disk: as long as that takes it. One that failed before is tried once more.
    var spillsRest: Bool {
        guard let spill, queue.hasRelief else { return false }
        return spill.writeRetry.failures == 0 || !spill.hasFailedAtEnd
    }

    /// The disk has lost batches that it was not asked for.
    mutating func lose(_ losses: [SpillLoss]) { watchingDrops { $0.queue.lose(losses) } }

    // MARK: - Back from disk

    /// What a worker read from disk; nil where none can be had at this moment.
    ///
    /// - Returns: The batch, which the worker delivers; nil where there is none, or the sink was given up meanwhile.
    package mutating func recalled(
        _ taken: SpillTaken, worker: Int = 0, budget: MemoryBudget? = nil, now: UInt64,
        random: inout some RandomNumberGenerator
    ) -> (deliver: InflightBatch?, putBack: SpillID?) {
        workers[worker].isRecalling = false
        watchingDrops { $0.queue.lose(taken.losses) }
        guard let batch = taken.batch else {
            if taken.losses.isEmpty {
                let pause = spill?.readRetry.failed(random: &random) ?? 0
                spill?.readTime = now.addingClamped(pause)
            }
            return (nil, nil)
        }
        spill?.readRetry.succeeded()
        spill?.writeTime = 0
        if phase == .abandoned || finalCondition != nil || isPastDeadline(now: now) { return (nil, batch.id) }
        let known = spill?.attempts(batch.header) ?? SpillUse.Attempts(header: batch.header)
        guard
            let item = queue.recall(
                known.header, payload: batch.payload, id: batch.id, attempts: known.count.addingOne,
                addedGaps: known.addedGaps, budget: budget, now: now)
        else { return (nil, batch.id) }
        workers[worker].inflight = (item, now)
        return (item, nil)
    }

    private func isPastDeadline(now: UInt64) -> Bool {
        guard case .draining(let deadline) = phase else { return false }
        return now >= deadline
    }

    mutating func putBackToSpill(_ item: InflightBatch, now: UInt64) {
        spill?.note(
            SpillUse.Attempts(count: item.attempts, header: item.header, addedGaps: item.addedGaps))
        queue.putBackToSpill(item, now: now)
    }

    /// What batches that wait on disk were to tell, and their headers there do not, is untold at the end.
    mutating func untellAddedGaps() {
        for (gaps, stream) in spill?.takeAddedGaps() ?? [] { queue.gaps.insert(gaps, stream: stream) }
    }

    mutating func forgetRecall(_ item: InflightBatch) {
        if item.spillID != nil { spill?.forget(item.header) }
    }
}

extension UInt32 {
    /// One more, or the greatest number there is.
    fileprivate var addingOne: UInt32 { self == .max ? self : self + 1 }
}
