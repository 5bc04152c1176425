private import CWeirCPU

/// A string of a handle's name, as it is compared: as a tag's value is, see ``TagWords``.
@unsafe
struct HandleText {
    var length: Int
    var words: TagWords
    /// The string, where it fills its words or is longer; somebody else keeps it alive.
    var bytes: UnsafeRawPointer?

    init(_ bytes: UnsafeRawPointer, count: Int) {
        unsafe length = count
        unsafe words = unsafe TagWords(bytes, count: count)
        unsafe self.bytes = unsafe count >= TagWords.capacity ? bytes : nil
    }

    /// A string that lies in memory, that ``TagSliceBuilder/canHold(_:)``, and that lives longer than this.
    @inline(__always)
    init(at place: UnsafePointer<String>) {
        let raw = unsafe UnsafeRawPointer(place)
        let (low, high) = unsafe (raw.load(as: UInt64.self), raw.load(fromByteOffset: 8, as: UInt64.self))
        if let (words, length) = SmallString.read(low, high) {
            unsafe self.length = length
            unsafe self.words = words
            unsafe bytes = nil
        } else {
            unsafe self = unsafe Self.large(place.pointee)
        }
    }

    @inline(never)
    private static func large(_ string: String) -> HandleText {
        // The bytes of a string that is not small do not move while it lives.
        unsafe string.utf8.withContiguousStorageIfAvailable { utf8 in
            unsafe HandleText(UnsafeRawPointer(utf8.baseAddress!), count: utf8.count)
        }!
    }

    @inline(__always)
    func hash(_ key: UInt64) -> UInt64 {
        guard let bytes = unsafe bytes else { return unsafe TagHash.hash(words, count: length, key: key) }
        return unsafe TagHash.hash(words, bytes, count: length, key: key)
    }

    /// Zero where both are the same string.
    @inline(__always)
    func difference(from other: HandleText) -> UInt64 {
        let difference =
            unsafe UInt64(bitPattern: Int64(length ^ other.length)) | (words.low ^ other.words.low)
            | (words.high ^ other.words.high)
        guard let bytes = unsafe bytes, let others = unsafe other.bytes, difference == 0 else { return difference }
        return unsafe TagEntry.isMiddleEqual(bytes, others, length: length) ? 0 : 1
    }
}

/// What a handle is found by: its kind, a label, and dimensions in any order. Borrowed for the length of a call.
@unsafe
struct HandleName {
    let kind: UInt8
    /// How many dimensions.
    let count: Int
    /// The label, then a key and a value for each dimension.
    let texts: UnsafePointer<HandleText>
    let hash: UInt64

    /// Dimensions up to which the place of their texts on the stack is known when this is compiled.
    private static let usualCount = 8

    /// Makes a name, for the length of a call.
    @inline(__always)
    static func with<Result>(
        _ kind: UInt8, _ label: String, _ dimensions: [(String, String)], _ body: (HandleName) -> Result
    ) -> Result {
        guard unsafe canHold(label, dimensions) else { return unsafe withCopies(kind, label, dimensions, body) }
        return unsafe withUnsafePointer(to: label) { label in
            unsafe dimensions.withUnsafeBufferPointer { dimensions in
                unsafe withTexts(dimensions.count) { texts in
                    unsafe body(HandleName(kind, label, dimensions, in: texts))
                }
            }
        }
    }

    @inline(__always)
    private init(
        _ kind: UInt8, _ label: UnsafePointer<String>, _ dimensions: UnsafeBufferPointer<(String, String)>,
        in texts: UnsafeMutablePointer<HandleText>
    ) {
        unsafe texts.initialize(to: HandleText(at: label))
        // The hash of the dimensions is the sum of theirs, so that it needs no order.
        var hash = unsafe texts.pointee.hash(weir_process_key_seed() &+ UInt64(kind))
        if var string = unsafe UnsafeRawPointer(dimensions.baseAddress)?.assumingMemoryBound(to: String.self) {
            var next = unsafe texts + 1
            for _ in dimensions.indices {
                unsafe next.initialize(to: HandleText(at: string))
                unsafe (next + 1).initialize(to: HandleText(at: string + 1))
                unsafe hash &+= next[1].hash(next[0].hash(weir_process_key_seed()))
                unsafe next += 2
                unsafe string += 2
            }
        }
        unsafe self.kind = kind
        unsafe count = dimensions.count
        unsafe self.texts = unsafe UnsafePointer(texts)
        unsafe self.hash = hash
    }

    @inline(__always)
    private static func canHold(_ label: String, _ dimensions: [(String, String)]) -> Bool {
        #if _runtime(_ObjC)
        return unsafe TagSliceBuilder.canHold(label)
            && dimensions.allSatisfy { unsafe TagSliceBuilder.canHold($0.0) && TagSliceBuilder.canHold($0.1) }
        #else
        return SmallString.isKnown
        #endif
    }

    @inline(__always)
    private static func withTexts<Result>(
        _ count: Int, _ body: (UnsafeMutablePointer<HandleText>) -> Result
    ) -> Result {
        if unsafe count <= usualCount {
            unsafe withUnsafeTemporaryAllocation(of: HandleText.self, capacity: 1 + 2 * usualCount) {
                unsafe body($0.baseAddress!)
            }
        } else {
            unsafe withUnsafeTemporaryAllocation(of: HandleText.self, capacity: 1 + 2 * count) {
                unsafe body($0.baseAddress!)
            }
        }
    }

    /// Of strings whose bytes have to be copied first.
    @inline(never)
    private static func withCopies<Result>(
        _ kind: UInt8, _ label: String, _ dimensions: [(String, String)], _ body: (HandleName) -> Result
    ) -> Result {
        let strings = [label] + dimensions.flatMap { [$0.0, $0.1] }
        var bytes = strings.flatMap { Array($0.utf8) }
        bytes.append(0)
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe withTexts(dimensions.count) { texts in
                var offset = 0
                for (index, string) in strings.enumerated() {
                    let count = string.utf8.count
                    unsafe (texts + index).initialize(to: HandleText(bytes.baseAddress! + offset, count: count))
                    offset += count
                }
                return unsafe body(HandleName(kind, dimensions.count, texts))
            }
        }
    }

    private init(_ kind: UInt8, _ count: Int, _ texts: UnsafePointer<HandleText>) {
        var hash = unsafe texts.pointee.hash(weir_process_key_seed() &+ UInt64(kind))
        for index in 0..<count {
            unsafe hash &+= texts[2 + 2 * index].hash(texts[1 + 2 * index].hash(weir_process_key_seed()))
        }
        unsafe self.kind = kind
        unsafe self.count = count
        unsafe self.texts = unsafe texts
        unsafe self.hash = hash
    }
}
