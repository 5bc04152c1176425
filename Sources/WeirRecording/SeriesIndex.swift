internal import Synchronization

/// The series of one view by the hash of their tags: open addressing, read without a lock.
///
/// A slot goes from empty to a series to a tombstone and never back. When too many are used, a new index takes the
/// place of this one with one pointer store, so that adding N series costs O(N) in all; the old one is freed when its
/// readers have left. Header and slots are one piece of memory.
@safe
struct SeriesIndex: ~Copyable {
    /// Slots, less one.
    let mask: Int
    /// By how much a hash is shifted to leave as many bits as say where to begin.
    let shift: UInt64
    /// ``ViewRow/keyMask`` of its view.
    let keyMask: UInt64
    /// Slots that are not empty, and those of them that hold a series. Under the lock.
    fileprivate let usedCount = Atomic<Int>(0)
    fileprivate let liveCount = Atomic<Int>(0)

    /// Leads a measurement straight to a series, where its tags are those that the series was made of: their address is
    /// compared, not they.
    ///
    /// One word, so that it is read and replaced at once, and eight are a cache line: ``key(_:)`` of the address in the
    /// upper bits, in the lower ones the number of the cell where the series is a plain sum, or ``noCell``. 0: none.
    fileprivate typealias Shortcut = Atomic<UInt>

    /// Bits of a shortcut that are left for the cell. A cell past them has no number in a shortcut.
    private static let cellBits: UInt = 21
    /// The series has to be looked at.
    fileprivate static let noCell: UInt = 1 << cellBits - 1

    /// An address as shortcuts hold it; 0 where it cannot be held, which no address is that a program can have today.
    @inline(__always)
    static func key(_ identity: UInt) -> UInt {
        // Divisible by 16, and below 2^47: after the shift, all of it is above the cell's bits.
        identity & 0xFFFF_8000_0000_000F == 0 ? identity &<< (cellBits - 4) : 0
    }

    /// `nil`: empty.
    fileprivate typealias Slot = Atomic<UnsafeMutablePointer<Series>?>

    /// Shortcuts begin here; slots behind them.
    fileprivate static let shortcutsOffset = 64

    /// What stands in the slot of a series that was removed: it has no hash and no tags.
    // Sendable: never written.
    nonisolated(unsafe) fileprivate static let tombstone = unsafe Series.makeTombstone()

    static func make(capacity: Int, keyMask: UInt64) -> UnsafeMutablePointer<SeriesIndex> {
        let count = max(16, capacity)
        let memory = unsafe UnsafeMutableRawPointer.allocate(
            byteCount: shortcutsOffset + count * (MemoryLayout<Shortcut>.stride + MemoryLayout<Slot>.stride),
            alignment: 64)
        let index = unsafe memory.bindMemory(to: SeriesIndex.self, capacity: 1)
        unsafe index.initialize(
            to: SeriesIndex(mask: count - 1, shift: UInt64(64 - count.trailingZeroBitCount), keyMask: keyMask))
        for position in 0..<count {
            unsafe (index.shortcuts + position).initialize(to: Shortcut(0))
            unsafe (index.slots + position).initialize(to: Slot(nil))
        }
        return unsafe index
    }
}

/// An index as the measurements of a measure with one view find it: its address, and in the six bits that are zero there
/// its ``SeriesIndex/shift``. So from the measure to a shortcut it is two loads, the second of which waits for the first.
@unsafe
struct SeriesIndexReference {
    /// 0: none.
    let word: UInt

    init(word: UInt) {
        unsafe self.word = word
    }

    init(_ index: UnsafeMutablePointer<SeriesIndex>) {
        unsafe word = UInt(bitPattern: index) | UInt(index.pointee.shift)
    }

