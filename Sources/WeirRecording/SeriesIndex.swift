internal import Synchronization

/// The series of one view by the hash of their tags: open addressing, read without a lock.
///
/// A slot goes from empty to a series to a tombstone and never back. When too many are used, a new index takes the
/// place of this one with one pointer store, so that adding N series costs O(N) in all; the old one is freed when its
/// readers have left. Header and slots are one piece of memory.
@safe
struct SeriesIndex: ~Copyable {
    let mask: Int
    /// Slots that are not empty, and those of them that hold a series. Under the lock.
    fileprivate let usedCount = Atomic<Int>(0)
    fileprivate let liveCount = Atomic<Int>(0)

    /// Leads a measurement straight to where it goes, where its tags are those that the series was made of: their
    /// address is compared, not they.
    ///
    /// Of a plain sum that is its cell. The address of an add should be known early: a processor lets few later loads
    /// pass a store before it knows where it goes. So this is kept apart from the series, and small.
    @safe
    struct Shortcut: ~Copyable {
        /// ``Series/identity``. Published after the target.
        let identity = Atomic<UInt>(0)
        let target = Atomic<UInt>(0)
    }

    /// Where a shortcut leads: to the cell of a plain sum, or to a series, whose address is marked by its lowest bit.
    @safe
    struct Target {
        let word: UInt

        /// The first cell of a series that is a plain sum.
        @inline(__always)
        var cell: UnsafeMutablePointer<CChar>? {
            word & 1 == 0 ? unsafe UnsafeMutablePointer(bitPattern: word) : nil
        }

        /// A series of another kind.
        @inline(__always)
        var series: UnsafeMutablePointer<Series>? {
            word & 1 == 0 ? nil : unsafe UnsafeMutablePointer(bitPattern: word & ~1)
        }
    }

    /// `nil`: empty.
    fileprivate typealias Slot = Atomic<UnsafeMutablePointer<Series>?>

    /// Shortcuts begin here, four in a cache line; slots behind them.
    fileprivate static let shortcutsOffset = 64

    /// What stands in the slot of a series that was removed: it has no hash and no tags.
    // Sendable: never written.
    nonisolated(unsafe) fileprivate static let tombstone = unsafe Series.makeTombstone()

    static func make(capacity: Int) -> UnsafeMutablePointer<SeriesIndex> {
        let count = max(16, capacity)
        let memory = unsafe UnsafeMutableRawPointer.allocate(
            byteCount: shortcutsOffset + count * (MemoryLayout<Shortcut>.stride + MemoryLayout<Slot>.stride),
            alignment: 64)
        let index = unsafe memory.bindMemory(to: SeriesIndex.self, capacity: 1)
        unsafe index.initialize(to: SeriesIndex(mask: count - 1))
        for position in 0..<count {
            unsafe (index.shortcuts + position).initialize(to: Shortcut())
            unsafe (index.slots + position).initialize(to: Slot(nil))
        }
        return unsafe index
    }
}

extension UnsafeMutablePointer where Pointee == SeriesIndex {
    @inline(__always)
    fileprivate var shortcuts: UnsafeMutablePointer<SeriesIndex.Shortcut> {
        unsafe UnsafeMutableRawPointer(self).advanced(by: SeriesIndex.shortcutsOffset)
            .assumingMemoryBound(to: SeriesIndex.Shortcut.self)
    }

    @inline(__always)
    fileprivate var slots: UnsafeMutablePointer<SeriesIndex.Slot> {
        unsafe UnsafeMutableRawPointer(shortcuts + pointee.mask + 1).assumingMemoryBound(to: SeriesIndex.Slot.self)
    }

    /// Where the search for a hash begins.
    @inline(__always)
    private func start(_ hash: UInt64) -> Int {
        unsafe Int(truncatingIfNeeded: hash) & pointee.mask
    }

    /// Where it goes on, from 1: to the other slot of the pair, which is in the same cache line and where a shortcut is
    /// looked for, then to the pairs behind.
    @inline(__always)
    private func place(_ start: Int, _ step: Int) -> Int {
        unsafe ((start &+ step & ~1) & pointee.mask) ^ (step & 1)
    }

