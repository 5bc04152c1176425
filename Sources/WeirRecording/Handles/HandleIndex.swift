internal import Synchronization

/// Entries by the hash of their names: open addressing, read without a lock.
///
/// A slot goes from empty to an entry to a tombstone and never back; when too many are used, a new index takes the place
/// of this one. The slots follow in memory.
@safe
struct HandleIndex: ~Copyable {
    /// Slots, less one.
    let mask: Int
    /// By how much a hash is shifted to leave as many bits as say where to begin.
    let shift: UInt64
    /// Slots that are not empty, and those of them that hold an entry. Under the lock.
    fileprivate let usedCount = Atomic<Int>(0)
    fileprivate let liveCount = Atomic<Int>(0)

    /// `nil`: empty.
    fileprivate typealias Slot = Atomic<UnsafeMutablePointer<HandleEntry>?>

    static func make(capacity: Int) -> UnsafeMutablePointer<HandleIndex> {
        let memory = unsafe UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<HandleIndex>.stride + capacity * MemoryLayout<Slot>.stride, alignment: 64)
        let index = unsafe memory.bindMemory(to: HandleIndex.self, capacity: 1)
        unsafe index.initialize(
            to: HandleIndex(mask: capacity - 1, shift: UInt64(64 - capacity.trailingZeroBitCount)))
        for position in 0..<capacity { unsafe (index.slots + position).initialize(to: Slot(nil)) }
        return unsafe index
    }
}

extension UnsafeMutablePointer where Pointee == HandleIndex {
    @inline(__always)
    fileprivate var slots: UnsafeMutablePointer<HandleIndex.Slot> {
        unsafe UnsafeMutableRawPointer(self + 1).assumingMemoryBound(to: HandleIndex.Slot.self)
    }

    @inline(__always)
    private func start(_ hash: UInt64) -> Int {
        unsafe Int(truncatingIfNeeded: hash &>> pointee.shift)
    }

    /// The entry of a name.
    @inline(__always)
    func find(_ name: HandleName) -> UnsafeMutablePointer<HandleEntry>? {
        var position = unsafe start(name.hash)
        // Acquiring: the entry was written before it was published.
        while let entry = unsafe slots[position].load(ordering: .acquiring) {
            if unsafe entry.pointee.hash == name.hash, unsafe entry.has(name) { return unsafe entry }
            position = unsafe (position &+ 1) & pointee.mask
        }
        return nil
    }

    // MARK: - Under the lock

    /// Whether another one fits: half of the slots stay empty.
    var hasRoom: Bool { unsafe pointee.usedCount.load(ordering: .relaxed) < (pointee.mask + 1) / 2 }

    /// Those that are in it.
    var entries: [UnsafeMutablePointer<HandleEntry>] {
        var entries: [UnsafeMutablePointer<HandleEntry>] = unsafe []
        for slot in 0...(unsafe pointee.mask) {
            guard let entry = unsafe slots[slot].load(ordering: .relaxed) else { continue }
            if unsafe entry != HandleEntry.tombstone { unsafe entries.append(entry) }
        }
        return unsafe entries
    }

    /// An index with the same entries, twice as large where more than a quarter of the slots hold one.
    func rebuilt() -> UnsafeMutablePointer<HandleIndex> {
        let count = unsafe pointee.mask + 1
        let isCrowded = unsafe pointee.liveCount.load(ordering: .relaxed) > count / 4
        let copy = unsafe HandleIndex.make(capacity: isCrowded ? count * 2 : count)
        unsafe entries.forEach { unsafe copy.insert($0) }
        return unsafe copy
    }

    func insert(_ entry: UnsafeMutablePointer<HandleEntry>) {
        let position = unsafe position(of: entry.pointee.hash, holding: nil)
        // Releasing: whoever finds the entry finds it written.
        unsafe slots[position].store(entry, ordering: .releasing)
        unsafe pointee.usedCount.add(1, ordering: .relaxed)
        unsafe pointee.liveCount.add(1, ordering: .relaxed)
    }

    func remove(_ entry: UnsafeMutablePointer<HandleEntry>) {
        let position = unsafe position(of: entry.pointee.hash, holding: entry)
        unsafe slots[position].store(HandleEntry.tombstone, ordering: .relaxed)
        unsafe pointee.liveCount.subtract(1, ordering: .relaxed)
    }

    /// Where an entry is, or the empty slot where one of this hash goes.
    private func position(of hash: UInt64, holding entry: UnsafeMutablePointer<HandleEntry>?) -> Int {
        var position = unsafe start(hash)
        while unsafe slots[position].load(ordering: .relaxed) != entry {
            position = unsafe (position &+ 1) & pointee.mask
        }
        return position
    }

    func free() {
        unsafe deinitialize(count: 1)
        unsafe UnsafeMutableRawPointer(self).deallocate()
    }
}
