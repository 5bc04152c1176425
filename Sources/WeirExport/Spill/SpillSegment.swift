internal import WeirBatch

/// A file of the spill: `spill-00000000000000000001.weir.zst`, a batch file whose delivered records are covered.
///
/// A record that was delivered, or given up, is covered by a **done mark**: its first twelve bytes become those of a
/// zstd skippable frame that spans all of it. So the file itself says what is done, without a second ledger; it stays a
/// batch file, of which `weir dump` and `zstd -dc` show what waits; and a restart repeats no batch but those that were in
/// flight. The alternatives are worse: deleting whole segments repeats up to 4 MiB, holes have the size of a file
/// system's blocks, a file can be cut only at its end, and a cursor of its own may contradict what it points into.
///
/// A mark is one write of twelve bytes, which a kill can only tear where they lie in two pages. That record then counts
/// as damaged, although it was delivered.
struct SpillSegment {
    let number: UInt64
    /// Whole records, in bytes.
    var length: UInt64 = 0
    /// What the file takes on disk: more than ``length`` where a failed write could not be cut off.
    var size: UInt64 = 0
    /// Records neither done nor taken.
    var waiting = Amount()
    /// Records that somebody delivers at this moment.
    var taken = 0
    /// The gaps that it leaves where it is lost. Those of the segment that is read follow from its entries instead.
    var gaps = StreamGaps()
    /// The file that its name led to when it was opened; nil where that failed.
    var identity: SpillFileIdentity?

    /// Whether another record may be put at its end.
    var canGrow: Bool { size == length }
    var isDone: Bool { waiting.batches == 0 && taken == 0 }
    var name: String { "spill-" + String(repeating: "0", count: 20 - "\(number)".count) + "\(number).weir.zst" }

    init(number: UInt64) { self.number = number }

    /// Nil where a file is none of ours.
    init?(name: String) {
        let digits = name.dropFirst(6).prefix(20)
        guard digits.allSatisfy(\.isWholeNumber), let number = UInt64(digits), number < .max >> 1 else { return nil }
        self.number = number
        guard self.name == name else { return nil }
    }
}

/// A record of a segment.
struct SpillEntry {
    let offset: UInt64
    let headerLength: UInt64
    let header: FrameHeader

    var span: SpillSpan { SpillSpan(offset: offset, length: headerLength + header.payloadLength) }
}

/// The segment that is read: of its records those that wait, from `next` on.
struct SpillReader {
    let number: UInt64
    let file: any SpillFile
    var entries: [SpillEntry]
    var next = 0

    /// What is lost with it.
    var gaps: StreamGaps {
        entries[next...].reduce(into: StreamGaps()) { $0.insert(lossOf: $1.header, .spillCorrupt) }
    }
}

/// Bytes of a segment that are to be passed over: a record that is done, or what is damaged.
struct SpillSpan {
    let offset: UInt64
    let length: UInt64

    var end: UInt64 { offset + length }

    /// Writes what covers it: the opening of a skippable frame of its length, and a word where a header has its
    /// signature.
    func cover(in file: any SpillFile) throws(SpillError) {
        guard length >= 8 else { return }  // No frame is so short; only damage is.
        let magic: UInt32 = 0x184D_2A5D  // One of the sixteen that zstd leaves to others; a header has …57.
        let opening = [magic, UInt32(clamping: length - 8)].flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) }
        }
        try file.write(Array((opening + Array("DONE".utf8)).prefix(Int(min(length, 12)))), at: offset)
    }
}

/// What stands in a segment, found by reading headers and passing over payloads.
struct SpillScan {
    /// Records that are not done, in order.
    var entries: [SpillEntry] = []
    var losses: [SpillLoss] = []
    /// Where the losses lie, but for what reaches the end.
    var damage: [SpillSpan] = []
    /// Where the last whole record ends; what follows was being written, or is damaged to the end.
    var end: UInt64 = 0
    /// Bytes behind ``end`` that no loss accounts for.
    var tornBytes: UInt64 = 0

    /// - Parameter length: How far to read.
    /// - Throws: Where the file cannot be read.
    init(_ file: any SpillFile, length: UInt64) throws(SpillError) {
        let source = SpillSource(file, length: length)
        end = length
        do throws(BatchError) {
            let reader = try BatchReader(source)
            while let item = try reader.next() { take(item, length) }
        } catch {
            throw source.failure ?? .system(code: 0, attempt: "\(error)")
        }
    }

    var amount: Amount { entries.reduce(into: Amount()) { $0 += $1.header.amount } }

    private mutating func take(_ item: Item, _ length: UInt64) {
        switch item {
        case .frame(let frame):
            entries.append(
                SpillEntry(
                    offset: frame.offset, headerLength: frame.length - frame.header.payloadLength,
                    header: frame.header))
        case .endMark: break  // Nobody spills one.
        case .headless(let frame):
            lose(SpillSpan(offset: frame.offset, length: frame.length), nil)
        case .damage(let found):
            let reachesEnd = found.offset + found.length >= length
            if reachesEnd, case .truncated = found.reason {
                (end, tornBytes) = (found.offset, found.length)
            } else {
                lose(SpillSpan(offset: found.offset, length: found.length), found.lost)
                if reachesEnd { end = damage.removeLast().offset }
            }
        }
    }

    /// A place that cannot be read counts as one batch. What follows it without a header is its payload.
    private mutating func lose(_ span: SpillSpan, _ header: FrameHeader?) {
        if let header {
            losses.append(SpillLoss(header: header, amount: header.amount, cause: .spillCorrupt))
        } else if let before = damage.last, before.end == span.offset {
            damage.removeLast()
            losses[losses.count - 1].amount.bytes += span.length
            return damage.append(SpillSpan(offset: before.offset, length: before.length + span.length))
        } else {
            losses.append(SpillLoss(amount: Amount(batches: 1, rows: 0, bytes: span.length), cause: .spillCorrupt))
        }
        damage.append(span)
    }
}

/// A segment as a batch reader wants it.
private final class SpillSource: ByteSource {
    let path = "spill"
    private let file: any SpillFile
    private let end: UInt64
    /// What the file said last instead of giving bytes.
    private(set) var failure: SpillError?

    init(_ file: any SpillFile, length: UInt64) {
        self.file = file
        end = length
    }

    func length() -> UInt64? { end }

    func read(at offset: UInt64, atLeast: Int, upTo: Int) throws(BatchError) -> [UInt8] {
        guard offset < end else { return [] }
        do throws(SpillError) {
            return try file.read(at: offset, count: Int(min(UInt64(upTo), end - offset)))
        } catch {
            failure = error
            throw .system(call: "read", path: path, errno: 0)
        }
    }

    func forget(before offset: UInt64) {}
}
