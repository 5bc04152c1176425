import Foundation
import WeirBatch

/// What one sink's destination has, in all places where it may have put it, and what that makes of what was recorded.
struct Arrived {
    private(set) var frames = 0
    private(set) var copies = 0
    private(set) var torn = 0
    private(set) var endMarks = 0
    private(set) var amount: Int64 = 0
    /// What no batch has and gaps name.
    private(set) var dropped: Int64 = 0
    /// What no batch has before the first one and behind the last one.
    private(set) var before: Int64 = 0
    private(set) var behind: Int64 = 0
    private(set) var gaps: Set<Named> = []
    private(set) var faults: [String] = []

    struct Named: Hashable {
        var stream: StreamID
        var first: UInt64
        var last: UInt64
        var batches: UInt64
        var start: UInt64
        var end: UInt64
        var cause: Gap.Cause
    }

    private struct Piece: Equatable {
        var stream: StreamID
        var first: UInt64
        var last: UInt64
        var start: UInt64
        var end: UInt64
        var amount: Int64
    }

    private var pieces: [Piece] = []
    /// The last number of each stream that has its end mark.
    private var ends: [StreamID: UInt64] = [:]

    /// How many batches gaps name, by cause.
    var named: [Gap.Cause: UInt64] {
        gaps.reduce(into: [:]) { $0[$1.cause, default: 0] += $1.batches }
    }

    init(files directories: [String]) throws {
        for directory in directories {
            for name in try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
            where !name.hasPrefix(".") {
                try add(BatchReader(path: directory + "/" + name))
            }
        }
    }

    init(messages: [[UInt8]]) throws {
        try add(BatchReader(MemorySource(messages.flatMap { $0 })))
    }

    private mutating func add(_ reader: BatchReader) throws {
        while let item = try reader.next() {
            switch item {
            case .frame(let frame):
                frames += 1
                note(frame.header)
                let amount = try frame.batch().views.filter { $0.name == CountedSource.view }.flatMap(\.integers)
                    .reduce(0, +)
                let header = frame.header
                let piece = Piece(
                    stream: header.stream, first: header.first, last: header.last, start: header.startTime,
                    end: header.endTime, amount: amount)
                // Where an acknowledgement was lost the same batch comes again.
                if pieces.contains(piece) { copies += 1 } else { pieces.append(piece) }
            case .endMark(let mark):
                endMarks += 1
                ends[mark.header.stream] = mark.header.last
                note(mark.header)
            // A process that is killed and a disk that fills up leave half a frame.
            case .headless, .damage: torn += 1
            }
        }
    }

    private mutating func note(_ header: FrameHeader) {
        for gap in header.gaps {
            gaps.insert(
                Named(
                    stream: header.stream, first: gap.first, last: gap.last, batches: gap.batches,
                    start: gap.startTime, end: gap.endTime, cause: gap.cause))
        }
    }

    /// Goes through time: each batch has what was recorded between its moments, and gaps name what lies between batches.
    mutating func compare(with source: CountedSource, recorded: Int64) {
        pieces.sort { ($0.start, $0.end) < ($1.start, $1.end) }
        var cursor: UInt64?
        for piece in pieces {
            guard let start = source.total(at: piece.start), let end = source.total(at: piece.end) else {
                faults.append("no collection ended where \(piece) begins or ends")
                continue
            }
            if piece.amount != end - start { faults.append("wanted \(end - start) in \(piece)") }
            amount += piece.amount
            if let cursor, piece.start < cursor {
                faults.append("\(piece) overlaps what comes before it, by \((source.total(at: cursor) ?? 0) - start)")
            } else if let cursor, let last = source.total(at: cursor), last != start {
                dropped += start - last
                expectNamed(from: cursor, to: piece.start, amount: start - last)
            } else if cursor == nil {
                before = start
            }
            cursor = max(cursor ?? 0, piece.end)
        }
        behind = recorded - (cursor.flatMap { source.total(at: $0) } ?? 0)
        for (stream, end) in ends { expectNumbers(upTo: end, in: stream) }
    }

    /// Each number of a stream is in a batch or in a gap.
    private mutating func expectNumbers(upTo end: UInt64, in stream: StreamID) {
        let ranges =
            pieces.filter { $0.stream == stream }.map { ($0.first, $0.last) }
            + gaps.filter { $0.stream == stream }.map { ($0.first, $0.last) }
        // A sink may come into a stream that others have begun.
        var reached = (ranges.map(\.0).min() ?? end + 1) - 1
        for (first, last) in ranges.sorted(by: { $0.0 < $1.0 }) {
            if first > reached + 1 { faults.append("numbers \(reached + 1) to \(first - 1) are nowhere") }
            reached = max(reached, last)
        }
        if reached != end { faults.append("wanted numbers up to \(end), found them up to \(reached)") }
    }

    private mutating func expectNamed(from start: UInt64, to end: UInt64, amount: Int64) {
        var reached = start
        for gap in gaps.sorted(by: { $0.start < $1.start }) where gap.start <= reached {
            reached = max(reached, gap.end)
        }
        if reached < end { faults.append("\(amount) from \(start) to \(end) are in no batch and no gap names them") }
    }
}
