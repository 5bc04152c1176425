package import WeirBatch

/// What headers and batches say that cannot be: whoever wrote them counted wrong, or they were changed.
package enum Fault: Hashable, Sendable {
    /// A batch, or a gap, has the number 0; numbers begin at 1.
    case numberZero
    /// A batch covers less than no time.
    case endsBeforeItStarts(numbers: ClosedRange<UInt64>, start: UInt64, end: UInt64)
    /// A gap claims more batches than it has numbers.
    case tooManyBatches(numbers: ClosedRange<UInt64>, cause: Gap.Cause, batches: UInt64)
    /// A gap says that batches were dropped, and here they are.
    case droppedAndDelivered(numbers: ClosedRange<UInt64>)
    /// A count is below zero. Rows count from 0.
    case negativeCount(batch: UInt64, view: String, row: Int, found: Int64)
    /// A batch starts before the end of the one before it in its stream.
    case startsWithinBatchBefore(numbers: ClosedRange<UInt64>, start: UInt64, end: UInt64)
    /// A stream's deltas start before the end of the stream before it: what both count is counted twice.
    case startsWithinStreamBefore(StreamID, start: UInt64, end: UInt64)
    /// Batches have greater numbers than the end mark, behind which there are none.
    case goesOnAfterEnd(end: UInt64, last: UInt64)

    /// What is wrong, in a line.
    package var sentence: String {
        switch self {
        case .numberZero: "a batch or a gap has the number 0, and numbers begin at 1"
        case .endsBeforeItStarts(let numbers, let start, let end):
            "\(Self.text(numbers)) ends before it starts: \(Self.time(end)), \(Self.time(start))"
        case .tooManyBatches(let numbers, let cause, let batches):
            "the gap \(Self.text(numbers)) (\(cause)) claims \(NumberText.grouped(batches)) batches, "
                + "and has \(NumberText.grouped(numbers.upperBound &- numbers.lowerBound &+ 1)) numbers"
        case .droppedAndDelivered(let numbers): "a gap says that \(Self.text(numbers)) was dropped, and it is here"
        case .negativeCount(let batch, let view, let row, let found):
            "#\(batch): view \(view), row \(row): a count of \(found)"
        case .startsWithinBatchBefore(let numbers, let start, let end):
            "\(Self.text(numbers)) starts at \(Self.time(start)), before the batch before it ends at \(Self.time(end))"
        case .startsWithinStreamBefore(let stream, let start, let end):
            "its deltas start at \(Self.time(start)), before stream \(stream.text) ends at \(Self.time(end)): "
                + "what both count is counted twice"
        case .goesOnAfterEnd(let end, let last): "its end mark says that #\(end) is the last, and #\(last) is here"
        }
    }

    private static func text(_ numbers: ClosedRange<UInt64>) -> String {
        numbers.lowerBound == numbers.upperBound
            ? "#\(numbers.lowerBound)" : "#\(numbers.lowerBound)-\(numbers.upperBound)"
    }

    private static func time(_ nanoseconds: UInt64) -> String {
        Timestamp(nanoseconds: nanoseconds).text(fractionDigits: 9)
    }
}

/// The faults of a stream, each once: the first of them, and how many there are.
package struct Faults: Equatable, Sendable {
    /// In the order in which they were found, at most ``limit``.
    package private(set) var first: [Fault] = []
    package private(set) var count: UInt64 = 0

    package static let limit = 100

    package var isEmpty: Bool { count == 0 }

    mutating func add(_ fault: Fault) {
        guard !first.contains(fault) else { return }
        count &+= 1
        if first.count < Self.limit { first.append(fault) }
    }
}

// MARK: - Where they are found

extension Faults {
    /// Looks at a header by itself.
    mutating func look(at header: FrameHeader) {
        if header.numbers.lowerBound == 0, !header.isEndMark { add(.numberZero) }
        if header.endTime < header.startTime {
            add(.endsBeforeItStarts(numbers: header.numbers, start: header.startTime, end: header.endTime))
        }
        for gap in header.gaps {
            if gap.numbers.lowerBound == 0 { add(.numberZero) }
            // Merged batches are one of several numbers; none is of less than one.
            if gap.batches > 0, gap.batches - 1 > gap.numbers.upperBound - gap.numbers.lowerBound {
                add(.tooManyBatches(numbers: gap.numbers, cause: gap.cause, batches: gap.batches))
            }
        }
    }

    /// Looks at a batch: counts do not fall below zero.
    mutating func look(at batch: Batch, number: UInt64) {
        for view in batch.views where view.aggregation == .count {
            for (row, count) in view.integers.enumerated() where count < 0 {
                add(.negativeCount(batch: number, view: view.name, row: row, found: count))
            }
        }
    }
}
