private import WeirSystem

extension StringTable {
    /// Adds those strings of another table that are not here yet.
    ///
    /// - Returns: What each tag value of the other table is in this one: 0, no such tag, for 0; an index plus one for
    ///   an index plus one.
    package mutating func add(_ other: StringTable) -> [UInt32] {
        var values: [UInt32] = [0]
        values.reserveCapacity(other.count + 1)
        if other.isPrefix(of: self) {
            values += (0..<UInt32(other.count)).map { $0 + 1 }
            return values
        }
        var known: [ExactString: UInt32] = [:]
        known.reserveCapacity(count)
        for index in 0..<count { known[ExactString(self[index])] = UInt32(index) }
        for index in 0..<other.count {
            let string = other[index]
            if let index = known[ExactString(string)] {
                values.append(index + 1)
            } else {
                let index = append(other, index)
                known[ExactString(string)] = index
                values.append(index + 1)
            }
        }
        return values
    }

    /// Whether another table begins with the strings of this one, so that indexes mean the same in both.
    package func isPrefix(of other: StringTable) -> Bool {
        guard offsets.count <= other.offsets.count, bytes.count <= other.bytes.count else { return false }
        // Every string ends in zero and none holds one: where the bytes are the same, so are the strings.
        return bytes.isPrefix(of: other.bytes)
    }
}

extension Batch {
    /// Leaves out the strings that no row refers to: they would be sent for nothing, and to whom their rows are not.
    package mutating func dropUnusedStrings() {
        let isUsed = usedStrings
        guard isUsed.contains(false) else { return }
        var kept = StringTable()
        var values: [UInt32] = [0]
        values.reserveCapacity(isUsed.count)
        for index in 0..<strings.count { values.append(isUsed[index + 1] ? kept.append(strings, index) + 1 : 0) }
        strings = kept
        for view in views.indices { views[view].renameTagValues(values) }
    }
}

extension Batch {
    /// Bytes of the strings that a row refers to.
    package var usedStringBytes: Int {
        let isUsed = usedStrings
        return (0..<strings.count).reduce(0) { $0 + (isUsed[$1 + 1] ? strings.length(of: $1) : 0) }
    }

    /// For each tag value whether a row has it; 0, no such tag, counts as one.
    private var usedStrings: [Bool] {
        var isUsed = [Bool](repeating: false, count: strings.count + 1)
        for view in views {
            isUsed.mark(view.tagValues)
            isUsed.mark(view.exemplars.tagKeys)
            isUsed.mark(view.exemplars.tagValues)
        }
        isUsed[0] = true
        return isUsed
    }
}

extension ViewColumns {
    /// Gives every tag value another number, those of exemplars too; there must be one for each.
    package mutating func renameTagValues(_ values: [UInt32]) {
        exemplars.rename(values)
        precondition(tagValues.reduce(0) { Swift.max($0, $1) } < values.count)
        tagValues = unsafe [UInt32](unsafeUninitializedCapacity: tagValues.count) { renamed, count in
            unsafe tagValues.withUnsafeBufferPointer { old in
                unsafe values.withUnsafeBufferPointer { values in
                    for place in 0..<old.count { unsafe renamed[place] = values[Int(old[place])] }
                }
            }
            count = tagValues.count
        }
    }
}

extension [Bool] {
    /// Sets the elements at some places, all of which must be there.
    fileprivate mutating func mark(_ places: [UInt32]) {
        precondition(places.reduce(0) { Swift.max($0, $1) } < count)
        unsafe withUnsafeMutableBufferPointer { marks in
            unsafe places.withUnsafeBufferPointer { places in
                for index in 0..<places.count { unsafe marks[Int(places[index])] = true }
            }
        }
    }
}

extension Array where Element: BitwiseCopyable {
    /// Whether another array begins with the same bits.
    package func isPrefix(of other: [Element]) -> Bool {
        guard count <= other.count else { return false }
        return unsafe withUnsafeBytes { mine in
            unsafe other.withUnsafeBytes { theirs in
                // Arrays that share their memory need no look at it.
                guard let start = mine.baseAddress, let otherStart = theirs.baseAddress,
                    unsafe start != otherStart
                else { return true }
                return unsafe memcmp(start, otherStart, mine.count) == 0
            }
        }
    }

    /// Whether another array holds the same bits.
    package func isIdentical(to other: [Element]) -> Bool {
        count == other.count && isPrefix(of: other)
    }
}
