/// What is printed, gathered into large writes.
///
/// A failed write is remembered, and what comes after it is thrown away: formats print without asking, and the driver
/// looks at ``failure`` between two batches. One thread uses it.
package final class Output {
    /// Bytes that one write carries at most, but for a longer single text.
    private static let capacity = 64 * 1024

    private var buffer: [UInt8] = []

    /// Where the bytes go; nil keeps them for ``collected``.
    private let descriptor: Int32?

    /// The error number of the first write that failed.
    package private(set) var failure: Int32?

    /// Prints to a descriptor that somebody else closes.
    package init(descriptor: Int32) {
        self.descriptor = descriptor
        buffer.reserveCapacity(Self.capacity * 2)
    }

    /// Keeps everything in memory.
    package init() {
        descriptor = nil
    }

    /// Everything printed so far, of an output that keeps it.
    package var collected: String { String(decoding: buffer, as: UTF8.self) }

    /// Whether the reader of our pipe is gone, as after `| head`.
    package var isBrokenPipe: Bool { failure.map(System.isBrokenPipe) ?? false }

    package func write(_ text: String) {
        buffer.append(contentsOf: text.utf8)
        if buffer.count >= Self.capacity, descriptor != nil { flush() }
    }

    package func write(repeating text: String, count: Int) {
        for _ in 0..<max(count, 0) { write(text) }
    }

    /// Hands over what is gathered.
    package func flush() {
        guard let descriptor, !buffer.isEmpty else { return }
        if failure == nil {
            let error = System.write(buffer, to: descriptor)
            if error != 0 { failure = error }
        }
        buffer.removeAll(keepingCapacity: true)
    }
}
