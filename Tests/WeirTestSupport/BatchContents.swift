package import WeirBatch

/// What is in messages or objects, one behind the other as in a batch file.
package struct BatchContents {
    package private(set) var headers: [FrameHeader] = []
    package private(set) var batches: [Batch] = []
    package private(set) var endMarks: [FrameHeader] = []

    /// Reads them all.
    ///
    /// - Throws: ``NoFrame`` where anything else stands between frames, and what the reader throws.
    package init(_ pieces: [[UInt8]]) throws {
        let reader = try BatchReader(MemorySource(pieces.flatMap { $0 }))
        while let item = try reader.next() {
            switch item {
            case .frame(let frame):
                headers.append(frame.header)
                batches.append(try frame.batch())
            case .endMark(let mark): endMarks.append(mark.header)
            case .headless, .damage: throw NoFrame(item: "\(item)")
            }
        }
    }

    /// All that a view of integers counted, in batches of deltas.
    package func sum(of view: String) -> Int64 {
        batches.flatMap(\.views).filter { $0.name == view }.flatMap(\.integers).reduce(0, +)
    }

    /// What is no frame.
    package struct NoFrame: Error, Equatable {
        package let item: String
    }
}
