/// One tag as the recording path sees it.
@unsafe
struct TagEntry {
    var key: UnsafePointer<KeyInfo>
    var length: Int
    var words: TagWords
    /// Of key and value. The hash of several tags is the sum of theirs, so that it needs no order and a part of it can
    /// be taken for the keys that a view keeps.
    var hash: UInt64
    /// The value, where it is longer than its words; somebody else keeps it alive.
    var bytes: UnsafeRawPointer?

    /// Whether both have the same value.
    @inline(__always)
    func hasValue(of other: TagEntry) -> Bool {
        guard unsafe length == other.length, unsafe words == other.words else { return false }
        guard let mine = unsafe bytes, let others = unsafe other.bytes else { return true }
        // What lies between the words.
        var offset = 8
        while unsafe offset + 8 < length {
            let place = unsafe min(offset, length - 8)
            guard
                unsafe mine.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                    == others.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            else { return false }
            offset += 8
        }
        return true
    }

    /// Copies the value to memory that has room for it, and refers to it there.
    mutating func move(to memory: UnsafeMutableRawPointer) {
        if let bytes = unsafe bytes {
            unsafe memory.copyMemory(from: bytes, byteCount: length)
            unsafe self.bytes = UnsafeRawPointer(memory)
        } else {
            unsafe words.store(to: memory, count: length)
        }
    }

    var string: String {
        unsafe String(unsafeUninitializedCapacity: max(1, length)) { buffer in
            var copy = unsafe self
            unsafe copy.move(to: UnsafeMutableRawPointer(buffer.baseAddress!))
            return unsafe length
        }
    }
}

extension UnsafeMutablePointer where Pointee == TagEntry {
    /// A tag whose value is `length` bytes. The entry may outlive them where they fit into its words.
    @inline(__always)
    func initialize(_ key: UnsafePointer<KeyInfo>, _ value: UnsafeRawPointer, length: Int) {
        let words = unsafe TagWords(value, count: length)
        unsafe pointee.key = key
        unsafe pointee.length = length
        unsafe pointee.words.low = words.low
        unsafe pointee.words.high = words.high
        unsafe pointee.hash = TagHash.hash(words, value, count: length, key: key.pointee.hash)
        unsafe pointee.bytes = length > TagWords.capacity ? value : nil
    }
}

/// Tags in the shape that the recording path looks series up by. Borrowed for the length of a call.
///
/// Four words, so that it travels in registers: a struct that goes through memory is copied there sixteen bytes at a
/// time, and such a copy waits for the stores of eight that made it.
@unsafe
struct TagSlice {
    let entries: UnsafePointer<TagEntry>
    /// The number of entries, negative (and one less) where they are all those of a ``TagStorage``.
    private var counts: Int
    /// The sum of the entries' hashes, and the union of their keys' bits.
    var hash: UInt64
    var mask: UInt64

    /// No entries yet.
    init(_ entries: UnsafePointer<TagEntry>) {
        unsafe self.entries = unsafe entries
        unsafe counts = 0
        unsafe hash = 0
        unsafe mask = 0
    }

    /// All entries of a storage, whose address stands before them.
    @inline(__always)
    init(stored entries: UnsafePointer<TagEntry>, count: Int, hash: UInt64, mask: UInt64) {
        unsafe self.entries = unsafe entries
        unsafe counts = ~count
        unsafe self.hash = hash
        unsafe self.mask = mask
    }

    @inline(__always)
    var count: Int { unsafe counts < 0 ? ~counts : counts }

    /// The storage that the entries are all of, where there is one.
    var storage: Unmanaged<TagStorage>? {
        guard unsafe counts < 0 else { return nil }
        return unsafe (UnsafeRawPointer(entries) - TagStorage.entriesOffset).load(as: Unmanaged<TagStorage>.self)
    }

    /// Counts the entry that was written behind the last.
    @inline(__always)
    mutating func add(hash: UInt64, bit: UInt64) {
        unsafe counts &+= 1
        unsafe self.hash &+= hash
        unsafe mask |= bit
    }

    /// Adds an entry whose key is not there yet.
    @inline(__always)
    mutating func append(_ entry: TagEntry, to memory: UnsafeMutablePointer<TagEntry>) {
        unsafe (memory + counts).initialize(to: entry)
        unsafe add(hash: entry.hash, bit: entry.key.pointee.bit)
    }
}

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
        var merged: TagStorage?
        let longBytes = all.reduce(0) { unsafe $0 + TagSliceBuilder.longBytes($1.1) }
        unsafe TagSliceBuilder.build(capacity: all.count, longBytes: longBytes) { builder in
            for (key, value) in all { unsafe builder.add(key, value) }
        } use: { slice in
            merged = unsafe TagStorage(copying: slice) { _ in true }
        }
        return merged!
    }

    /// Where an empty value begins, which has no memory.
    static var noBytes: UnsafePointer<UInt8> { unsafe UnsafePointer(bitPattern: 16)! }

    /// A series' own tags: those entries of a slice whose keys a view keeps.
    convenience init(copying slice: TagSlice, kept: (TagEntry) -> Bool) {
        unsafe self.init(copying: UnsafeBufferPointer(start: slice.entries, count: slice.count).filter(kept))
    }

    /// Sorted by the number of their keys.
    private init(copying unsorted: [TagEntry]) {
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
        let mine = unsafe TagRun(entries: entries, count: count)
        return (0..<other.count).allSatisfy { unsafe mine.contains(other.entries + $0, near: $0) }
    }
}

/// Entries one after the other, sorted by the number of their keys, each key once.
@unsafe
struct TagRun {
    let entries: UnsafePointer<TagEntry>
    let count: Int

    /// Whether these are the tags of a slice, all of whose keys differ.
    @inline(__always)
    func isEqual(_ slice: TagSlice) -> Bool {
        guard unsafe slice.count == count else { return false }
        for index in unsafe 0..<count where unsafe !contains(slice.entries + index, near: index) { return false }
        return true
    }

    /// Whether these are those tags of a slice whose keys are kept.
    func isEqual(_ slice: TagSlice, keeps: (UnsafePointer<KeyInfo>) -> Bool) -> Bool {
        var found = 0
        for index in 0..<(unsafe slice.count) where unsafe keeps(slice.entries[index].key) {
            guard unsafe contains(slice.entries + index, near: found) else { return false }
            found += 1
        }
        return unsafe found == count
    }

    @inline(__always)
    func contains(_ entry: UnsafePointer<TagEntry>, near guess: Int) -> Bool {
        // Sorted tags are found where they are expected; a literal may be in any order.
        var place = guess
        if unsafe guess >= count || entries[guess].key != entry.pointee.key {
            place = 0
            while unsafe place < count && entries[place].key != entry.pointee.key { place += 1 }
            if unsafe place == count { return false }
        }
        return unsafe entries[place].hasValue(of: entry.pointee)
    }
}

extension TagKey {
    init(info: UnsafePointer<KeyInfo>) {
        unsafe self.info = info
    }
}
