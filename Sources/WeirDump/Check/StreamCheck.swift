package import WeirBatch

/// What became of a stream's numbers: delivered, dropped with a word, merged, or missing.
package struct StreamCheck: Equatable, Sendable {
    package let stream: StreamID
    package var previous: StreamID?
    /// First and last number that anything is known of.
    package var first: UInt64
    package var last: UInt64
    /// Batches that could be read, and their rows.
    package var delivered = Tally()
    /// From the first batch's start to the last one's end. Nanoseconds since 1970; 0 where there was none.
    package var startTime: UInt64 = 0
    package var endTime: UInt64 = 0
    /// What the sink gave up, by cause in the order of first sight.
    package var dropped: [Loss] = []
    /// What became part of a newer batch: nothing of it is lost.
    package var coalesced: Loss?
    /// Batches that came again.
    package var repeated = Tally()
    /// Batches of which nothing but the header can be read.
    package var damaged = Tally()
    /// What is missing, and nobody says why.
    package var holes: [ClosedRange<UInt64>] = []
    /// Collections that came in parts.
    package var splits = Splits()
    package var hasEndMark = false
    /// Whether somebody still writes to the file that it was read from last.
    package var goesOn = false

    init(_ header: FrameHeader, previous: StreamID?) {
        stream = header.stream
        self.previous = previous
        first = .max
        last = 0
    }

    /// How many numbers are missing.
    package var missing: UInt64 { holes.reduce(0) { $0 &+ ($1.upperBound - $1.lowerBound) &+ 1 } }

    /// Whether the stream may be without its end: it has none, and nobody writes it any more.
    package var lacksEndMark: Bool { !hasEndMark && !goesOn }

    mutating func take(_ header: FrameHeader, _ findings: [StreamTracker.Finding]) {
        var isDelivered = !header.isEndMark
        for finding in findings {
            switch finding {
            case .begins, .hole: break  // Numbers that are missing now may come late; they are asked for in the end.
            case .gap(let gap): take(gap)
            case .repeated:
                repeated.add(header)
                return
            case .lost:
                damaged.add(header)
                isDelivered = false
            case .ends: hasEndMark = true
            }
        }
        cover(header.numbers)
        guard isDelivered else { return }
        if delivered.batches == 0 { startTime = header.startTime }
        delivered.add(header)
        startTime = min(startTime, header.startTime)
        endTime = max(endTime, header.endTime)
        splits.take(header)
    }

    private mutating func take(_ gap: Gap) {
        cover(gap.numbers)
        if gap.cause == .coalesced {
            coalesced = coalesced ?? Loss(cause: .coalesced)
            coalesced?.add(gap)
        } else if let index = dropped.firstIndex(where: { $0.cause == gap.cause }) {
            dropped[index].add(gap)
        } else {
            dropped.append(Loss(cause: gap.cause))
            dropped[dropped.count - 1].add(gap)
        }
    }

    private mutating func cover(_ range: ClosedRange<UInt64>) {
        first = min(first, range.lowerBound)
        last = max(last, range.upperBound)
    }
}

/// So many batches, with so many rows.
package struct Tally: Equatable, Sendable {
    package private(set) var batches: UInt64 = 0
    package private(set) var rows: UInt64 = 0

    package init(batches: UInt64 = 0, rows: UInt64 = 0) {
        self.batches = batches
        self.rows = rows
    }

    mutating func add(_ header: FrameHeader) { self += Tally(batches: 1, rows: header.rows) }

    // Wrapping: the numbers are somebody else's.
    static func += (left: inout Tally, right: Tally) {
        left.batches &+= right.batches
        left.rows &+= right.rows
    }
}

/// What gaps of one cause add up to.
package struct Loss: Equatable, Sendable {
    package let cause: Gap.Cause
    package private(set) var tally = Tally()
    private var numbers = NumberRanges()

    package var ranges: [ClosedRange<UInt64>] { numbers.ranges }

    init(cause: Gap.Cause) { self.cause = cause }

    mutating func add(_ gap: Gap) {
        tally += Tally(batches: gap.batches, rows: gap.rows)
        numbers.insert(gap.numbers)
    }
}

/// Collections that were split since they were too long for one batch, and whether all their parts are there.
package struct Splits: Equatable, Sendable {
    package private(set) var whole: UInt64 = 0
    private var lost: UInt64 = 0
    /// How many parts are there, of collections that lack some; by the number of their last part.
    private var open: [UInt64: UInt32] = [:]

    /// How many may be open at once; past that the older ones count as lacking a part.
    private static let limit = 4096

    /// Collections of which a part was dropped or is missing.
    package var lacking: UInt64 { lost + UInt64(open.count) }

    mutating func take(_ header: FrameHeader) {
        guard header.parts > 1 else { return }
        let end = header.last &+ UInt64(header.parts &- header.part)
        let parts = (open.removeValue(forKey: end) ?? 0) &+ 1
        if parts >= header.parts { return whole += 1 }
        if open.count >= Self.limit, let oldest = open.keys.min() {
            open[oldest] = nil
            lost += 1
        }
        open[end] = parts
    }
}
