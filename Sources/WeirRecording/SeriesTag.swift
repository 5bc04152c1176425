/// A tag of a series, as it is compared with that of a measurement. Two to a cache line.
@unsafe
struct SeriesTag {
    /// ``TagEntry/label``.
    let label: UInt64
    let words: TagWords
    /// The value, where it is longer than its words; the series' ``TagStorage`` keeps it alive.
    let bytes: UnsafeRawPointer?

    init(_ entry: TagEntry) {
        unsafe label = entry.label
        unsafe words = entry.words
        unsafe bytes = entry.bytes
    }

    /// Zero where both have the same key and value.
    @inline(__always)
    func difference(from entry: UnsafePointer<TagEntry>) -> UInt64 {
        let other = unsafe entry.pointee.words
        var difference =
            unsafe (label ^ entry.pointee.label) | (words.low ^ other.low) | (words.high ^ other.high)
        // Where the labels are equal, so are the lengths, and both values have bytes or neither.
        if let bytes = unsafe bytes, let others = unsafe entry.pointee.bytes, difference == 0 {
            unsafe difference = TagEntry.isMiddleEqual(bytes, others, length: entry.pointee.length) ? 0 : 1
        }
        return difference
    }
}

extension UnsafePointer where Pointee == SeriesTag {
    /// Whether these are the tags of a slice, all of whose keys differ.
    ///
    /// - count: How many of them there are, sorted by the number of their keys.
    @inline(__always)
    func isEqual(_ slice: TagSlice, count: Int) -> Bool {
        guard unsafe slice.count == count else { return false }
        // No early way out: that all are equal is what happens.
        var difference: UInt64 = 0
        for index in 0..<count { unsafe difference |= self[index].difference(from: slice.entries + index) }
        return unsafe difference == 0 || isEqualPermuted(slice, count: count)
    }

    /// Tags in another order are compared one by one.
    @inline(never)
    private func isEqualPermuted(_ slice: TagSlice, count: Int) -> Bool {
        unsafe isEqual(slice, count: count) { _ in true }
    }

    /// Whether these are those tags of a slice whose keys are kept.
    func isEqual(_ slice: TagSlice, count: Int, keeps: (UnsafePointer<KeyInfo>) -> Bool) -> Bool {
        var found = 0
        for index in 0..<(unsafe slice.count) where unsafe keeps(slice.entries[index].key) {
            guard unsafe contains(slice.entries + index, near: found, count: count) else { return false }
            found += 1
        }
        return found == count
    }

    /// Sorted tags are found where they are expected; a literal may be in any order.
    private func contains(_ entry: UnsafePointer<TagEntry>, near guess: Int, count: Int) -> Bool {
        if unsafe guess < count && self[guess].difference(from: entry) == 0 { return true }
        for place in 0..<count where unsafe self[place].difference(from: entry) == 0 { return true }
        return false
    }
}
