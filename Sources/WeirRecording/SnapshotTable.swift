internal import Synchronization

/// From a measure to its row: what a measurement needs to know, immutable, replaced with one pointer store.
///
/// Measures are numbered without holes, so the table is an array of slots in chunks. A slot's place never changes and
/// outlives every reader; what it points to is replaced when a view of its measure comes or goes or gets another index,
/// and freed when ``ReaderGate`` says so. The process-wide default has its slots in the measures themselves.
@safe
struct SnapshotTable {
    /// What the table has for a measure. Written under the lock of ``Stats``.
    @safe
    struct Slot: ~Copyable {
        /// `nil` where the measure has no view.
        let row = unsafe Atomic<UnsafeMutablePointer<MeasureRow>?>(nil)
        /// The word of the ``SeriesIndexReference`` of its view where it has exactly one, otherwise 0.
        let onlyIndex = Atomic<UInt>(0)

        /// Publishes a row.
        ///
        /// - Returns: The row before, which readers may still see, as they may its views' indexes.
        func replace(_ row: UnsafeMutablePointer<MeasureRow>?) -> UnsafeMutablePointer<MeasureRow>? {
            var word: UInt = 0
            if let row = unsafe row, unsafe row.pointee.count == 1 {
                unsafe word = SeriesIndexReference(row.entries.pointee.index).word
            }
            // Releasing: readers that find the index or the row find it written.
            onlyIndex.store(word, ordering: .releasing)
            return unsafe self.row.exchange(row, ordering: .acquiringAndReleasing)
        }
    }

    private let chunks: UnsafeMutablePointer<Atomic<UnsafeMutablePointer<Slot>?>>

    private static let chunkCount = 256
    private static let slotsPerChunk = 256
    /// Measures that a process may have.
    static let maximumCount = chunkCount * slotsPerChunk - 1

    init() {
        unsafe chunks = .allocate(capacity: Self.chunkCount)
        for index in 0..<Self.chunkCount { unsafe (chunks + index).initialize(to: Atomic(nil)) }
    }

    /// The place of a measure's row.
    func slot(of measure: Int) -> UnsafeMutablePointer<Slot> {
        let chunk = unsafe chunks + measure / Self.slotsPerChunk
        if let slots = unsafe chunk.pointee.load(ordering: .acquiring) {
            return unsafe slots + measure % Self.slotsPerChunk
        }
        let fresh = UnsafeMutablePointer<Slot>.allocate(capacity: Self.slotsPerChunk)
        for index in 0..<Self.slotsPerChunk { unsafe (fresh + index).initialize(to: Slot()) }
        let (exchanged, original) = unsafe chunk.pointee.compareExchange(
            expected: nil, desired: fresh, ordering: .acquiringAndReleasing)
        if !exchanged { unsafe fresh.deallocate() }
        return unsafe (original ?? fresh) + measure % Self.slotsPerChunk
    }

    func free() {
        for index in 0..<Self.chunkCount {
            guard let slots = unsafe chunks[index].load(ordering: .relaxed) else { continue }
            for slot in 0..<Self.slotsPerChunk {
                if let row = unsafe slots[slot].row.load(ordering: .relaxed) { unsafe MeasureRow.free(row) }
            }
            unsafe slots.deallocate()
        }
        unsafe chunks.deallocate()
    }
}

/// The views of one measure. Immutable; holds its views, which follow it in memory.
@safe
struct MeasureRow: ~Copyable {
    let count: Int
    /// The union of its views' keys: what tags that follow the task may add to a measurement.
    let keyMask: UInt64

    /// A view and the index that it had when the row was made, so that finding a series takes as few loads, each of
    /// which waits for the one before, as can be.
    @unsafe
    struct Entry {
        let index: UnsafeMutablePointer<SeriesIndex>
        let view: UnsafeMutablePointer<ViewRow>
    }