    /// The number of the cell of a plain sum with these tags, where there is a shortcut to it.
    ///
    /// - key: Of the tags' address, not 0.
    ///
    /// Which of the four neighbours it is cannot be predicted, so that is computed: a shortcut to these tags without
    /// their key is the number of a cell, any other is greater.
    @inline(__always)
    func cell(_ hash: UInt64, _ key: UInt) -> Int? {
        guard let index = unsafe UnsafeMutablePointer<SeriesIndex>(bitPattern: word & ~63) else { return nil }
        let start = unsafe Int(truncatingIfNeeded: hash &>> UInt64(truncatingIfNeeded: word))
        let four = unsafe index.shortcuts + (start & ~3)
        // Relaxed: it is one word, and the cell was zeroed before anyone could record into it.
        let first = unsafe min(
            four[0].load(ordering: .relaxed) ^ key, four[1].load(ordering: .relaxed) ^ key)
        let second = unsafe min(
            four[2].load(ordering: .relaxed) ^ key, four[3].load(ordering: .relaxed) ^ key)
        let least = min(first, second)
        return least < SeriesIndex.noCell ? Int(bitPattern: least) : nil
    }

    /// The number of the cell of a plain sum with the tags of a slice, all of which its view keeps.
    ///
    /// The shortcut beside a series' slot says it, so that an add need not wait until the series has been compared: that
    /// is foreseen, and only looked at behind.
    @inline(__always)
    func cell(_ slice: TagSlice) -> Int? {
        guard let index = unsafe UnsafeMutablePointer<SeriesIndex>(bitPattern: word & ~63),
            unsafe slice.mask & ~index.pointee.keyMask == 0
        else { return nil }
        let start = unsafe Int(truncatingIfNeeded: slice.hash &>> UInt64(truncatingIfNeeded: word))
        var position = start
        var step = 0
        // Acquiring: what the series points to was written before it was published.
        while let series = unsafe index.slots[position].load(ordering: .acquiring) {
            // Relaxed: a slot keeps its series, so this is that series' or 0.
            let shortcut = unsafe index.shortcuts[position].load(ordering: .relaxed)
            if unsafe series.pointee.hash == slice.hash,
                unsafe UnsafePointer(series.tags).isEqual(slice, count: series.tagCount)
            {
                let cell = shortcut & SeriesIndex.noCell
                return shortcut != 0 && cell < SeriesIndex.noCell ? Int(bitPattern: cell) : nil
            }
            step &+= 1
            position = unsafe index.place(start, step)
        }
        return nil
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
        unsafe Int(truncatingIfNeeded: hash &>> pointee.shift)
    }

    /// Where it goes on, from 1: to the other three of four neighbours, among which shortcuts are looked for, then to the
    /// fours behind.
    @inline(__always)
    fileprivate func place(_ start: Int, _ step: Int) -> Int {
        unsafe ((start &+ step & ~3) & pointee.mask) ^ (step & 3)
    }

    /// The series with these tags, where there is a shortcut to it.
    ///
    /// - key: Of the tags' address, not 0.
    @inline(__always)
    func series(_ hash: UInt64, _ key: UInt) -> UnsafeMutablePointer<Series>? {
        let four = unsafe start(hash) & ~3
        var place = 0
        for neighbour in 0..<4 {
            let word = unsafe shortcuts[four &+ neighbour].load(ordering: .relaxed)
            if word ^ key <= SeriesIndex.noCell { place = neighbour }
        }
        // Acquiring: the series was written before it was published.
        guard let series = unsafe slots[four &+ place].load(ordering: .acquiring),
            unsafe SeriesIndex.key(series.pointee.identity) == key
        else { return nil }
        return unsafe series
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
            capacity: pointee.liveCount.load(ordering: .relaxed) > count / 8 ? count * 2 : count,
            keyMask: pointee.keyMask)
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
        let cell = unsafe isSum ? min(UInt(series.pointee.cell), SeriesIndex.noCell) : SeriesIndex.noCell
        let key = unsafe SeriesIndex.key(series.pointee.identity)
        // Releasing: whoever adds to the cell at once adds to one that was zeroed.
        if key != 0 { unsafe shortcuts[position].store(key | cell, ordering: .releasing) }
        unsafe pointee.usedCount.add(1, ordering: .relaxed)
        unsafe pointee.liveCount.add(1, ordering: .relaxed)
    }

    func remove(_ series: UnsafeMutablePointer<Series>) {
        let position = unsafe position(of: series.pointee.hash, holding: series)
        unsafe shortcuts[position].store(0, ordering: .relaxed)
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
