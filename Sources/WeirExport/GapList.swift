package import WeirBatch

/// What a sink dropped and has not yet told: gaps by number, neighbours of one cause merged.
///
/// A batch takes all of them at its first attempt (``takeAll()``), and they are forgotten when it is acknowledged. One
/// that is dropped instead gives its own back (``insert(_:)``).
package struct GapList: Equatable, Sendable {
    /// Ascending by number; none overlap.
    package private(set) var gaps: [Gap] = []

    /// Past so many, the two oldest become one, since a header has a bound. Between two gaps that do not touch waits a
    /// batch, so only causes that alternate for ever get here.
    private let limit: Int

    package init(limit: Int = 512) {
        self.limit = max(limit, 1)
    }

    package var isEmpty: Bool { gaps.isEmpty }

    /// Adds a gap where it belongs. O(log n) to find the place, and a move within ``limit``.
    package mutating func insert(_ gap: Gap) {
        // Numbers that went into this batch lost nothing by that; now that it is lost itself, they are.
        if gap.first < gap.last, gap.cause != .coalesced {
            gaps.removeAll { $0.cause == .coalesced && $0.first >= gap.first && $0.last <= gap.last }
        }
        var low = 0
        var high = gaps.count
        while low < high {
            let middle = (low + high) / 2
            if gaps[middle].first < gap.first { low = middle + 1 } else { high = middle }
        }
        gaps.insert(gap, at: low)
        if low + 1 < gaps.count, touches(low) { mergeWithNext(low) }
        if low > 0, touches(low - 1) { mergeWithNext(low - 1) }
        if gaps.count > limit { mergeWithNext(0) }
    }

    /// Hands over all gaps and forgets them.
    package mutating func takeAll() -> [Gap] {
        defer { gaps = [] }
        return gaps
    }

    private func touches(_ index: Int) -> Bool {
        gaps[index].cause == gaps[index + 1].cause && gaps[index].last &+ 1 == gaps[index + 1].first
    }

    /// The cause that lost more batches stands for both.
    private mutating func mergeWithNext(_ index: Int) {
        let next = gaps.remove(at: index + 1)
        let gap = gaps[index]
        gaps[index] = Gap(
            first: gap.first, last: next.last, batches: gap.batches &+ next.batches, rows: gap.rows &+ next.rows,
            startTime: min(gap.startTime, next.startTime), endTime: max(gap.endTime, next.endTime),
            cause: next.batches > gap.batches ? next.cause : gap.cause)
    }
}

/// The gaps of each stream that a sink has to do with: its feed's own, and those that earlier processes left in its
/// spill.
package struct StreamGaps: Equatable, Sendable {
    private var lists: [StreamID: GapList] = [:]

    /// Past so many streams, what an earlier one has not told is forgotten: its accounts still know.
    private let limit = 64

    package init() {}

    package subscript(stream: StreamID) -> GapList { lists[stream] ?? GapList() }

    package mutating func insert(_ gap: Gap, stream: StreamID) {
        if lists[stream] == nil, lists.count >= limit, let other = lists.keys.first { lists[other] = nil }
        lists[stream, default: GapList()].insert(gap)
    }

    mutating func insert(_ gaps: [Gap], stream: StreamID) {
        for gap in gaps { insert(gap, stream: stream) }
    }

    /// The gap that a batch leaves, and those that its header would have told.
    package mutating func insert(lossOf header: FrameHeader, _ cause: Gap.Cause) {
        insert(header.gaps, stream: header.stream)
        insert(
            Gap(
                first: header.first, last: max(header.first, header.last), batches: 1, rows: header.rows,
                startTime: header.startTime, endTime: header.endTime, cause: cause),
            stream: header.stream)
    }

    /// Those of another list too.
    mutating func insert(_ other: StreamGaps) {
        for (stream, list) in other.lists { insert(list.gaps, stream: stream) }
    }

    /// Hands over all gaps of a stream and forgets them.
    mutating func takeAll(_ stream: StreamID) -> [Gap] { lists.removeValue(forKey: stream)?.gaps ?? [] }
}
