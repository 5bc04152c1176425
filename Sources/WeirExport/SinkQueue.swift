package import WeirBatch

/// The one queue of Weir: the batches that wait before a sink, their accounts, and the gaps where some went.
///
/// A plain value without threads or clock: times are arguments, nanoseconds of a monotonic clock. Every operation is
/// O(log n) in the number of waiting batches, or better, for each batch that it moves.
///
/// A batch is offered, waits, is taken (in flight), and comes back as delivered, to be dropped, or to its place for
/// another attempt. What is in flight counts against the bounds and is never evicted. Bounds may be passed for as long as
/// something makes room without a loss, see ``awaitsRoom``. Beside that, a batch may be parked
/// while its policy makes the collector wait for room (`SinkQueue+Parking.swift`), batches that no destination has seen
/// yet may be merged or go to disk (`SinkQueue+Relief.swift`), and come back from there (`SinkQueue+Spill.swift`).
package struct SinkQueue: Sendable {
    package let bounds: QueueBounds
    package internal(set) var accounts = Accounts()

    var policy: any QueuePolicy
    /// Waiting, and no destination has seen them.
    var fresh = MinMaxHeap<QueuedBatch>()
    /// Waiting as they are: for another attempt, or because they could not be merged.
    var returned = MinMaxHeap<QueuedBatch>()
    /// What the relief has in hand: still waiting, by the accounts.
    var relieving: Relieving?
    /// Whether the relief has a thread, and a disk to write to.
    var hasRelief = true
    var usesDisk = false
    /// Whether the relief could make no room by merging, or by the disk, since the last batch came.
    var hasTriedMerging = false
    var hasTriedDisk = false
    /// What was in memory when bounds became lower, or less, as far as it has gone since.
    var heldBefore = Amount()
    /// The place of the newest batch that went to disk.
    var lastSpilled: UInt64 = 0
    /// What stands on a disk that this sink used before it was changed; the next process finds it.
    var leftOnDisk = Amount()
    /// The room that the next batch from disk needs, where it found none.
    var recallBytes: UInt64 = 0
    /// Arrived, and neither accepted nor refused yet.
    var parked: ParkedBatch?
    var gaps = StreamGaps()
    /// The stream that the destination holds from an earlier process; told until a header that says so is acknowledged.
    var previousStream: StreamID?
    /// The newest number that came by, whatever became of it.
    var newest: (stream: StreamID, number: UInt64)?
    /// What is known of the streams before that of ``newest``.
    var earlier = EarlierStreams()
    var nextPosition: UInt64 = 0

    package init(
        bounds: QueueBounds = QueueBounds(), policy: any QueuePolicy = DropOldest(), previousStream: StreamID? = nil
    ) {
        self.bounds = bounds
        self.policy = policy
        self.previousStream = previousStream
    }

    /// Whether nothing waits in memory.
    package var isEmpty: Bool { !hasWaiting && relieving == nil }

    /// Whether something waits that could be taken at once.
    var hasWaiting: Bool { !fresh.isEmpty || !returned.isEmpty }

    /// The number of the oldest waiting batch.
    package var oldestNumber: UInt64? { oldest?.batch.numbers.lowerBound }

    /// The gaps of a stream that no header carries yet; of the stream that batches belong to, by default.
    package func pendingGaps(_ stream: StreamID? = nil) -> [Gap] {
        (stream ?? newest?.stream).map { gaps[$0].gaps } ?? []
    }

    /// Batches that wait on the disk that is in use.
    var onDisk: UInt64 { accounts.spilled.batches &- leftOnDisk.batches }

    var levels: QueueLevels {
        QueueLevels(
            queued: accounts.queued, inflight: accounts.inflight, bounds: bounds, oldestArrival: oldest?.arrival)
    }

    // MARK: - Arriving

    /// Takes a batch in, refuses it, or parks it: then the policy wants the collector to wait.
    ///
    /// What is taken in or refused is accounted for, and the bounds hold afterwards, or once the relief has made room.
    package mutating func offer(_ batch: SharedBatch, now: UInt64) {
        withdrawParked()
        (hasTriedMerging, hasTriedDisk) = (false, false)
        if batch.amount.bytes > bounds.bytes { return refuse(batch, .oversize) }
        switch policy.admit(batch.amount, levels, now: now) {
        case .refuse(let cause): refuse(batch, cause)
        case .accept: accept(batch, arrival: now)
        case .park(let until): parked = ParkedBatch(batch: batch, arrival: now, until: until)
        }
        enforce(now: now)
    }

    mutating func accept(_ batch: SharedBatch, arrival: UInt64) {
        note(batch)
        accounts.accepted += batch.amount
        wait(QueuedBatch(batch: batch, position: nextPosition, arrival: arrival))
        nextPosition += 1
    }

    mutating func refuse(_ batch: SharedBatch, _ cause: Gap.Cause) {
        note(batch)
        accounts.refused[cause] += batch.amount
        gaps.insert(batch.gap(cause), stream: batch.stream)
    }

    private mutating func note(_ batch: SharedBatch) {
        accounts.offered += batch.amount
        noteStream(of: batch)
        newest = (batch.stream, batch.numbers.upperBound)
    }

    // MARK: - Delivering

    /// The batch to deliver now, in flight from here on. Its header is written at its first attempt, with all gaps
    /// known by then, and stays as it is: a receiver may have seen it although nobody acknowledged it.
    package mutating func take(now: UInt64) -> InflightBatch? {
        enforce(now: now)
        guard var item = policy.deliversNewestFirst ? removeNewest() : removeOldest() else { return nil }
        accounts.queued -= item.batch.amount
        accounts.inflight += item.batch.amount
        let header = item.header ?? header(of: item.batch)
        item.header = header
        if item.attempts < .max { item.attempts += 1 }
        return InflightBatch(item: item, header: header)
    }

    mutating func header(of batch: SharedBatch) -> FrameHeader {
        var header = batch.plainHeader
        header.previousStream = earlier.predecessor(of: batch.stream) ?? previousStream
        header.gaps = gaps.takeAll(batch.stream)
        return header
    }

    /// The destination has the batch, of whose rows it refused some for a cause. Its header's gaps are told and forgotten.
    package mutating func delivered(
        _ inflight: InflightBatch, refusedRows: UInt64 = 0, _ cause: Gap.Cause = .rejected, now: UInt64
    ) {
        let amount = inflight.batch.amount
        let refused = min(refusedRows, amount.rows)
        accounts.inflight -= amount
        accounts.delivered += Amount(batches: 1, rows: amount.rows - refused, bytes: amount.bytes)
        accounts.dropped[cause].rows += refused
        if let told = inflight.header.previousStream {
            if told == previousStream { previousStream = nil }
            earlier.forgetPredecessor(told, of: inflight.header.stream)
        }
        enforce(now: now)
    }

    /// Back to its place; then the policy looks at the whole queue.
    package mutating func putBack(_ inflight: InflightBatch, now: UInt64) {
        accounts.inflight -= inflight.batch.amount
        wait(inflight.item)
        enforce(now: now)
    }

    /// Gives up a batch in flight.
    package mutating func drop(_ inflight: InflightBatch, _ cause: Gap.Cause, now: UInt64) {
        accounts.inflight -= inflight.batch.amount
        lose(inflight.item, cause)
        enforce(now: now)
    }

    /// Notes that the destination may have a batch although it did not say so.
    package mutating func noteUncertain(_ inflight: InflightBatch) {
        accounts.uncertain += inflight.batch.amount
    }

    // MARK: - Letting go

    /// Drops the oldest waiting batch; false where none waits.
    @discardableResult
    package mutating func dropOldest(_ cause: Gap.Cause) -> Bool { dropWaiting(removeOldest(), cause) }

    /// Drops all that waits, and refuses what is parked.
    ///
    /// - Parameter evenInHand: Also what the relief has in hand, whatever it comes to. What it is writing to disk stays
    ///   accounted for as waiting otherwise, until it has come back.
    package mutating func dropAll(_ cause: Gap.Cause, evenInHand: Bool = false) {
        withdrawParked()
        if evenInHand || !isSpilling {
            for item in takeRelieving() { _ = dropWaiting(item, cause) }
        }
        while dropOldest(cause) {}
    }

    /// The header that ends the stream, with all gaps that no other header carries; nil where no batch ever came by.
    package mutating func endMark() -> FrameHeader? {
        guard let newest else { return nil }
        var header = FrameHeader(stream: newest.stream, first: newest.number, last: newest.number)
        header.previousStream = previousStream
        header.gaps = gaps.takeAll(newest.stream)
        return header
    }

    /// Makes age and policy true again, and takes in what is parked where there is room. Ends, since every turn takes a
    /// batch out and at most one comes in.
    mutating func enforce(now: UInt64) {
        shed(now: now)
        if acceptParked(now: now) { shed(now: now) }
    }

    private mutating func shed(now: UInt64) {
        heldBefore.batches = min(heldBefore.batches, held.batches)
        heldBefore.bytes = min(heldBefore.bytes, held.bytes)
        if let age = bounds.ageNanoseconds {
            while let oldest, now > oldest.arrival, now - oldest.arrival > age { dropOldest(.expired) }
        }
        while let eviction = policy.evict(levels, now: now) {
            if eviction.isForRoom, awaitsRoom { return }
            let hasEvicted =
                switch eviction {
                case .oldest(let cause): dropOldest(cause)
                case .newest(let cause): dropWaiting(removeNewest(), cause)
                case .superseded: supersedeOldest() || dropOldest(.overflowOldest)
                }
            guard hasEvicted else { return }
        }
    }

    private mutating func dropWaiting(_ item: QueuedBatch?, _ cause: Gap.Cause) -> Bool {
        guard let item else { return false }
        accounts.queued -= item.batch.amount
        lose(item, cause)
        return true
    }

    /// The batch becomes a gap, and the gaps that its header would have told are untold again.
    mutating func lose(_ item: QueuedBatch, _ cause: Gap.Cause) {
        accounts.dropped[cause] += item.batch.amount
        gaps.insert(item.header?.gaps ?? [], stream: item.batch.stream)
        gaps.insert(item.batch.gap(cause), stream: item.batch.stream)
    }

    // MARK: - Who waits

    /// All that waits, in no order, each with its header where it has one.
    package var contents: [(batch: SharedBatch, header: FrameHeader?)] {
        (fresh.elements + returned.elements + (relieving?.items ?? [])).map { ($0.batch, $0.header) }
    }

    /// Counts a batch among the waiting and puts it in its place.
    mutating func wait(_ item: QueuedBatch) {
        accounts.queued += item.batch.amount
        if item.attempts == 0 { fresh.insert(item) } else { returned.insert(item) }
    }

    var oldest: QueuedBatch? {
        guard let first = fresh.least, let second = returned.least else { return fresh.least ?? returned.least }
        return min(first, second)
    }

    mutating func removeOldest() -> QueuedBatch? {
        guard let first = fresh.least, let second = returned.least else {
            return fresh.removeLeast() ?? returned.removeLeast()
        }
        return first < second ? fresh.removeLeast() : returned.removeLeast()
    }

    private mutating func removeNewest() -> QueuedBatch? {
        guard let first = fresh.greatest, let second = returned.greatest else {
            return fresh.removeGreatest() ?? returned.removeGreatest()
        }
        return first > second ? fresh.removeGreatest() : returned.removeGreatest()
    }
}
