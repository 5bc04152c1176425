package import WeirBatch

/// Follows the numbers of every stream: which batch is new, what is missing before it, and which streams belong together.
///
/// A source is one writer over its restarts: a stream and those that name it as the one before them.
package struct StreamTracker {
    /// What a header says beside its batch, in the order in which it is to be told.
    package enum Finding: Equatable, Sendable {
        /// A stream's first header; `previous` where it names the one before.
        case begins(StreamID, first: UInt64, previous: StreamID?)
        /// Numbers that the sink dropped, and says so.
        case gap(Gap)
        /// Numbers that are missing, and nobody says why.
        case hole(ClosedRange<UInt64>)
        /// A batch whose numbers were seen before.
        case repeated(ClosedRange<UInt64>)
        /// A batch whose header could be read, and nothing else of it.
        case lost(ClosedRange<UInt64>)
        /// The end mark.
        case ends(last: UInt64)

        /// Whether there is no batch to show because of this.
        package var replacesBatch: Bool {
            switch self {
            case .repeated, .lost: true
            case .begins, .gap, .hole, .ends: false
            }
        }
    }

    /// What is known of a source, for the heading of a table.
    package struct Source: Equatable, Sendable {
        package var stream: StreamID
        package var streams = 1
        package var batches = 0
        package var resource: [Batch.Attribute] = []
        /// Times of the first and the last batch looked at. Nanoseconds since 1970; 0 where there was none.
        package var firstTime: UInt64 = 0
        package var lastTime: UInt64 = 0
        /// Of the last collection of which every part was looked at: what is not in a part alone may be in another.
        package fileprivate(set) var wholeTime: UInt64 = 0
        fileprivate var parts = Parts()
        package var hasEnded = false
        /// Batches dropped, by cause in the order of first sight.
        package var dropped: [Dropped] = []
        /// Batches that are missing without a cause.
        package var missing: UInt64 = 0
        package var repeated = 0
        /// Batches of which nothing but the header can be read.
        package var lost: UInt64 = 0

        /// The number of the first part of the collection whose parts come in, and how many have come.
        fileprivate struct Parts: Equatable, Sendable {
            var last: UInt64 = 0
            var count: UInt32 = 0
        }

        package struct Dropped: Equatable, Sendable {
            package var cause: Gap.Cause
            package var batches: UInt64

            package init(cause: Gap.Cause, batches: UInt64) {
                self.cause = cause
                self.batches = batches
            }
        }
    }

    private struct Stream {
        var source: Int
        /// Delivered, or dropped with a word.
        var known = NumberRanges()
        var delivered = NumberRanges()
        /// What is missing before this is not asked about: files of the past may be gone.
        var lowest: UInt64
        var highest: UInt64
        /// Whether it is only known as the one before another.
        var isAwaited = false
    }

    package private(set) var sources: [Source] = []
    private var streams: [StreamID: Stream] = [:]

    package init() {}

    /// Takes in the next header and returns its source and what there is to say before it.
    ///
    /// - Parameter isLost: whether its batch cannot be read. Should it come again, it is not repeated.
    package mutating func add(_ header: FrameHeader, isLost: Bool = false) -> (source: Int, findings: [Finding]) {
        var findings: [Finding] = []
        let range = header.numbers
        var stream: Stream
        if let known = streams[header.stream], !known.isAwaited {
            stream = known
        } else {
            let lowest = header.gaps.reduce(range.lowerBound) { min($0, $1.first) }
            stream = Stream(
                source: source(of: header), lowest: header.isEndMark ? range.upperBound : max(lowest, 1),
                highest: header.isEndMark ? range.upperBound : max(lowest, 1) - 1)
            findings.append(.begins(header.stream, first: lowest, previous: header.previousStream))
        }
        defer { streams[header.stream] = stream }
        let source = stream.source
        sources[source].stream = header.stream

        let isRepeated = !header.isEndMark && stream.delivered.contains(range)
        for gap in header.gaps {
            // Numbers that became one batch are in it too, and told of beside it; not a second time when it comes again.
            guard !stream.known.contains(gap.numbers) || (gap.cause == .coalesced && !isRepeated) else { continue }
            stream.known.insert(gap.numbers)
            findings.append(.gap(gap))
        }
        if isRepeated { return (source, findings + [.repeated(range)]) }
        // What is missing below this batch is told once, here; should it still come, it is delivered like any other.
        let end = header.isEndMark ? range.upperBound : max(range.lowerBound, 1) - 1
        if end > stream.highest {
            findings += stream.known.missing(from: stream.highest + 1...end).map(Finding.hole)
        }
        stream.highest = max(stream.highest, range.upperBound)
        if header.isEndMark {
            findings.append(.ends(last: range.upperBound))
            sources[source].hasEnded = true
        } else {
            stream.known.insert(range)
            stream.lowest = min(stream.lowest, range.lowerBound)
            if isLost { findings.append(.lost(range)) } else { stream.delivered.insert(range) }
            sources[source].hasEnded = false
        }
        return (source, findings)
    }

    /// Notes a header of a source within the times asked for, with what ``add(_:)`` found.
    package mutating func note(_ header: FrameHeader, findings: [Finding], source: Int) {
        var isShown = !header.isEndMark
        for finding in findings {
            switch finding {
            case .begins, .ends: break
            // A coalesced batch lost nothing: the newer one holds it.
            case .gap(let gap): if gap.cause != .coalesced { sources[source].add(gap) }
            case .hole(let range): sources[source].missing &+= range.upperBound - range.lowerBound &+ 1
            case .repeated:
                sources[source].repeated += 1
                isShown = false
            case .lost(let range):
                sources[source].lost &+= range.upperBound - range.lowerBound &+ 1
                isShown = false
            }
        }
        guard isShown else { return }
        if sources[source].batches == 0 { sources[source].firstTime = header.endTime }
        sources[source].batches += 1
        sources[source].lastTime = max(sources[source].lastTime, header.endTime)
        if sources[source].completes(header) {
            sources[source].wholeTime = max(sources[source].wholeTime, header.endTime)
        }
    }

    /// The numbers of a stream that are missing after all that was read, with nothing to say why: those that came late
    /// are not among them.
    package func holes(in stream: StreamID) -> [ClosedRange<UInt64>] {
        guard let stream = streams[stream], !stream.isAwaited, stream.lowest <= stream.highest else { return [] }
        return stream.known.missing(from: stream.lowest...stream.highest)
    }

    /// The numbers of a stream whose batches could be read.
    func delivered(in stream: StreamID) -> NumberRanges { streams[stream]?.delivered ?? NumberRanges() }

    /// Notes who wrote a batch.
    package mutating func note(resource: [Batch.Attribute], source: Int) {
        if !resource.isEmpty { sources[source].resource = resource }
    }

    private mutating func source(of header: FrameHeader) -> Int {
        if let awaited = streams[header.stream] {
            sources[awaited.source].streams += 1
            return awaited.source
        }
        if let previous = header.previousStream, let known = streams[previous] {
            sources[known.source].streams += 1
            return known.source
        }
        sources.append(Source(stream: header.stream))
        // The stream before is not among what was read; should it come after all, it belongs to the same source.
        if let previous = header.previousStream, previous != header.stream {
            streams[previous] = Stream(source: sources.count - 1, lowest: 0, highest: 0, isAwaited: true)
        }
        return sources.count - 1
    }
}

