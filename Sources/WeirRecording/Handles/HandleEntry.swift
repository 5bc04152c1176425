/// A handle by its name, in the memory of which its texts follow. Written once, before it is published.
@unsafe
struct HandleEntry {
    let hash: UInt64
    let kind: UInt8
    let count: Int
    /// `nil` in a tombstone.
    let object: Unmanaged<AnyObject>?
    /// The strings that fill their words or are longer.
    let bytes: UnsafeMutableRawPointer

    /// A kind that no name has.
    private static let noKind = UInt8.max

    /// Stands where an entry was: nothing is equal to it.
    // Sendable: never written.
    nonisolated(unsafe) static let tombstone = unsafe allocate(
        HandleEntry(
            hash: 0, kind: noKind, count: 0, object: nil, bytes: .allocate(byteCount: 1, alignment: 1)))

    /// An entry that holds an object, and copies of a name's strings.
    static func make(_ name: HandleName, _ object: AnyObject) -> UnsafeMutablePointer<HandleEntry> {
        let textCount = unsafe 1 + 2 * name.count
        var length = 1
        for index in 0..<textCount where unsafe name.texts[index].bytes != nil {
            unsafe length += name.texts[index].length
        }
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: length, alignment: 8)
        let entry = unsafe allocate(
            HandleEntry(
                hash: name.hash, kind: name.kind, count: name.count, object: .passRetained(object), bytes: bytes))
        var next = unsafe bytes
        for index in 0..<textCount {
            var text = unsafe name.texts[index]
            if let source = unsafe text.bytes {
                unsafe next.copyMemory(from: source, byteCount: text.length)
                unsafe text.bytes = UnsafeRawPointer(next)
                unsafe next += text.length
            }
            unsafe (entry.texts + index).initialize(to: text)
        }
        return unsafe entry
    }

    private static func allocate(_ header: HandleEntry) -> UnsafeMutablePointer<HandleEntry> {
        let textCount = unsafe 1 + 2 * header.count
        let memory = unsafe UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<HandleEntry>.stride + textCount * MemoryLayout<HandleText>.stride, alignment: 64)
        let entry = unsafe memory.bindMemory(to: HandleEntry.self, capacity: 1)
        unsafe entry.initialize(to: header)
        return unsafe entry
    }
}

extension UnsafeMutablePointer where Pointee == HandleEntry {
    @inline(__always)
    fileprivate var texts: UnsafeMutablePointer<HandleText> {
        unsafe UnsafeMutableRawPointer(self + 1).assumingMemoryBound(to: HandleText.self)
    }

    /// Whether it has this name, whose hash is its own.
    @inline(__always)
    func has(_ name: HandleName) -> Bool {
        guard unsafe pointee.kind == name.kind, unsafe pointee.count == name.count,
            unsafe texts[0].difference(from: name.texts[0]) == 0
        else { return false }
        // No early way out: that all are equal is what happens.
        var difference: UInt64 = 0
        for index in 1..<(1 + 2 * (unsafe name.count)) {
            unsafe difference |= texts[index].difference(from: name.texts[index])
        }
        return unsafe difference == 0 || hasPermuted(name)
    }

    /// Dimensions in another order: each is looked for among those that no other one was found to be.
    @inline(never)
    private func hasPermuted(_ name: HandleName) -> Bool {
        let count = unsafe name.count
        var isTaken = [Bool](repeating: false, count: count)
        for wanted in 0..<count {
            let place = (0..<count).first { candidate in
                guard !isTaken[candidate] else { return false }
                let (key, value) = (1 + 2 * candidate, 2 + 2 * candidate)
                return unsafe texts[key].difference(from: name.texts[1 + 2 * wanted])
                    | texts[value].difference(from: name.texts[2 + 2 * wanted]) == 0
            }
            guard let place else { return false }
            isTaken[place] = true
        }
        return true
    }

    /// Gives back its memory and its hold on the object.
    func free() {
        unsafe pointee.object?.release()
        unsafe pointee.bytes.deallocate()
        unsafe UnsafeMutableRawPointer(self).deallocate()
    }
}
