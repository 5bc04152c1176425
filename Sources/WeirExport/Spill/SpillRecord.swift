package import WeirBatch

/// Where a record stands: its segment's number and its offset in it.
package struct SpillID: Hashable, Sendable {
    let segment: UInt64
    let offset: UInt64
}

/// A batch read back from a spill. It stays there until it is removed.
package struct SpilledBatch: Sendable {
    package let id: SpillID
    /// As it was appended.
    package let header: FrameHeader
    /// One zstd frame, whose checksum holds.
    package let payload: [UInt8]
}

/// A batch that a spill had and has no more.
package struct SpillLoss: Equatable, Sendable {
    /// What it was; nil where nobody knows, or where it was several.
    package var header: FrameHeader?
    /// The gaps that several leave, and those that their headers told.
    package var gaps: StreamGaps
    package var amount: Amount
    /// `spillFull` or `spillCorrupt`.
    package var cause: Gap.Cause

    package init(
        header: FrameHeader? = nil, gaps: StreamGaps = StreamGaps(), amount: Amount, cause: Gap.Cause
    ) {
        self.header = header
        self.gaps = gaps
        self.amount = amount
        self.cause = cause
    }
}

/// What a start found.
package struct SpillRecovery: Equatable, Sendable {
    /// All of it, ``losses`` included.
    package var recovered = Amount()
    /// What was damaged, and what is more than the spill may hold now.
    package var losses: [SpillLoss] = []
    /// Bytes of a record that was being written when the process before ended; cut off.
    package var tornBytes: UInt64 = 0
    /// Segments that could not be opened; they stay where they are, uncounted.
    package var unreadable: [SpillError] = []

    package init() {}
}

/// What an append did.
package struct SpillAppended: Equatable, Sendable {
    /// Why the batch is not in the spill; nil where it is.
    package var failure: SpillError?
    /// What had to go for it, also where it failed after all.
    package var losses: [SpillLoss] = []

    package init(failure: SpillError? = nil, losses: [SpillLoss] = []) {
        self.failure = failure
        self.losses = losses
    }
}

/// What asking for the oldest batch gave.
package struct SpillTaken: Sendable {
    /// Nil where none waits, or none can be had at this moment.
    package var batch: SpilledBatch?
    /// Batches that turned out to be damaged.
    package var losses: [SpillLoss] = []
}

/// What operators want one word about: a change, never each repetition.
package enum SpillEvent: Equatable, Sendable {
    /// The disk refuses: batches stay in memory only.
    case failing(SpillError)
    /// It takes them again.
    case working
    /// Somebody removed, renamed or replaced files of the directory while it was in use. What waited in them is lost.
    case gone(directory: String, batches: UInt64)
}

/// When what was appended is forced to disk. A killed process loses nothing either way; a machine that loses power may.
package enum SpillSync: Sendable, CaseIterable {
    /// The operating system decides.
    case never
    /// With the first batch that comes a second or more after the last time, and when a segment ends.
    case second
    /// With each batch.
    case always
}

extension FrameHeader {
    /// What the accounts count for the batch behind it.
    package var amount: Amount { Amount(batches: 1, rows: rows, bytes: payloadLength) }
}
