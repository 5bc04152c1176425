package import WeirBatch

/// The one queue of Weir: the batches that wait before a sink, their accounts, and the gaps where some went.
///
/// A plain value without threads or clock: times are arguments, nanoseconds of a monotonic clock. Every operation is
/// O(log n) in the number of waiting batches, or better, for each batch that it moves.
///
/// A batch is offered, waits, is taken (in flight), and comes back as delivered, to be dropped, or to its place by
/// number for another attempt. What is in flight counts against the bounds and is never evicted.
package struct SinkQueue: Sendable {
    package let bounds: QueueBounds
    package private(set) var accounts = Accounts()

    private var policy: any QueuePolicy
    private var waiting = BatchHeap()
    private var gaps = GapList()
    /// The stream that the destination holds from an earlier process; told until a header that says so is acknowledged.
    private var previousStream: StreamID?
    /// The newest number that came by, whatever became of it.
    private var newest: (stream: StreamID, number: UInt64)?

    package init(
        bounds: QueueBounds = QueueBounds(), policy: any QueuePolicy = DropOldest(), previousStream: StreamID? = nil
    ) {
        self.bounds = bounds
        self.policy = policy
        self.previousStream = previousStream
    }

    package var isEmpty: Bool { waiting.count == 0 }

    /// The number of the oldest waiting batch.
    package var oldestNumber: UInt64? { waiting.oldest?.number }

    /// The gaps that no header carries yet.
    package var pendingGaps: [Gap] { gaps.gaps }

    // MARK: - Arriving

    /// Takes a batch in, or refuses it. Either way it is accounted for, and the bounds hold afterwards.
    package mutating func offer(_ batch: SharedBatch, now: UInt64) {
        accounts.offered += batch.amount
        newest = (batch.stream, batch.numbers.upperBound)
        if batch.amount.bytes > bounds.bytes { return refuse(batch, .oversize) }
        switch policy.admit(batch.amount, levels, now: now) {
        case .refuse(let cause):
            refuse(batch, cause)
        case .accept:
            accounts.accepted += batch.amount
            wait(QueuedBatch(batch: batch, arrival: now))
            enforce(now: now)
        }
    }

    private mutating func refuse(_ batch: SharedBatch, _ cause: Gap.Cause) {
        accounts.refused[cause] += batch.amount
        gaps.insert(batch.gap(cause))
    }

    // MARK: - Delivering

    /// The batch to deliver now, in flight from here on. Its header is written at its first attempt, with all gaps
    /// known by then, and stays as it is: a receiver may have seen it although nobody acknowledged it.
    package mutating func take(now: UInt64) -> InflightBatch? {
        enforce(now: now)
        guard var item = policy.deliversNewestFirst ? waiting.removeNewest() : waiting.removeOldest() else {
            return nil
        }
        accounts.queued -= item.batch.amount
        accounts.inflight += item.batch.amount
        let header = item.header ?? header(of: item.batch)
        item.header = header
        if item.attempts < .max { item.attempts += 1 }
        return InflightBatch(item: item, header: header)
    }

    private mutating func header(of batch: SharedBatch) -> FrameHeader {
        var header = FrameHeader(stream: batch.stream, first: batch.numbers.lowerBound, last: batch.numbers.upperBound)
        header.previousStream = previousStream
        header.part = batch.part
        header.parts = batch.parts
        header.startTime = batch.startTime
        header.endTime = batch.endTime
        header.rows = batch.rows
        header.points = batch.points
        header.payloadLength = UInt64(batch.bytes.count)
        header.rawLength = batch.rawLength
        header.gaps = gaps.takeAll()
        return header
    }

    /// The destination has the batch, of whose rows it refused some. Its header's gaps are told and forgotten.
    package mutating func delivered(_ inflight: InflightBatch, rejectedRows: UInt64 = 0) {
        let amount = inflight.batch.amount
        let rejected = min(rejectedRows, amount.rows)
        accounts.inflight -= amount
        accounts.delivered += Amount(batches: 1, rows: amount.rows - rejected, bytes: amount.bytes)
        accounts.dropped[.rejected].rows += rejected
        if inflight.header.previousStream != nil { previousStream = nil }
    }

    /// Back to its place by number; then the policy looks at the whole queue.
    package mutating func putBack(_ inflight: InflightBatch, now: UInt64) {
        accounts.inflight -= inflight.batch.amount
        wait(inflight.item)
        enforce(now: now)
    }

    /// Gives up a batch in flight.
    package mutating func drop(_ inflight: InflightBatch, _ cause: Gap.Cause) {
        accounts.inflight -= inflight.batch.amount
        lose(inflight.item, cause)
    }

    /// Notes that the destination may have a batch although it did not say so.
    package mutating func noteUncertain(_ inflight: InflightBatch) {
        accounts.uncertain += inflight.batch.amount
    }

    // MARK: - Letting go

    /// Drops the oldest waiting batch; false where none waits.
    @discardableResult
    package mutating func dropOldest(_ cause: Gap.Cause) -> Bool { dropWaiting(waiting.removeOldest(), cause) }

    /// Drops all that waits.
    package mutating func dropAll(_ cause: Gap.Cause) {
        while dropOldest(cause) {}
    }

    /// The header that ends the stream, with all gaps that no other header carries; nil where no batch ever came by.
    package mutating func endMark() -> FrameHeader? {
        guard let newest else { return nil }
        var header = FrameHeader(stream: newest.stream, first: newest.number, last: newest.number)
        header.previousStream = previousStream
        header.gaps = gaps.takeAll()
        return header
    }

    private var levels: QueueLevels {
        QueueLevels(
            queued: accounts.queued, inflight: accounts.inflight, bounds: bounds,
            oldestArrival: waiting.oldest?.arrival)
    }

    /// Makes age and policy true again. Ends, since every turn takes a batch out.
    private mutating func enforce(now: UInt64) {
        if let age = bounds.ageNanoseconds {
            while let oldest = waiting.oldest, now > oldest.arrival, now - oldest.arrival > age { dropOldest(.expired) }
        }
        while let eviction = policy.evict(levels, now: now) {
            let hasEvicted =
                switch eviction {
                case .oldest(let cause): dropOldest(cause)
                case .newest(let cause): dropWaiting(waiting.removeNewest(), cause)
                }
            guard hasEvicted else { return }
        }
    }

    private mutating func wait(_ item: QueuedBatch) {
        accounts.queued += item.batch.amount
        waiting.insert(item)
    }

    private mutating func dropWaiting(_ item: QueuedBatch?, _ cause: Gap.Cause) -> Bool {
        guard let item else { return false }
        accounts.queued -= item.batch.amount
        lose(item, cause)
        return true
    }

    /// The batch becomes a gap, and the gaps that its header would have told are untold again.
    private mutating func lose(_ item: QueuedBatch, _ cause: Gap.Cause) {
        accounts.dropped[cause] += item.batch.amount
        for gap in item.header?.gaps ?? [] { gaps.insert(gap) }
        gaps.insert(item.batch.gap(cause))
    }
}

/// A batch that waits in a sink's queue.
struct QueuedBatch: Sendable {
    let batch: SharedBatch
    /// When it was offered. Nanoseconds of the monotonic clock.
    let arrival: UInt64
    fileprivate(set) var attempts: UInt32 = 0
    /// Written at the first attempt, the same at each that follows.
    fileprivate(set) var header: FrameHeader?

    fileprivate init(batch: SharedBatch, arrival: UInt64) {
        self.batch = batch
        self.arrival = arrival
    }

    var number: UInt64 { batch.numbers.lowerBound }
}

/// A batch that the exporter holds.
package struct InflightBatch: Sendable {
    fileprivate let item: QueuedBatch
    /// What goes before the payload.
    package let header: FrameHeader

    package var batch: SharedBatch { item.batch }

    /// This one included.
    package var attempts: UInt32 { item.attempts }
}
