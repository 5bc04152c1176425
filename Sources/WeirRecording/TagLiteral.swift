/// Tags as they are written at a call: `[route: "/users", status: "200"]`.
///
/// Not stored anywhere and not sorted: it exists so that a literal needs no ``Tags``. In an optimised build the
/// compiler keeps it on the stack of the caller.
public struct TagLiteral: ExpressibleByDictionaryLiteral, Sendable {
    @usableFromInline let elements: [(TagKey, String)]

    /// The tags of a literal. A key that is given twice keeps its last value.
    @inlinable
    @inline(__always)
    public init(dictionaryLiteral elements: (TagKey, String)...) {
        self.elements = elements
    }
}

/// The elements of a literal, borrowed for the length of a call.
@usableFromInline
typealias TagElements = UnsafeBufferPointer<(TagKey, String)>

extension TagSlice {
    /// Makes a slice of the elements of a literal, for the length of a call. No allocation up to a kilobyte.
    @inline(__always)
    static func with(_ elements: TagElements, _ body: (TagSlice) -> Void) {
        var longBytes = 0
        for unsafe (_, value) in unsafe elements where value.utf8.count > TagWords.capacity {
            longBytes &+= value.utf8.count
        }
        unsafe withUnsafeTemporaryAllocation(of: TagEntry.self, capacity: max(1, elements.count)) { entries in
            guard longBytes == 0 else {
                return unsafe withUnsafeTemporaryAllocation(byteCount: longBytes, alignment: 8) { long in
                    unsafe body(TagSlice(elements, entries, long.baseAddress!))
                }
            }
            unsafe body(TagSlice(elements, entries, UnsafeMutableRawPointer(entries.baseAddress!)))
        }
    }

    /// - Parameters:
    ///   - entries: Room for as many entries.
    ///   - long: Room for the values that are longer than their words.
    @inline(__always)
    private init(
        _ elements: TagElements, _ entries: UnsafeMutableBufferPointer<TagEntry>, _ long: UnsafeMutableRawPointer
    ) {
        unsafe self.init(
            entries: UnsafePointer(entries.baseAddress!), count: 0, hash: 0, mask: 0, storage: nil)
        var long = unsafe long
        for index in 0..<elements.count {
            let key = unsafe elements[index].0.info
            guard unsafe key.pointee.number >= 0 else { continue }
            let entry = unsafe TagEntry(key, elements[index].1, &long)
            if unsafe mask & key.pointee.bit != 0, let place = unsafe place(of: key) {
                unsafe hash &-= entries[place].hash &- entry.hash
                unsafe entries[place] = entry
            } else {
                unsafe append(entry, to: entries)
            }
        }
    }

    private func place(of key: UnsafePointer<KeyInfo>) -> Int? {
        (0..<(unsafe count)).first { unsafe entries[$0].key == key }
    }
}

extension TagEntry {
    /// A tag whose value is a string, copied to `long` where it is longer than its words.
    @inline(__always)
    fileprivate init(_ key: UnsafePointer<KeyInfo>, _ value: String, _ long: inout UnsafeMutableRawPointer) {
        let entry = unsafe value.utf8.withContiguousStorageIfAvailable { utf8 in
            var entry = unsafe TagEntry(key, utf8.baseAddress ?? TagStorage.noBytes, length: utf8.count)
            if unsafe entry.bytes != nil {
                unsafe entry.move(to: long)
                unsafe long += entry.length
            }
            return unsafe entry
        }
        if let entry = unsafe entry {
            unsafe self = entry
        } else {
            unsafe self.init(copying: value, key, &long)
        }
    }

    /// The same of a string that is not UTF-8 in memory (bridged ones, on Apple's systems).
    @inline(never)
    private init(copying value: String, _ key: UnsafePointer<KeyInfo>, _ long: inout UnsafeMutableRawPointer) {
        var native = value
        native.makeContiguousUTF8()
        unsafe self.init(key, native, &long)
    }
}
