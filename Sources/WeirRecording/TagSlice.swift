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

// MARK: - Making one

extension TagSlice {
    /// Whether a tag can be added without copying its value: a small string is read from its own two words, the bytes
    /// of another lie where they are as long as it lives.
    @inline(__always)
    static func canHold(_ value: String) -> Bool {
        #if _runtime(_ObjC)
        // A string that came from Objective-C need not be UTF-8.
        return SmallString.isKnown && value.utf8.withContiguousStorageIfAvailable { _ in } != nil
        #else
        return SmallString.isKnown
        #endif
    }

    /// Adds a tag, in the place of one with the same key where there is one. The value must be one that it
    /// ``canHold(_:)``, and must live as long as the slice.
    @inline(__always)
    mutating func add(_ key: TagKey, _ value: String, to memory: UnsafeMutablePointer<TagEntry>) {
        let info = unsafe key.info
        if let (words, length) = SmallString.read(value) {
            let hash = unsafe TagHash.hash(words, count: length, key: info.pointee.hash)
            unsafe add(info, words, length: length, hash: hash, bytes: nil, to: memory)
        } else {
            unsafe add(info, Self.utf8(of: value), to: memory)
        }
    }

    /// Adds a tag whose value is a constant.
    @inline(__always)
    mutating func add(_ key: TagKey, _ value: StaticString, to memory: UnsafeMutablePointer<TagEntry>) {
        guard value.hasPointerRepresentation else { return unsafe add(key, value.description, to: memory) }
        let utf8 = unsafe UnsafeBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount)
        unsafe add(key.info, utf8, to: memory)
    }

    /// Adds a tag whose value's bytes live as long as the slice.
    @inline(__always)
    mutating func add(
        _ info: UnsafePointer<KeyInfo>, _ utf8: UnsafeBufferPointer<UInt8>, to memory: UnsafeMutablePointer<TagEntry>
    ) {
        guard let start = utf8.baseAddress else {
            let hash = unsafe TagHash.hash(TagWords(low: 0, high: 0), count: 0, key: info.pointee.hash)
            return unsafe add(info, TagWords(low: 0, high: 0), length: 0, hash: hash, bytes: nil, to: memory)
        }
        let bytes = unsafe UnsafeRawPointer(start)
        let words = unsafe TagWords(bytes, count: utf8.count)
        let isLong = utf8.count > TagWords.capacity
        let hash = unsafe isLong
            ? TagHash.hash(words, bytes, count: utf8.count, key: info.pointee.hash)
            : TagHash.hash(words, count: utf8.count, key: info.pointee.hash)
        unsafe add(info, words, length: utf8.count, hash: hash, bytes: isLong ? bytes : nil, to: memory)
    }

    /// The bytes of a string that is not small.
    @inline(never)
    private static func utf8(of value: String) -> UnsafeBufferPointer<UInt8> {
        // They do not move while the string lives, which its borrower sees to.
        unsafe value.utf8.withContiguousStorageIfAvailable { unsafe $0 } ?? UnsafeBufferPointer(start: nil, count: 0)
    }

    @inline(__always)
    private mutating func add(
        _ info: UnsafePointer<KeyInfo>, _ words: TagWords, length: Int, hash: UInt64, bytes: UnsafeRawPointer?,
        to memory: UnsafeMutablePointer<TagEntry>
    ) {
        let bit = unsafe info.pointee.bit
        var entry = unsafe memory + counts
        if unsafe (mask | KeyInfo.sharedBit) & bit != 0 {
            guard unsafe info.pointee.number >= 0 else { return }
            if let place = unsafe Self.place(of: info, in: memory, counts) {
                // Given before: the later value takes its place.
                unsafe entry = unsafe memory + place
                unsafe self.hash &-= entry.pointee.hash
                unsafe counts &-= 1
            }
        }
        // Word by word, where it stays: a copy of sixteen bytes would wait for stores of eight.
        unsafe entry.pointee.key = info
        unsafe entry.pointee.label = TagEntry.label(info, length: length)
        unsafe entry.pointee.words.low = words.low
        unsafe entry.pointee.words.high = words.high
        unsafe entry.pointee.hash = hash
        unsafe entry.pointee.bytes = bytes
        unsafe add(hash: hash, bit: bit)
    }

    @inline(never)
    private static func place(
        of key: UnsafePointer<KeyInfo>, in entries: UnsafeMutablePointer<TagEntry>, _ count: Int
    ) -> Int? {
        (0..<count).first { unsafe entries[$0].key == key }
    }
}
