/// Memory that is kept from batch to batch, whose address holds still while elements are appended to it.
@safe
struct Scratch<Element: BitwiseCopyable>: ~Copyable {
    private var storage: UnsafeMutableBufferPointer<Element>
    private(set) var count = 0

    init() {
        unsafe storage = .init(start: nil, count: 0)
    }

    deinit {
        unsafe storage.deallocate()
    }

    /// Forgets all elements and makes room for so many. Elements beyond that room are a programming error.
    mutating func begin(capacity: Int) {
        count = 0
        guard unsafe capacity > storage.count else { return }
        unsafe storage.deallocate()
        unsafe storage = .allocate(capacity: capacity)
    }

    /// Appends one element.
    mutating func append(_ element: Element) {
        precondition(unsafe count < storage.count)
        unsafe storage[count] = element
        count += 1
    }

    /// Appends elements that `write` sets, every one.
    mutating func append(_ elements: Int, _ write: (UnsafeMutableBufferPointer<Element>) -> Void) {
        precondition(unsafe elements <= storage.count - count)
        unsafe write(UnsafeMutableBufferPointer(rebasing: storage[count..<count + elements]))
        count += elements
    }

    /// Declares the first elements to be written, by whoever wrote through ``end``.
    mutating func advance(by written: Int) {
        precondition(unsafe written <= storage.count - count)
        count += written
    }

    /// Where the next element goes. Valid until ``begin(capacity:)``.
    var end: UnsafeMutablePointer<Element>? {
        guard let base = unsafe storage.baseAddress else { return nil }
        return unsafe base + count
    }

    /// Where the first element is. Valid until ``begin(capacity:)``.
    var start: UnsafeMutablePointer<Element>? { unsafe storage.baseAddress }

    /// Elements that there is room for.
    var capacity: Int { unsafe storage.count }
}
