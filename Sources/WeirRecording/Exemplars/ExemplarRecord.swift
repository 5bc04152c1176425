/// A measurement that was kept.
@safe
package final class ExemplarRecord: @unchecked Sendable {
    // Sendable: written before it is published, but for `time`, which is whoever's took it out.
    package let value: Double
    /// Nanoseconds since 1970. Moved into the collection that takes it.
    package internal(set) var time: UInt64
    package let span: SpanReference?
    /// Those that its series does not have.
    private let tags: TagStorage?

    /// Bytes of keys and values that are kept.
    private static let tagLimit = 256

    /// - Parameters:
    ///   - tags: All of the measurement.
    ///   - series: Those of the series.
    init(_ value: Double, time: UInt64, span: SpanReference?, tags: RecordedTags, but series: TagStorage) {
        self.value = value
        self.time = time
        self.span = span
        let ambient = AmbientTags.current?.storage
        var kept: [TagEntry] = unsafe []
        var length = 0
        func keep(_ entry: TagEntry) {
            let isKnown = unsafe series.hasKey(of: entry) || kept.contains { unsafe $0.key == entry.key }
            let entryLength = unsafe entry.key.pointee.name.utf8.count + entry.textLength
            guard !isKnown, length + entryLength <= Self.tagLimit else { return }
            length += entryLength
            unsafe kept.append(entry)
        }
        for index in 0..<(unsafe tags.count) { unsafe keep(tags.entries[index]) }
        if let ambient {
            for index in 0..<ambient.count { unsafe keep(ambient.entries[index]) }
        }
        self.tags = unsafe kept.isEmpty ? nil : TagStorage(copying: kept)
        // The entries point into them.
        withExtendedLifetime(ambient) {}
    }

    /// The tags of the measurement that its series does not have.
    package var filteredTags: [(key: String, value: String)] {
        tags?.elements.map { (key: $0.0.name, value: $0.1) } ?? []
    }
}

/// All tags of a measurement, borrowed for its length.
@unsafe
struct RecordedTags {
    let entries: UnsafePointer<TagEntry>
    let count: Int

    @inline(__always)
    init(_ storage: TagStorage) {
        unsafe entries = UnsafePointer(storage.entries)
        unsafe count = storage.count
    }

    @inline(__always)
    init(_ slice: TagSlice) {
        unsafe entries = slice.entries
        unsafe count = slice.count
    }
}

extension TagStorage {
    fileprivate func hasKey(of entry: TagEntry) -> Bool {
        (0..<count).contains { unsafe entries[$0].key == entry.key }
    }
}
