/// Makes a slice of the tags of a call, in memory that is borrowed for its length.
@unsafe
struct TagSliceBuilder {
    private let entries: UnsafeMutablePointer<TagEntry>
    private var slice: TagSlice
    /// Not zero where the entries have to be settled.
    private var isUnsettled: UInt64 = 0

    /// - entries: Room for all tags.
    @inline(__always)
    init(_ entries: UnsafeMutablePointer<TagEntry>) {
        unsafe self.entries = unsafe entries
        unsafe slice = TagSlice(entries)
    }

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

    /// Writes a tag behind the last. The value must be one that it ``canHold(_:)``, and must live as long as the slice.
    ///
    /// Nothing is called for a small string, so that what is counted stays in registers from tag to tag.
    @inline(__always)
    mutating func add(_ key: TagKey, _ value: String) {
        let (info, entry) = unsafe (key.info, entries + slice.count)
        if let (words, length) = SmallString.read(value) {
            let hash = unsafe TagHash.hash(words, count: length, key: info.pointee.hash)
            unsafe entry.initialize(info, words, length: length, hash: hash, bytes: nil)
            unsafe add(hash: hash, of: info)
        } else {
            let hash = unsafe entry.initialize(info, large: value)
            unsafe add(hash: hash, of: info)
        }
    }

    /// Writes a tag behind the last, whose value is a constant.
    @inline(__always)
    mutating func add(_ key: TagKey, _ value: StaticString) {
        guard value.hasPointerRepresentation else { return unsafe add(key, value.description) }
        unsafe add(key.info, value.utf8Start, count: value.utf8CodeUnitCount)
    }

    /// Writes a tag behind the last, whose value's bytes live as long as the slice.
    @inline(__always)
    mutating func add(
        _ info: UnsafePointer<KeyInfo>, _ bytes: UnsafeRawPointer, count: Int
    ) {
        let hash = unsafe (entries + slice.count).initialize(info, bytes, count: count)
        unsafe add(hash: hash, of: info)
    }

    @inline(__always)
    private mutating func add(hash: UInt64, of info: UnsafePointer<KeyInfo>) {
        let bit = unsafe info.pointee.bit
        // Not branched on for each tag: see `settled`.
        unsafe isUnsettled |= slice.mask & bit | UInt64(bitPattern: Int64(info.pointee.number)) & KeyInfo.sharedBit
        unsafe slice.add(hash: hash, bit: bit)
    }

    /// The slice as it can be looked up: each key once, and none that cannot be used.
    @inline(__always)
    var settled: TagSlice {
        unsafe isUnsettled == 0 ? slice : Self.settle(entries, count: slice.count)
    }

    /// Leaves out keys that cannot be used, and of keys that were given twice the value before the last. Keys that only
    /// share a bit are looked at, too.
    @inline(never)
    private static func settle(_ entries: UnsafeMutablePointer<TagEntry>, count: Int) -> TagSlice {
        var slice = unsafe TagSlice(entries)
        for index in 0..<count {
            let entry = unsafe entries[index]
            guard unsafe entry.key.pointee.number >= 0 else { continue }
            var place = 0
            while unsafe place < slice.count && entries[place].key != entry.key { place += 1 }
            if unsafe place == slice.count {
                unsafe slice.append(entry, to: entries)
            } else {
                unsafe slice.replace(entry, at: place, in: entries)
            }
        }
        return unsafe slice
    }
}
