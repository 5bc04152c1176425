/// What stands before a batch: which stream, which numbers, what time, how much, and what is missing before it.
///
/// The header is a sink's own (gaps differ from sink to sink); the payload behind it is shared by all sinks. A header
/// without a payload ends a stream: ``isEndMark``.
package struct FrameHeader: Equatable, Sendable {
    /// Which stream of batches.
    package var stream: StreamID
    /// The stream that the same sink wrote before this process started, where it is known.
    package var previousStream: StreamID?
    /// First and last number that the payload covers, from 1; they differ after coalescing.
    package var first: UInt64
    package var last: UInt64
    /// Part ``part`` of ``parts`` where one collection was split; 1 of 1 otherwise.
    package var part: UInt32 = 1
    package var parts: UInt32 = 1
    /// Nanoseconds since 1970; ``Batch/startTime`` and ``Batch/endTime``.
    package var startTime: UInt64 = 0
    package var endTime: UInt64 = 0
    /// Series rows, and single numbers in the value columns.
    package var rows: UInt64 = 0
    package var points: UInt64 = 0
    /// Bytes of the zstd frame that follows, and of what it decompresses to. Both 0 in an end mark.
    package var payloadLength: UInt64 = 0
    package var rawLength: UInt64 = 0
    /// What this sink dropped since the batch that it delivered before, ascending.
    package var gaps: [Gap] = []
    /// By how much the clock was set where the stream began for that reason; otherwise 0. Nanoseconds.
    package var clockStep: Int64 = 0

    package init(stream: StreamID, first: UInt64, last: UInt64) {
        self.stream = stream
        self.first = first
        self.last = last
    }

    /// Whether this header ends its stream. ``first`` and ``last`` are then the last number that the stream used.
    package var isEndMark: Bool { payloadLength == 0 }
}

/// A stream's name: 128 random bits.
package struct StreamID: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func random() -> StreamID {
        StreamID(high: .random(in: 1 ... .max), low: .random(in: 0 ... .max))
    }
}

/// Numbers of a stream that a sink dropped, and what went with them.
package struct Gap: Equatable, Sendable {
    package var first: UInt64
    package var last: UInt64
    package var batches: UInt64
    package var rows: UInt64
    /// Nanoseconds since 1970.
    package var startTime: UInt64
    package var endTime: UInt64
    package var cause: Cause

    /// Why; the accounts use the same words.
    package enum Cause: UInt8, Sendable, CaseIterable {
        /// Read from a header that a later Weir wrote; no account uses it.
        case unknown = 0
        case overflowOldest
        case overflowNewest
        case random
        case timedOut
        case oversize
        case superseded
        case codel
        case expired
        case rejected
        case spillFull
        case spillCorrupt
        case shutdown
        case fatal
        case coalesced
        case outOfOrder
    }

    package init(
        first: UInt64, last: UInt64, batches: UInt64, rows: UInt64, startTime: UInt64, endTime: UInt64, cause: Cause
    ) {
        self.first = first
        self.last = last
        self.batches = batches
        self.rows = rows
        self.startTime = startTime
        self.endTime = endTime
        self.cause = cause
    }
}
