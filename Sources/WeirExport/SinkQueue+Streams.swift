internal import WeirBatch

/// Streams of one sink one after the other: its feed changed while it went on.
///
/// The first header of the new one names the one before, and that gets its end mark when nothing of it waits any more.
struct EarlierStreams: Sendable {
    /// By the stream that follows.
    private var predecessors: [StreamID: StreamID] = [:]
    /// Those that wait for their end mark, each with the last number that came by.
    private(set) var unended: [(stream: StreamID, number: UInt64)] = []
    /// The last number of each that came by, should it come back.
    private var lastNumbers: [StreamID: UInt64] = [:]

    /// Past so many, what an earlier one has not told is forgotten.
    private static let limit = 64

    func predecessor(of stream: StreamID) -> StreamID? { predecessors[stream] }

    mutating func forgetPredecessor(_ told: StreamID, of stream: StreamID) {
        if predecessors[stream] == told { predecessors[stream] = nil }
    }

    /// Another stream follows.
    ///
    /// - Returns: The last number of it that came by, where it was here before.
    mutating func end(_ last: (stream: StreamID, number: UInt64), before stream: StreamID) -> UInt64? {
        if lastNumbers.count >= Self.limit { (lastNumbers, predecessors, unended) = ([:], [:], []) }
        lastNumbers[last.stream] = last.number
        unended.append(last)
        unended.removeAll { $0.stream == stream }
        let known = lastNumbers.removeValue(forKey: stream)
        if known == nil { predecessors[stream] = last.stream }
        return known
    }

    mutating func forgetMark(of stream: StreamID) { unended.removeAll { $0.stream == stream } }
}

extension SinkQueue {
    /// To be called with each batch that comes by.
    mutating func noteStream(of batch: SharedBatch) {
        guard let newest, newest.stream != batch.stream else { return }
        guard let known = earlier.end(newest, before: batch.stream), known + 1 < batch.numbers.lowerBound else {
            return
        }
        // The sink was away from this feed: no hole, for whoever reads it.
        gaps.insert(
            Gap(
                first: known + 1, last: batch.numbers.lowerBound - 1, batches: batch.numbers.lowerBound - 1 - known,
                rows: 0, startTime: batch.startTime, endTime: batch.startTime, cause: .unknown),
            stream: batch.stream)
    }

    /// Whether an earlier stream waits for its end mark. While batches are on disk, none has ended.
    var awaitsMark: Bool { !earlier.unended.isEmpty && accounts.spilled.batches == 0 }

    /// The end mark of an earlier stream of which nothing waits any more.
    ///
    /// - Parameter isHeld: Whether an exporter holds a batch of a stream.
    func nextMark(isHeld: (StreamID) -> Bool) -> FrameHeader? {
        guard awaitsMark, let (stream, number) = earlier.unended.first else { return nil }
        guard !isHeld(stream), !contents.contains(where: { $0.batch.stream == stream }) else { return nil }
        var header = FrameHeader(stream: stream, first: number, last: number)
        header.previousStream = earlier.predecessor(of: stream)
        header.gaps = gaps[stream].gaps
        return header
    }

    /// The mark was delivered, or never will be.
    mutating func finishMark(_ header: FrameHeader) {
        earlier.forgetMark(of: header.stream)
        _ = gaps.takeAll(header.stream)
    }

    /// Continues another queue: what waited there comes first, and its accounts go on. What this one got meanwhile
    /// follows; then its own bounds and policy look at all of it.
    ///
    /// - Parameter keepsSpill: Whether the disk that the other one used is this one's too.
    mutating func continueFrom(_ other: SinkQueue, keepsSpill: Bool, now: UInt64) {
        let own = self
        accounts = other.accounts.adding(own.accounts)
        (fresh, returned) = (other.fresh, other.returned)
        for item in own.fresh.elements { fresh.insert(item.moved(by: other.nextPosition)) }
        for item in own.returned.elements { returned.insert(item.moved(by: other.nextPosition)) }
        relieving = other.relieving
        nextPosition = other.nextPosition + own.nextPosition
        lastSpilled = other.lastSpilled
        (heldBefore, hasTriedMerging, hasTriedDisk) = (held, false, false)
        leftOnDisk = other.leftOnDisk
        if !keepsSpill { leftOnDisk += other.accounts.spilled.subtracting(other.leftOnDisk) ?? Amount() }
        gaps = other.gaps
        gaps.insert(own.gaps)
        earlier = other.earlier
        // What the exporter found may be what this very process wrote through the one before.
        let known = other.newest?.stream
        previousStream = other.previousStream ?? (own.previousStream == known ? nil : own.previousStream)
        newest = other.newest
        if let arrived = own.newest {
            if let known, known != arrived.stream, let newest { _ = earlier.end(newest, before: arrived.stream) }
            newest = arrived
        }
        enforce(now: now)
    }
}

extension QueuedBatch {
    /// The same batch further back.
    fileprivate func moved(by positions: UInt64) -> QueuedBatch {
        var moved = QueuedBatch(batch: batch, position: position + positions, arrival: arrival)
        (moved.attempts, moved.header) = (attempts, header)
        return moved
    }
}
