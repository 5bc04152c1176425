import FileSink
import Foundation
import Testing
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

@Suite("The file exporter as a loadable library")
struct FileExporterPluginTests {
    /// Built beside the tests.
    private var library: String {
        get throws {
            let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            return URL(filePath: executable).deletingLastPathComponent().appending(path: "libFileExporter.so").path
        }
    }

    /// One view whose value says which collection it is.
    private final class Counting: BatchSource {
        let collections = Signal()

        func collect(into batch: inout Batch) {
            batch.startTime = batch.endTime
            batch.endTime += 1
            batch.strings.removeAll()
            var view = ViewColumns()
            view.name = "collections"
            view.measure = "collections"
            view.unit = "1"
            view.rows = 1
            view.isMonotonic = true
            view.startTimes = [1]
            view.integers = [Int64(batch.endTime)]
            batch.views = [view]
            collections.fire()
        }
    }

    private func bytes(in directory: String) throws -> [UInt8] {
        try FileManager.default.contentsOfDirectory(atPath: directory).sorted().flatMap { name in
            try Array(Data(contentsOf: URL(filePath: directory + "/" + name)))
        }
    }

    private func headers(in directory: String) throws -> (frames: [FrameHeader], endMarks: [FrameHeader]) {
        let reader = try BatchReader(MemorySource(bytes(in: directory)))
        var headers: (frames: [FrameHeader], endMarks: [FrameHeader]) = ([], [])
        while let item = try reader.next() {
            switch item {
            case .frame(let frame): headers.frames.append(frame.header)
            case .endMark(let mark): headers.endMarks.append(mark.header)
            case .headless, .damage: Issue.record("wanted nothing but frames, found \(item)")
            }
        }
        return headers
    }

    private func run(_ sinks: [SinkConfiguration]) async throws -> PipelineReport {
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = 1_000_000
        let source = Counting()
        let pipeline = try Pipeline(configuration, source: source, sinks: sinks)
        try pipeline.start()
        await source.collections.wait(for: 20)
        return await withCheckedContinuation { continuation in
            pipeline.shutdown(deadlineNanoseconds: 30_000_000_000) { continuation.resume(returning: $0) }
        }
    }

    @Test("loaded or built in, it writes the same bytes")
    func sameBytes() async throws {
        let loaded = try TemporaryDirectory()
        let builtIn = try TemporaryDirectory()
        // Wide enough for a machine that is busy with other tests.
        let bounds = QueueBounds(batches: 1_000_000, bytes: 1 << 40)
        let report = try await run([
            SinkConfiguration(
                name: "loaded", exporter: PluginLoader.load(library), settings: ["directory": loaded.path],
                bounds: bounds),
            SinkConfiguration(
                name: "built in", exporter: unsafe PluginTable(builtIn: FileSink.plugin.table),
                settings: ["directory": builtIn.path], bounds: bounds),
        ])
        #expect(report.isComplete)
        for sink in report.sinks {
            #expect(sink.hasEndMark && sink.isFinished)
            #expect(sink.accounts.imbalance == nil)
            #expect(sink.accounts.delivered == sink.accounts.offered)
            #expect(sink.counters.first?.name == "files.created")
            #expect(sink.counters.first?.value == 1)
        }
        let written = try bytes(in: loaded.path)
        #expect(try written == bytes(in: builtIn.path))
        let headers = try headers(in: loaded.path)
        #expect(headers.frames.map(\.first) == Array(1...UInt64(headers.frames.count)))
        #expect(headers.frames.count >= 20)
        #expect(headers.endMarks.map(\.last) == [UInt64(headers.frames.count)])
    }

    @Test("a second run names the stream of the first, in its first header and no other")
    func namesPreviousStream() async throws {
        let directory = try TemporaryDirectory()
        for _ in 1...2 {
            _ = try await run([
                SinkConfiguration(
                    name: "file", exporter: PluginLoader.load(library), settings: ["directory": directory.path])
            ])
        }
        let headers = try headers(in: directory.path).frames
        let first = try #require(headers.first).stream
        let second = headers.filter { $0.stream != first }
        #expect(headers.filter { $0.stream == first }.allSatisfy { $0.previousStream == nil })
        #expect(second.first?.first == 1)
        #expect(second.first?.previousStream == first)
        #expect(second.dropFirst().allSatisfy { $0.previousStream == nil })
    }

    @Test("settings that do not fit are refused by the host, with the plugin's own names")
    func refusesSettings() throws {
        let table = try PluginLoader.load(library)
        #expect(table.name == "file")
        let error = #expect(throws: ExportError.self) {
            try Pipeline(
                Pipeline.Configuration(), source: Counting(),
                sinks: [SinkConfiguration(name: "file", exporter: table, settings: ["directori": "x"])])
        }
        #expect(
            error?.description == "sink file: unknown setting directori: did you mean directory?")
    }
}
