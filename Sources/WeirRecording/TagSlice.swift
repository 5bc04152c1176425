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
    private(set) var hash: UInt64
    private(set) var mask: UInt64

    /// No entries yet.
    @inline(__always)
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

    /// Puts an entry in the place of one with the same key.
    mutating func replace(_ entry: TagEntry, at place: Int, in memory: UnsafeMutablePointer<TagEntry>) {
        unsafe hash &+= entry.hash &- memory[place].hash
        unsafe memory[place] = entry
    }
}
