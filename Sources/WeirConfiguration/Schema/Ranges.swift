internal import WeirRecording

/// What is possible, in nanoseconds and bytes. Wide: it is there for what can only be a slip.
enum Ranges {
    /// Of collections and sinks.
    static let interval: ClosedRange<Int64> = 1_000_000...31_622_400_000_000_000
    /// Of all waiting.
    static let wait: ClosedRange<Int64> = 1_000_000...86_400_000_000_000
    /// Of what becomes too old.
    static let age: ClosedRange<Int64> = 1_000_000...31_622_400_000_000_000
    static let batches: ClosedRange<Int64> = 1...1_000_000
    static let bytes: ClosedRange<Int64> = 4096...1 << 40
    /// Of what is on disk.
    static let spill: ClosedRange<Int64> = 8 << 20...1 << 50
    static let workers: ClosedRange<Int64> = 1...64
    /// zstd's.
    static let level: ClosedRange<Int64> = 1...22
    /// The most series that a view may have.
    static let series: ClosedRange<Int64> = 1...1 << 24
    /// What a tag's value may be long.
    static let tagValue: ClosedRange<Int64> = Int64(TagLimit.range.lowerBound)...Int64(TagLimit.range.upperBound)
}
