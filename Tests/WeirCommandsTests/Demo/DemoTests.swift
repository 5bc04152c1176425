import WeirExporterSupport
import Foundation
import Testing
import WeirDump
import WeirRecording
import WeirTestSupport

@testable import WeirCommands

@Suite("A demo in a program")
struct DemoTests {
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: folder.path + "/tree", withIntermediateDirectories: true)
    }

    private func run(_ change: (inout DemoOptions) -> Void = { _ in }) async throws -> DemoReport {
        var options = DemoOptions(path: folder.path + "/tree")
        options.directory = folder.path + "/batches"
        options.stats = try Stats(cellsPerCore: 1 << 16)
        options.workers = 3
        change(&options)
        return try await Demo(options, line: ProgressLine(isShown: false)).run()
    }

    @Test("beyond the limit of series every view turns the same extensions away, and no byte is lost")
    func overflow() async throws {
        for number in 0..<200 {
            let path = folder.path + "/tree/\(number).e\(number % 20)"
            try Data(repeating: 0, count: number).write(to: URL(filePath: path))
        }
        let report = try await run { $0.seriesLimit = 7 }
        #expect(report.isExact)
        #expect(report.recorded.count == 8)
        for (kind, recorded) in report.recorded where kind != .overflow { #expect(recorded.totals.files == 10) }
        #expect(report.recorded[.overflow]?.totals.files == 130)
        #expect(report.total.totals.files == 200)
        #expect(report.total.totals.input == 199 * 200 / 2)
        #expect(report.total.times?.count == 200)
    }

    @Test("an empty tree has totals too")
    func empty() async throws {
        let report = try await run()
        #expect(report.isExact)
        #expect(report.total.totals == Totals())
        #expect(report.batches > 0 && report.batchBytes > 0)
    }

    @Test("a level that zstd does not have is refused before anything is written")
    func level() async throws {
        await #expect(throws: (any Error).self) { try await run { $0.level = 99 } }
        #expect(try folder.names() == ["tree"])
    }

    @Test("a file that goes before its turn is warned of, and is in no total")
    func gone() throws {
        let said = Signalled()
        let reasons = Signalled()
        let progress = Progress(record: reasons.add, say: said.add)
        let queue = WorkQueue()
        let path = folder.path + "/tree"
        let directory = Directory(descriptor: try Files.open(path).get(), root: path)
        for name in ["kept.txt", "gone.txt"] {
            try Data(name.utf8).write(to: URL(filePath: path + "/" + name))
            #expect(queue.push(Entry(parent: directory, name: Array(name.utf8CString))))
        }
        try FileManager.default.removeItem(atPath: path + "/gone.txt")
        queue.close()
        let recorders = KindRecorders(limit: 10, stats: try Stats(cellsPerCore: 1 << 16))
        var worker = try Worker(queue: queue, progress: progress, recorders: recorders, level: 1)
        try worker.run()
        #expect(progress.byKind.mapValues(\.files) == [.withExtension("txt"): 1])
        #expect(progress.totals.input == 8)
        #expect(progress.omissions.files == 1)
        #expect(said.lines == ["\(path)/gone.txt: No such file or directory"])
        #expect(reasons.lines == ["gone"])
    }
}

/// Collects what is said.
private final class Signalled: @unchecked Sendable {
    // Sendable: under the lock.
    private let lock = NSLock()
    private var said: [String] = []

    func add(_ line: String) { lock.withLock { said.append(line) } }
    var lines: [String] { lock.withLock { said } }
}
