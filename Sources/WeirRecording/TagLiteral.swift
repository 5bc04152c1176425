/// Tags as they are written at a call: `[route: path, status: code]`.
///
/// Not stored anywhere and not sorted: it exists so that a literal needs no ``Tags``. In an optimised build the
/// compiler keeps it on the stack of the caller. A key that is given twice keeps its last value.
public struct TagLiteral: ExpressibleByDictionaryLiteral, Sendable {
    @usableFromInline let elements: [(TagKey, String)]

    /// The tags of a literal.
    @inlinable
    @inline(__always)
    public init(dictionaryLiteral elements: (TagKey, String)...) {
        self.elements = elements
    }
}

/// Tags all of whose values are written out at a call: `[route: "/users", status: "200"]`.
///
/// The compiler prefers it to ``TagLiteral`` where it can be, since such values are constants of the program: nothing
/// has to be retained or released.
public struct ConstantTagLiteral: ExpressibleByDictionaryLiteral, Sendable {
    @usableFromInline let elements: [(TagKey, StaticString)]

    /// The tags of a literal.
    @inlinable
    @inline(__always)
    public init(dictionaryLiteral elements: (TagKey, StaticString)...) {
        self.elements = elements
    }
}

/// A tag at a call: `(route, path)`.
public typealias Tag = (TagKey, String)

/// The elements of a literal, borrowed for the length of a call.
@usableFromInline
typealias TagElements = UnsafeBufferPointer<(TagKey, String)>

/// The elements of a literal of constants, borrowed for the length of a call.
@usableFromInline
typealias ConstantTagElements = UnsafeBufferPointer<(TagKey, StaticString)>

// MARK: - Slices

/// Makes a slice of tags, one after the other, in memory that is borrowed for the length of a call.
@unsafe
struct TagSliceBuilder {
    private let entries: UnsafeMutablePointer<TagEntry>
    /// Where values go that are longer than their words.
    private var long: UnsafeMutableRawPointer
    private(set) var slice: TagSlice

    /// - Parameters:
    ///   - capacity: How many tags at most.
    ///   - longBytes: How many bytes those values have together that are longer than their words.
    @inline(__always)
    static func build(
        capacity: Int, longBytes: Int, _ add: (inout TagSliceBuilder) -> Void, use: (TagSlice) -> Void
    ) {
        unsafe withUnsafeTemporaryAllocation(of: TagEntry.self, capacity: max(1, capacity)) { entries in
            func build(_ long: UnsafeMutableRawPointer) {
                var builder = unsafe TagSliceBuilder(entries.baseAddress!, long)
                unsafe add(&builder)
                unsafe use(builder.slice)
            }
            guard longBytes > 0 else { return unsafe build(UnsafeMutableRawPointer(entries.baseAddress!)) }
            unsafe withUnsafeTemporaryAllocation(byteCount: longBytes, alignment: 8) { long in
                unsafe build(long.baseAddress!)
            }
        }
    }

    @inline(__always)
    private init(_ entries: UnsafeMutablePointer<TagEntry>, _ long: UnsafeMutableRawPointer) {
        unsafe self.entries = entries
        unsafe self.long = long
        unsafe slice = TagSlice(entries)
    }

    /// What a value adds to the builder's `longBytes`.
    @inline(__always)
    static func longBytes(_ value: String) -> Int {
        let count = value.utf8.count
        return count > TagWords.capacity ? count : 0
    }

    @inline(__always)
    mutating func add(_ key: TagKey, _ value: String) {
        // Nothing of the builder is captured: it stays in registers.
        let (entry, long, info) = unsafe (entries + slice.count, long, key.info)
        let hash: UInt64? = unsafe value.utf8.withContiguousStorageIfAvailable { utf8 in
            unsafe entry.initialize(info, utf8.baseAddress ?? TagStorage.noBytes, length: utf8.count)
            if utf8.count > TagWords.capacity { unsafe entry.pointee.move(to: long) }
            return unsafe entry.pointee.hash
        }
        guard let hash else { return unsafe addCopy(key, value) }
        unsafe self.long += Self.longBytes(value)
        unsafe count(entry, hash: hash)
    }

    /// The same of a string that is not UTF-8 in memory (bridged ones, on Apple's systems).
    private mutating func addCopy(_ key: TagKey, _ value: String) {
        var native = value
        native.makeContiguousUTF8()
        unsafe add(key, native)
    }

    /// A constant outlives every call, and needs no copy.
    @inline(__always)
    mutating func add(_ key: TagKey, _ value: StaticString) {
        guard value.hasPointerRepresentation else { return unsafe addCopy(key, value.description) }
        let entry = unsafe entries + slice.count
        unsafe entry.initialize(key.info, value.utf8Start, length: value.utf8CodeUnitCount)
        unsafe count(entry, hash: entry.pointee.hash)
    }

    /// Makes the entry behind the last one part of the slice.
    @inline(__always)
    private mutating func count(_ entry: UnsafeMutablePointer<TagEntry>, hash: UInt64) {
        let bit = unsafe entry.pointee.key.pointee.bit
        if unsafe (slice.mask | KeyInfo.sharedBit) & bit != 0 {
            guard unsafe entry.pointee.key.pointee.number >= 0 else { return }
            if let place = unsafe Self.place(of: entry.pointee.key, in: entries, slice.count) {
                // Given before: the later value takes its place.
                unsafe slice.hash &-= entries[place].hash &- hash
                unsafe entries[place] = entry.pointee
                return
            }
        }
        unsafe slice.add(hash: hash, bit: bit)
    }

    @inline(never)
    private static func place(
        of key: UnsafePointer<KeyInfo>, in entries: UnsafeMutablePointer<TagEntry>, _ count: Int
    ) -> Int? {
        (0..<count).first { unsafe entries[$0].key == key }
    }
}

extension TagSlice {
    /// Makes a slice of the elements of a literal, for the length of a call.
    static func with(_ elements: TagElements, _ body: (TagSlice) -> Void) {
        var longBytes = 0
        for index in elements.indices { longBytes &+= unsafe TagSliceBuilder.longBytes(elements[index].1) }
        unsafe TagSliceBuilder.build(capacity: elements.count, longBytes: longBytes) { builder in
            for index in elements.indices { unsafe builder.add(elements[index].0, elements[index].1) }
        } use: {
            unsafe body($0)
        }
    }

    /// Makes a slice of the elements of a literal of constants, for the length of a call.
    static func with(_ elements: ConstantTagElements, _ body: (TagSlice) -> Void) {
        unsafe TagSliceBuilder.build(capacity: elements.count, longBytes: 0) { builder in
            for index in elements.indices { unsafe builder.add(elements[index].0, elements[index].1) }
        } use: {
            unsafe body($0)
        }
    }
}
