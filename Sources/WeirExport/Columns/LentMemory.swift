internal import CWeirPlugin
internal import WeirBatch

/// Memory that is freed at once. A plugin holds pointers into it, which arrays do not promise.
@safe
final class Arena {
    private var blocks: [UnsafeMutableRawPointer] = unsafe []

    deinit {
        unsafe blocks.forEach { unsafe $0.deallocate() }
    }

    func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element>? {
        guard !elements.isEmpty else { return nil }
        let copy = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
        unsafe copy.initialize(from: elements, count: elements.count)
        unsafe blocks.append(UnsafeMutableRawPointer(copy))
        return unsafe UnsafePointer(copy)
    }

    /// A zero byte stands behind them.
    func bytes(_ bytes: some Collection<UInt8>) -> UnsafePointer<CChar> {
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
        unsafe blocks.append(UnsafeMutableRawPointer(copy))
        unsafe UnsafeMutableRawBufferPointer(start: copy, count: bytes.count).copyBytes(from: bytes)
        unsafe copy[bytes.count] = 0
        return unsafe UnsafePointer(copy)
    }

    func text(_ string: String) -> weir_text {
        unsafe weir_text(bytes: bytes(string.utf8), length: string.utf8.count)
    }
}

/// A batch's strings: tag keys and values of rows.
@safe
final class LentStrings {
    /// The bytes of all, a zero byte behind each.
    private let bytes: UnsafePointer<CChar>
    private let length: Int
    private let offsets: [UInt32]

    /// - Parameter arena: Must live as long.
    init(_ strings: StringTable, in arena: Arena) {
        unsafe bytes = arena.bytes(strings.bytes)
        length = strings.bytes.count
        offsets = strings.offsets
    }

    subscript(index: Int) -> weir_text {
        let start = Int(offsets[index])
        let end = index + 1 < offsets.count ? Int(offsets[index + 1]) : length
        return unsafe weir_text(bytes: bytes + start, length: end - start - 1)
    }
}

/// An array of one row, whose memory the next row uses again.
@safe
final class RowArray<Element: BitwiseCopyable> {
    private var memory: UnsafeMutablePointer<Element>?
    private(set) var count = 0
    private var capacity = 0

    deinit {
        unsafe memory?.deallocate()
    }

    /// nil where none was ever appended.
    var start: UnsafePointer<Element>? { unsafe memory.map { unsafe UnsafePointer($0) } }

    func removeAll() {
        count = 0
    }

    func append(_ element: Element) {
        if count == capacity { grow() }
        unsafe (memory! + count).initialize(to: element)
        count += 1
    }

    private func grow() {
        capacity = max(2 * capacity, 16)
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        if let memory = unsafe memory {
            unsafe larger.initialize(from: memory, count: count)
            unsafe memory.deallocate()
        }
        unsafe memory = larger
    }
}

@safe
final class RowBuckets {
    private let indexes = RowArray<Int32>()
    private let counts = RowArray<UInt64>()
    /// Measurements in the buckets that were lent last.
    private(set) var total: UInt64 = 0

    func lend(_ buckets: ViewColumns.ExponentialBuckets, _ starts: [Int], _ row: Int) -> weir_buckets {
        indexes.removeAll()
        counts.removeAll()
        total = 0
        guard row < starts.count else { return unsafe weir_buckets() }  // No row has any.
        for place in starts[row]..<starts[row] + Int(buckets.lengths[row]) {
            indexes.append(buckets.indexes[place])
            counts.append(buckets.counts[place])
            total += buckets.counts[place]  // The decoder has seen that the sum fits.
        }
        return unsafe weir_buckets(indexes: indexes.start, counts: counts.start, count: counts.count)
    }
}

/// The exemplars of one row.
@safe
final class RowExemplars {
    private let exemplars = unsafe RowArray<weir_exemplar>()
    private let tags = unsafe RowArray<weir_tag>()

    var start: UnsafePointer<weir_exemplar>? { unsafe exemplars.start }
    var count: Int { unsafe exemplars.count }

    /// Some of a table's.
    ///
    /// - Parameters:
    ///   - tagStarts: Where each one's tags begin.
    ///   - text: The text that a tag key or value stands for.
    func lend(
        _ columns: ViewColumns.Exemplars, _ range: Range<Int>, _ tagStarts: [Int], text: (UInt32) -> weir_text
    ) {
        unsafe exemplars.removeAll()
        unsafe tags.removeAll()
        let first = tagStarts[range.lowerBound]
        for tag in first..<tagStarts[range.upperBound] {
            unsafe tags.append(weir_tag(key: text(columns.tagKeys[tag]), value: text(columns.tagValues[tag])))
        }
        for index in range {
            var exemplar = unsafe weir_exemplar()
            unsafe exemplar.value = columns.values[index]
            unsafe exemplar.time = columns.times[index]
            unsafe withUnsafeMutableBytes(of: &exemplar.trace) { bytes in
                unsafe bytes.storeBytes(of: columns.traceHighs[index].bigEndian, as: UInt64.self)
                unsafe bytes.storeBytes(of: columns.traceLows[index].bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            unsafe withUnsafeMutableBytes(of: &exemplar.span) { bytes in
                unsafe bytes.storeBytes(of: columns.spans[index].bigEndian, as: UInt64.self)
            }
            unsafe exemplar.tags = tags.start.map { unsafe $0 + (tagStarts[index] - first) }
            unsafe exemplar.tags_count = Int(columns.tagCounts[index])
            unsafe exemplars.append(exemplar)
        }
    }
}
