package import WeirBatch

/// What became of a stream's numbers: delivered, dropped with a word, merged, or missing.
package struct StreamCheck: Sendable {
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
    /// What was said that cannot be.
    package private(set) var faults = Faults()
    /// By how much the clock was set where the stream began for that reason; otherwise 0. Nanoseconds.
    package private(set) var clockStep: Int64 = 0
    package var hasEndMark: Bool { endMark != nil }
    /// Whether somebody still writes to the file that it was read from last.
    package var goesOn = false

    /// The stream before this one in the file in which this one was met.
    let sameFile: StreamID?
    /// What the end mark calls the last number.
    private var endMark: UInt64?
    /// When the first batch with deltas starts. Nanoseconds since 1970.
    private var deltaStart: UInt64?
    /// The batch that was read last.
    private var latest: (numbers: ClosedRange<UInt64>, start: UInt64, end: UInt64)?
    /// Numbers that gaps say were dropped.
    private var denied = NumberRanges()

    /// A header with so many gaps may have one, the oldest, that became of several and spans what lies between them.
    private static let gapsUnmerged = 512

    init(_ header: FrameHeader, previous: StreamID?, sameFile: StreamID? = nil) {
        stream = header.stream
        self.previous = previous
        self.sameFile = sameFile
        first = .max
        last = 0
    }

    /// How many numbers are missing.
    package var missing: UInt64 { holes.reduce(0) { $0 &+ ($1.upperBound - $1.lowerBound) &+ 1 } }

    /// Whether the stream may be without its end: it has none, and nobody writes it any more.
    package var lacksEndMark: Bool { !hasEndMark && !goesOn }

    mutating func take(_ header: FrameHeader, _ findings: [StreamTracker.Finding], _ batch: Batch? = nil) {
        faults.look(at: header)
        if previous == nil { previous = header.previousStream }
        if header.clockStep != 0 { clockStep = header.clockStep }
        for (place, gap) in header.gaps.enumerated() where gap.cause != .coalesced {
            if place > 0 || header.gaps.count < Self.gapsUnmerged { denied.insert(gap.numbers) }
        }
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
            case .ends(let last): endMark = max(endMark ?? 0, last)
            }
        }
        cover(header.numbers)
        guard isDelivered else { return }
        if delivered.batches == 0 { startTime = header.startTime }
        delivered.add(header)
        startTime = min(startTime, header.startTime)
        endTime = max(endTime, header.endTime)
        splits.take(header)
        if let batch { faults.look(at: batch, number: header.last) }
        takeTimes(of: header, hasDeltas: batch?.hasDeltas ?? false)
    }

    private mutating func takeTimes(of header: FrameHeader, hasDeltas: Bool) {
        let numbers = header.numbers
        if hasDeltas { deltaStart = min(deltaStart ?? .max, header.startTime) }
        // Parts of one collection share its times.
        if let latest, numbers.lowerBound > 0, latest.numbers.upperBound == numbers.lowerBound - 1,
            header.startTime < latest.end, header.parts == 1 || header.startTime != latest.start
        {
            faults.add(.startsWithinBatchBefore(numbers: numbers, start: header.startTime, end: latest.end))
        }
        latest = (numbers, header.startTime, header.endTime)
    }

    /// Looks for what is only known once everything was read.
    ///
    /// - Parameter before: The stream that the same sink wrote before.
    mutating func conclude(delivered: NumberRanges, before: StreamCheck?) {
        for numbers in denied.common(with: delivered) { faults.add(.droppedAndDelivered(numbers: numbers)) }
        if let endMark, last > endMark { faults.add(.goesOnAfterEnd(end: endMark, last: last)) }
        guard let before, let deltaStart else { return }
        // By the clock of this stream.
        let end = before.endTime &+ UInt64(bitPattern: clockStep)
        if deltaStart < end { faults.add(.startsWithinStreamBefore(before.stream, start: deltaStart, end: end)) }
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

extension Batch {
    /// Whether it has a row that counts from the batch before.
    fileprivate var hasDeltas: Bool { views.contains { $0.temporality == .delta && $0.rows > 0 } }
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
        let end = header.last &+ UInt64(header.parts &- header.part)
        // Parts that were coalesced with those of later collections came with these.
        if header.first < header.last {
            let all = header.first...header.last
            for merged in open.keys where merged != end && all.contains(merged) { open[merged] = nil }
        }
        guard header.parts > 1 else { return }
        // The first part covers what went into all, another one as many parts as it has numbers.
        let count = header.part == 1 ? 1 : UInt32(clamping: header.last &- min(header.first, header.last)) &+ 1
        let parts = (open.removeValue(forKey: end) ?? 0) &+ count
        if parts >= header.parts { return whole += 1 }
        if open.count >= Self.limit, let oldest = open.keys.min() {
            open[oldest] = nil
            lost += 1
        }
        open[end] = parts
    }
}