extension FrameHeader {
    /// The numbers that the batch stands for. Between those of a split collection's merged parts lie the numbers of other
    /// parts, so there it is the last one alone, and gaps tell of the rest.
    var numbers: ClosedRange<UInt64> {
        // No header that a reader lets pass has its numbers the wrong way round; none is trusted to.
        let (low, high) = (min(first, last), max(first, last))
        return parts > 1 ? high...high : low...high
    }
}

extension Gap {
    var numbers: ClosedRange<UInt64> { min(first, last)...max(first, last) }
}

extension StreamTracker.Source {
    /// Whether all parts of a header's collection have come with it.
    fileprivate mutating func completes(_ header: FrameHeader) -> Bool {
        guard header.parts > 1 else { return true }
        // By its last number: the first part may cover more than one, since others were merged into it.
        let last = header.last &+ UInt64(header.parts &- header.part)
        if parts.last != last { parts = Parts(last: last) }
        parts.count += 1
        return parts.count == header.parts
    }

    fileprivate mutating func add(_ gap: Gap) {
        if let index = dropped.firstIndex(where: { $0.cause == gap.cause }) {
            dropped[index].batches &+= gap.batches
        } else {
            dropped.append(Dropped(cause: gap.cause, batches: gap.batches))
        }
    }
}
