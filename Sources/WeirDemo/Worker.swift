internal import Weir
internal import WeirBatch

#if canImport(Glibc)
private import Glibc
#elseif canImport(Musl)
private import Musl
#else
private import Darwin
#endif

/// What the demo measures: this is all that recording takes.
enum DemoMeasures {
    static let input = Measure<Int64>("demo.file.input", unit: .bytes, description: "Bytes read of a file")
    static let output = Measure<Int64>("demo.file.output", unit: .bytes, description: "Bytes that a file compresses to")
    static let time = Measure<Double>("demo.file.time", unit: .seconds, description: "Time to read and compress a file")
    static let fileExtension: TagKey = "extension"

    /// More series than trees have extensions; where a tree has more, the rest falls together and no file is lost.
    static let views = [
        View("demo.files", of: input, by: [fileExtension], as: .count, description: "Files", seriesLimit: 20_000),
        View("demo.input", of: input, by: [fileExtension], as: .sum, seriesLimit: 20_000),
        View("demo.output", of: output, by: [fileExtension], as: .sum, seriesLimit: 20_000),
        View(
            "demo.file.size", of: input, by: [fileExtension], as: .distribution(extremes: true),
            description: "Sizes of files", seriesLimit: 20_000),
        View("demo.duration", of: time, by: [fileExtension], as: .distribution(), seriesLimit: 20_000),
    ]
}

/// Compresses files and records what came of it. One thread each.
struct Worker {
    let queue: WorkQueue
    let progress: Progress
    let level: Int32

    func run() throws(BatchError) {
        var compressor = try StreamCompressor(level: level)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 4_096)
        defer { unsafe buffer.deallocate() }
        var tags: [String?: Tags] = [:]
        while let entry = queue.pop() {
            guard !progress.isInterrupted else { continue }
            let fileExtension = entry.fileExtension
            if tags.count > 4_096 { tags = [:] }
            if tags[fileExtension] == nil {
                // A file without an extension has no such tag, which is not the same as an empty one.
                tags[fileExtension] = Tags(fileExtension.map { [(DemoMeasures.fileExtension, $0)] } ?? [])
            }
            try unsafe compress(entry, tags[fileExtension]!, &compressor, buffer)
        }
    }

    private func compress(
        _ entry: Entry, _ tags: Tags, _ compressor: inout StreamCompressor, _ buffer: UnsafeMutableRawBufferPointer
    ) throws(BatchError) {
        let began = ContinuousClock.now
        let descriptor: Int32
        switch Files.open(entry) {
        case .failure(let fault): return progress.warn(entry.path, fault)
        case .success(let opened): descriptor = opened
        }
        defer { close(descriptor) }
        // Between the walk and now it may have become something else.
        guard let facts = Files.facts(descriptor), facts.st_mode & S_IFMT == S_IFREG else { return }

        var totals = Totals()
        while true {
            switch unsafe Files.read(descriptor, into: buffer) {
            case .failure(let fault):
                compressor.reset()
                return progress.warn(entry.path, fault)
            case .success(0):
                totals.output += Int64(try compressor.finish())
                totals.files = 1
                totals.seconds = (ContinuousClock.now - began) / .seconds(1)
                record(
                    [
                        DemoMeasures.input.of(totals.input), DemoMeasures.output.of(totals.output),
                        DemoMeasures.time.of(totals.seconds),
                    ], tags)
                return progress.add(totals, hasChanged: totals.input != Int64(facts.st_size))
            case .success(let count):
                totals.input += Int64(count)
                totals.output += Int64(try unsafe compressor.add(UnsafeRawBufferPointer(rebasing: buffer[..<count])))
            }
        }
    }
}
