/// The memory of ``Tags``, and of a series' own tags: the entries, and the values that are longer than their words.
@safe
final class TagStorage: @unchecked Sendable {
    // Sendable: written in init alone.
    let count: Int
    let hash: UInt64
    let mask: UInt64
    let entries: UnsafeMutablePointer<TagEntry>
    /// This object's address, then the entries.
    private let memory: UnsafeMutableRawPointer
    static let entriesOffset = 16
    private let bytes: UnsafeMutableRawPointer

    static let none = merging([])

    /// The tags of `base` with `elements` over them.
    static func merging(_ elements: [(TagKey, String)], over base: TagStorage? = nil) -> TagStorage {
        let all = (base?.elements ?? []) + elements
        // What is beyond is left out, whatever the limit is when the entries are made.
        func kept(_ value: String) -> Substring.UTF8View { value.utf8.prefix(TagLimit.range.upperBound + 1) }
        let length = all.reduce(0) { $0 + kept($1.1).count }
        return unsafe withUnsafeTemporaryAllocation(of: TagEntry.self, capacity: max(1, all.count)) { entries in
            unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(1, length)) { bytes in
                var builder = unsafe TagSliceBuilder(entries.baseAddress!)
                var next = bytes.baseAddress!
                for (key, value) in all {
                    let value = kept(value)
                    let utf8 = unsafe UnsafeMutableBufferPointer(start: next, count: value.count)
                    _ = unsafe utf8.initialize(from: value)
                    unsafe builder.add(key.info, next, count: utf8.count)
                    unsafe next += utf8.count
                }
                return unsafe TagStorage(copying: builder.settled) { _ in true }
            }
        }
    }

    /// A series' own tags: those entries of a slice whose keys a view keeps.
    convenience init(copying slice: TagSlice, kept: (TagEntry) -> Bool) {
        unsafe self.init(copying: UnsafeBufferPointer(start: slice.entries, count: slice.count).filter(kept))
    }

    /// Sorted by the number of their keys.
    init(copying unsorted: [TagEntry]) {
        let sorted = unsafe unsorted.sorted { unsafe $0.key.pointee.number < $1.key.pointee.number }
        count = unsafe sorted.count
        unsafe memory = .allocate(
            byteCount: Self.entriesOffset + sorted.count * MemoryLayout<TagEntry>.stride, alignment: 16)
        unsafe entries = (memory + Self.entriesOffset).bindMemory(to: TagEntry.self, capacity: sorted.count)
        unsafe bytes = .allocate(byteCount: sorted.reduce(8) { unsafe $0 + $1.length }, alignment: 8)
        var offset = 0
        var hash: UInt64 = 0
        var mask: UInt64 = 0
        for index in 0..<count {
            var entry = unsafe sorted[index]
            unsafe entry.move(to: bytes + offset)
            unsafe offset += entry.length
            unsafe hash &+= entry.hash
            unsafe mask |= entry.key.pointee.bit
            unsafe (entries + index).initialize(to: entry)
        }
        self.hash = hash
        self.mask = mask
        unsafe memory.storeBytes(of: Unmanaged.passUnretained(self), as: Unmanaged<TagStorage>.self)
    }

    deinit {
        unsafe memory.deallocate()
        unsafe bytes.deallocate()
    }

    /// The entries for a lookup. Valid while the storage lives.
    @inline(__always)
    var slice: TagSlice {
        unsafe TagSlice(stored: entries, count: count, hash: hash, mask: mask)
    }

    /// Its address: while it lives, no other tags have it.
    @inline(__always)
    var identity: UInt { unsafe UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque()) }

    var elements: [(TagKey, String)] {
        (0..<count).map { index in
            let entry = unsafe entries[index]
            return unsafe (TagKey(info: entry.key), entry.string)
        }
    }

    /// Whether all tags of another are among these.
    func isSuperset(of other: TagStorage) -> Bool {
        (0..<other.count).allSatisfy { wanted in
            (0..<count).contains { unsafe entries[$0].isEqual(other.entries[wanted]) }
        }
    }
}

extension TagKey {
    init(info: UnsafePointer<KeyInfo>) {
        unsafe self.info = info
    }
}