    /// Where tags with this hash and this address lead, where there is a shortcut.
    ///
    /// Of the two slots that the hash leads to, the second if it is that one, and the first otherwise: computed and not
    /// branched, since which of the two it is cannot be predicted.
    @inline(__always)
    func shortcut(_ hash: UInt64, _ identity: UInt) -> SeriesIndex.Target? {
        let pair = unsafe shortcuts + (start(hash) & ~1)
        let isSecond = unsafe (pair + 1).pointee.identity.load(ordering: .relaxed) == identity
        let likely = unsafe pair + (isSecond ? 1 : 0)
        // Acquiring: the target was written before the identity.
        guard unsafe likely.pointee.identity.load(ordering: .acquiring) == identity else { return nil }
        return unsafe SeriesIndex.Target(word: likely.pointee.target.load(ordering: .relaxed))
    }

    /// The series of a hash for which `isMatch` holds.
    @inline(__always)
    func find(_ hash: UInt64, isMatch: (UnsafeMutablePointer<Series>) -> Bool) -> UnsafeMutablePointer<Series>? {
        let start = unsafe start(hash)
        var position = start
        var step = 0
        // Acquiring: what the series points to was written before it was published.
        while let series = unsafe slots[position].load(ordering: .acquiring) {
            if unsafe series.pointee.hash == hash && series.pointee.identity != 0, unsafe isMatch(series) {
                return unsafe series
            }
            step &+= 1
            position = unsafe place(start, step)
        }
        return nil
    }

    // MARK: - Under the lock

    /// Whether another one fits: three quarters of the slots stay empty. Nearly all series so are in the first slot that
    /// is looked at; to look at another costs more than all else, since it cannot be predicted.
    var hasRoom: Bool { unsafe pointee.usedCount.load(ordering: .relaxed) < (pointee.mask + 1) / 4 }

    /// An index with the same series, twice as large where more than an eighth of the slots hold one.
    func rebuilt() -> UnsafeMutablePointer<SeriesIndex> {
        let count = unsafe pointee.mask + 1
        let copy = unsafe SeriesIndex.make(
            capacity: pointee.liveCount.load(ordering: .relaxed) > count / 8 ? count * 2 : count)
        for slot in 0..<count {
            guard let series = unsafe slots[slot].load(ordering: .relaxed) else { continue }
            if unsafe series != SeriesIndex.tombstone { unsafe copy.insert(series) }
        }
        return unsafe copy
    }

    func insert(_ series: UnsafeMutablePointer<Series>) {
        let position = unsafe position(of: series.pointee.hash, holding: nil)
        // Releasing: whoever finds the series finds it written.
        unsafe slots[position].store(series, ordering: .releasing)
        let isSum = unsafe series.pointee.kind.load(ordering: .relaxed) == .sum
        let target = unsafe isSum ? UInt(bitPattern: series.pointee.cells) : UInt(bitPattern: series) | 1
        unsafe shortcuts[position].target.store(target, ordering: .relaxed)
        // Releasing: whoever finds the identity finds the target.
        unsafe shortcuts[position].identity.store(series.pointee.identity, ordering: .releasing)
        unsafe pointee.usedCount.add(1, ordering: .relaxed)
        unsafe pointee.liveCount.add(1, ordering: .relaxed)
    }

    func remove(_ series: UnsafeMutablePointer<Series>) {
        let position = unsafe position(of: series.pointee.hash, holding: series)
        unsafe shortcuts[position].identity.store(0, ordering: .relaxed)
        unsafe slots[position].store(SeriesIndex.tombstone, ordering: .relaxed)
        unsafe pointee.liveCount.subtract(1, ordering: .relaxed)
    }

    /// Where a series is in the index, or the empty slot where one of this hash goes.
    private func position(of hash: UInt64, holding series: UnsafeMutablePointer<Series>?) -> Int {
        let start = unsafe start(hash)
        var position = start
        var step = 0
        while unsafe slots[position].load(ordering: .relaxed) != series {
            step += 1
            position = unsafe place(start, step)
        }
        return position
    }

    func free() {
        unsafe deinitialize(count: 1)
        unsafe UnsafeMutableRawPointer(self).deallocate()
    }
}