    /// Never of no views.
    static func make(_ states: [ViewState]) -> UnsafeMutablePointer<MeasureRow> {
        let memory = unsafe UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<MeasureRow>.stride + states.count * MemoryLayout<Entry>.stride, alignment: 64)
        let row = unsafe memory.bindMemory(to: MeasureRow.self, capacity: 1)
        let keyMask = states.reduce(0) {
            unsafe $0 | $1.row.pointee.keyMask | ($1.row.pointee.hasSharedKeys ? KeyInfo.sharedBit : 0)
        }
        unsafe row.initialize(to: MeasureRow(count: states.count, keyMask: keyMask))
        for (index, state) in states.enumerated() {
            unsafe (row.entries + index).initialize(to: Entry(index: state.index, view: state.row))
            _ = unsafe Unmanaged.passRetained(state)
        }
        return unsafe row
    }

    static func free(_ row: UnsafeMutablePointer<MeasureRow>) {
        for index in 0..<(unsafe row.pointee.count) { unsafe row.entries[index].view.pointee.state.release() }
        unsafe row.deinitialize(count: 1)
        unsafe UnsafeMutableRawPointer(row).deallocate()
    }
}

extension UnsafeMutablePointer where Pointee == MeasureRow {
    @inline(__always)
    var entries: UnsafeMutablePointer<MeasureRow.Entry> {
        unsafe UnsafeMutableRawPointer(self + 1).assumingMemoryBound(to: MeasureRow.Entry.self)
    }
}

extension UnsafePointer where Pointee == MeasureInfo {
    /// The address of its first field.
    @inline(__always)
    var defaultSlot: UnsafeMutablePointer<SnapshotTable.Slot> {
        unsafe UnsafeMutableRawPointer(mutating: self).assumingMemoryBound(to: SnapshotTable.Slot.self)
    }
}

extension Stats {
    /// Where this instance keeps a measure's row.
    func slot(of measure: UnsafePointer<MeasureInfo>) -> UnsafeMutablePointer<SnapshotTable.Slot> {
        if unsafe core == measure.pointee.defaultCore { return unsafe measure.defaultSlot }
        return unsafe core.pointee.table.slot(of: measure.pointee.number)
    }
}

/// One view, as the recording path sees it. Owned by its ``ViewState``.
@safe
struct ViewRow: ~Copyable {
    /// Its series. Replaced as a whole when it is full.
    let index: Atomic<UnsafeMutablePointer<SeriesIndex>>
    /// Where measurements for new tags go when the view has as many series as it may have.
    let overflow = unsafe Atomic<UnsafeMutablePointer<Series>?>(nil)
    let isFull = Atomic<Bool>(false)
    /// Counts what went there.
    let overflowCell: Int

    /// The bits of the keys that are kept: of each that has one of its own, and the shared one where all are kept that
    /// share it.
    let keyMask: UInt64
    /// Whether some of the keys that share a bit are kept, and others not.
    let hasSharedKeys: Bool
    /// The keys that are kept or, where all others are, those that are not.
    let keys: UnsafeMutablePointer<UnsafePointer<KeyInfo>>
    let keyCount: Int
    let areKeysKept: Bool

    let state: Unmanaged<ViewState>

    /// Whether series are told apart by this key.
    @inline(__always)
    func keeps(_ key: UnsafePointer<KeyInfo>) -> Bool {
        let bit = unsafe key.pointee.bit
        if bit != KeyInfo.sharedBit || !hasSharedKeys { return keyMask & bit != 0 }
        return (0..<keyCount).contains { unsafe keys[$0] == key } == areKeysKept
    }

    /// The series of these tags.
    @inline(__always)
    func find(_ slice: TagSlice) -> UnsafeMutablePointer<Series>? {
        // Acquiring: the index's slots must be seen initialized.
        let index = unsafe index.load(ordering: .acquiring)
        if unsafe slice.mask & ~keyMask == 0 {
            return unsafe index.find(slice.hash) { series in
                unsafe UnsafePointer(series.tags).isEqual(slice, count: series.tagCount)
            }
        }
        return unsafe findProjected(slice, in: index)
    }

    /// The same where the view does not keep all of the tags.
    @inline(never)
    private func findProjected(
        _ slice: TagSlice, in index: UnsafeMutablePointer<SeriesIndex>
    ) -> UnsafeMutablePointer<Series>? {
        unsafe index.find(projectedHash(slice)) { series in
            unsafe UnsafePointer(series.tags).isEqual(slice, count: series.tagCount) { unsafe keeps($0) }
        }
    }

    /// The hash of those tags that the view keeps.
    func projectedHash(_ slice: TagSlice) -> UInt64 {
        var hash: UInt64 = 0
        for index in 0..<(unsafe slice.count) where unsafe keeps(slice.entries[index].key) {
            unsafe hash &+= slice.entries[index].hash
        }
        return hash
    }
}
