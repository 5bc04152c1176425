internal import WeirBatch
internal import WeirDump
private import WeirSystem

/// Compresses files and records what came of it. One thread each.
struct Worker: ~Copyable {
    private let queue: WorkQueue
    private let progress: Progress
    private let recorders: KindRecorders
    private var compressor: StreamCompressor
    private var buffer = [UInt8](repeating: 0, count: 128 << 10)
    /// Those of ``recorders`` that were asked for, so that workers do not wait for each other.
    private var known: [ExactString?: KindRecorder] = [:]

    /// How many recorders a worker keeps.
    private static let knownLimit = 4_096

    init(queue: WorkQueue, progress: Progress, recorders: KindRecorders, level: Int32) throws(BatchError) {
        self.queue = queue
        self.progress = progress
        self.recorders = recorders
        compressor = try StreamCompressor(level: level)
    }

    /// Takes files until there are none.
    mutating func run() throws(BatchError) {
        while let entry = queue.pop() {
            if !progress.isInterrupted { try compress(entry) }
        }
    }

    private mutating func compress(_ entry: Entry) throws(BatchError) {
        let began = ContinuousClock.now
        let descriptor: Int32
        switch Files.open(entry) {
        case .success(let opened): descriptor = opened
        case .failure(let error):
            // What is a symbolic link by now is none of ours.
            if error.number != ELOOP {
                progress.omitFile(entry.text, Files.facts(entry).map { Int64($0.st_size) }, error)
            }
            return
        }
        defer { close(descriptor) }
        // Between the walk and now it may have become something else.
        guard let facts = Files.facts(descriptor), Files.Kind(facts.st_mode) == .file else { return }
        let size = Int64(facts.st_size)
        switch try Self.read(descriptor, &buffer, &compressor, progress) {
        case .complete(let totals):
            let recorder = recorder(of: entry.fileExtension)
            recorder.record(totals, seconds: (ContinuousClock.now - began) / .seconds(1))
            progress.add(totals, to: recorder.kind, expectedInput: size)
        case .failed(let error):
            compressor.reset()
            progress.omitFile(entry.text, size, error)
        case .interrupted:
            compressor.reset()
        }
    }

    private enum Reading {
        case complete(Totals)
        case failed(SystemError)
        case interrupted
    }

    /// Reads a file to its end, block by block, and compresses it.
    private static func read(
        _ descriptor: Int32, _ buffer: inout [UInt8], _ compressor: inout StreamCompressor, _ progress: Progress
    ) throws(BatchError) -> Reading {
        var totals = Totals(files: 1)
        while !progress.isInterrupted {
            let count: Int
            switch Files.fill(&buffer, from: descriptor) {
            case .success(let filled): count = filled
            case .failure(let error): return .failed(error)
            }
            let block = buffer.span.extracting(first: count)
            totals.input += Int64(count)
            guard count == buffer.count else {
                totals.output += Int64(try compressor.finish(block))
                return .complete(totals)
            }
            totals.output += Int64(try compressor.add(block))
        }
        return .interrupted
    }

    private mutating func recorder(of fileExtension: String?) -> KindRecorder {
        let key = fileExtension.map(ExactString.init)
        if let recorder = known[key] { return recorder }
        let recorder = recorders[key]
        if known.count >= Self.knownLimit { known.removeAll(keepingCapacity: true) }
        known[key] = recorder
        return recorder
    }
}
