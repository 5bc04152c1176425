/// One tag as the recording path sees it.
@unsafe
struct TagEntry {
    var key: UnsafePointer<KeyInfo>
    /// The key's number, in the lowest ``keyBits`` bits, and the value's length in bytes; in the highest bit, whether the
    /// value ends in ``TagLimit/mark``, which is not among these bytes.
    var label: UInt64
    var words: TagWords
    /// Of key and value. The hash of several tags is the sum of theirs, so that it needs no order and a part of it can
    /// be taken for the keys that a view keeps.
    var hash: UInt64
    /// The value, where it is longer than its words; somebody else keeps it alive.
    var bytes: UnsafeRawPointer?

    private static let keyBits: UInt64 = 16

    private static let cutBit: UInt64 = 1 << 63

    /// The length in bytes of what is kept of the value.
    @inline(__always)
    var length: Int { unsafe Int(truncatingIfNeeded: (label & ~Self.cutBit) &>> Self.keyBits) }

    private var isCut: Bool { unsafe label & Self.cutBit != 0 }

    /// The length in bytes of the value as it is told.
    var textLength: Int { unsafe isCut ? length + TagLimit.markLength : length }

    mutating func markCut() { unsafe label |= Self.cutBit }

    @inline(__always)
    static func label(_ key: UnsafePointer<KeyInfo>, length: Int) -> UInt64 {
        // The keys that cannot be used have no number, and are in no slice.
        unsafe UInt64(truncatingIfNeeded: length) &<< keyBits | UInt64(UInt16(truncatingIfNeeded: key.pointee.number))
    }

    /// Whether both are the same tag.
    func isEqual(_ other: TagEntry) -> Bool {
        guard unsafe label == other.label, unsafe words == other.words else { return false }
        guard let mine = unsafe bytes, let others = unsafe other.bytes else { return true }
        return unsafe Self.isMiddleEqual(mine, others, length: length)
    }

    /// Whether two values are equal between their words.
    @inline(__always)
    static func isMiddleEqual(_ mine: UnsafeRawPointer, _ others: UnsafeRawPointer, length: Int) -> Bool {
        var offset = 8
        while offset &+ 8 < length {
            let place = min(offset, length &- 8)
            guard
                unsafe mine.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                    == others.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            else { return false }
            offset &+= 8
        }
        return true
    }

    /// Copies what is kept of the value to memory that has room for it, and refers to it there.
    mutating func move(to memory: UnsafeMutableRawPointer) {
        if let bytes = unsafe bytes {
            unsafe memory.copyMemory(from: bytes, byteCount: length)
            unsafe self.bytes = UnsafeRawPointer(memory)
        } else {
            unsafe words.store(to: memory, count: length)
        }
    }

    /// The value as it is told.
    var string: String {
        let kept = unsafe String(unsafeUninitializedCapacity: max(1, length)) { buffer in
            var copy = unsafe self
            unsafe copy.move(to: UnsafeMutableRawPointer(buffer.baseAddress!))
            return unsafe length
        }
        return unsafe isCut ? kept + TagLimit.mark : kept
    }
}

extension UnsafeMutablePointer where Pointee == TagEntry {
    /// Word by word, where it stays: a copy of sixteen bytes would wait for stores of eight.
    @inline(__always)
    func initialize(
        _ info: UnsafePointer<KeyInfo>, _ words: TagWords, length: Int, hash: UInt64, bytes: UnsafeRawPointer?
    ) {
        unsafe pointee.key = info
        unsafe pointee.label = TagEntry.label(info, length: length)
        unsafe pointee.words.low = words.low
        unsafe pointee.words.high = words.high
        unsafe pointee.hash = hash
        unsafe pointee.bytes = bytes
    }

    /// A value that lives longer than the entry. What is too long of it is left out.
    ///
    /// Of a short value it calls nothing, so that no register has to be saved.
    ///
    /// - Returns: The entry's hash.
    @inline(never)
    func initialize(_ info: UnsafePointer<KeyInfo>, _ bytes: UnsafeRawPointer, count: Int) -> UInt64 {
        guard count <= TagWords.capacity else { return unsafe initialize(info, long: bytes, count: count) }
        let words = unsafe TagWords(bytes, count: count)
        let hash = unsafe TagHash.hash(bytes, words: words, count: count, key: info.pointee.hash)
        unsafe initialize(info, words, length: count, hash: hash, bytes: nil)
        return hash
    }

    /// A value that is longer than its words.
    @inline(never)
    private func initialize(_ info: UnsafePointer<KeyInfo>, long bytes: UnsafeRawPointer, count: Int) -> UInt64 {
        let (count, isCut) = unsafe TagLimit.kept(of: bytes, count: count)
        let words = unsafe TagWords(bytes, count: count)
        let hash = unsafe TagHash.hash(words, bytes, count: count, key: info.pointee.hash)
        unsafe initialize(info, words, length: count, hash: hash, bytes: bytes)
        if isCut { unsafe pointee.markCut() }
        return hash
    }

    /// The bytes of a string that is not small: they do not move while it lives, which its borrower sees to.
    ///
    /// - Returns: The entry's hash.
    @inline(never)
    func initialize(_ info: UnsafePointer<KeyInfo>, large value: String) -> UInt64 {
        let hash = unsafe value.utf8.withContiguousStorageIfAvailable { utf8 in
            unsafe utf8.baseAddress.map { unsafe initialize(info, $0, count: utf8.count) }
        }
        // Never of a string that a slice can hold.
        return (hash ?? nil) ?? 0
    }
}
