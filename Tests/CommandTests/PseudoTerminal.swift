import Foundation

/// A terminal that nobody sits at.
struct PseudoTerminal {
    /// The side that a program prints to.
    let inner: FileHandle
    private let outer: FileHandle

    struct Failure: Error {}

    init() throws {
        var (outer, inner) = (Int32(-1), Int32(-1))
        guard unsafe openpty(&outer, &inner, nil, nil, nil) == 0 else { throw Failure() }
        self.outer = FileHandle(fileDescriptor: outer, closeOnDealloc: true)
        self.inner = FileHandle(fileDescriptor: inner, closeOnDealloc: true)
    }

    /// Runs a program on it to its end; what it printed, with the terminal's line ends made plain.
    func run(_ process: Process) throws -> String {
        process.standardOutput = inner
        try process.run()
        // Once the program alone holds the inner side, reading fails when it ends.
        try inner.close()
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            // FileHandle would throw away what it read before the failure.
            let count = unsafe read(outer.fileDescriptor, &piece, piece.count)
            guard count > 0 else { break }
            bytes += piece[..<count]
        }
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self).replacingOccurrences(of: "\r\n", with: "\n")
    }
}
