import Testing
import Weir
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("Reconfiguring from an application")
struct ReconfigureTests {
    private final class Silence: BatchSource {
        let collections = Signal()

        func collect(into batch: inout Batch) {
            batch.startTime = 1
            batch.endTime = 2
            batch.views = []
            collections.fire()
        }
    }

    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test("only the sinks that differ change, and the report has them all")
    func changes() async throws {
        let source = Silence()
        let path = directory.path
        let same = Sink.file(directory: path + "/same", name: "same")
        var other = Sink.file(directory: path + "/other", name: "other")
        let exporting = try startExporting(
            every: .milliseconds(5), to: [same, other, .file(directory: path + "/gone", name: "gone")],
            collecting: source)
        await source.collections.wait(for: 3)
        other.temporality = .delta
        other.match = ["http/*"]
        try exporting.reconfigure(every: .milliseconds(5), to: [same, other])
        let seen = source.collections.count
        await source.collections.wait(for: seen + 3)
        let report = await exporting.shutdown()
        #expect(report.isComplete)
        #expect(report.sinks.map(\.name) == ["same", "other", "gone"])
        #expect(report.sinks[0].delivered == source.collections.count)
        #expect(try directory.names(in: "same").count == 1)
        for (folder, count) in [("same", 1), ("other", 2), ("gone", 1)] {
            // Streams one after the other, each whole and ended, and each naming the one before.
            var streams: [StreamID] = []
            var isOpen = false
            for header in try headers(in: folder) {
                if streams.last != header.stream {
                    #expect(!isOpen && header.first == 1 && header.previousStream == streams.last)
                    streams.append(header.stream)
                }
                isOpen = !header.isEndMark
            }
            #expect(!isOpen && streams.count == count && Set(streams).count == count, "\(folder)")
        }
    }

    /// All headers of a directory of files, in the order of writing; whatever cannot be read is an issue.
    private func headers(in folder: String) throws -> [FrameHeader] {
        var headers: [FrameHeader] = []
        for name in try directory.names(in: folder) {
            let reader = try BatchReader(path: directory.path + "/" + folder + "/" + name)
            while let item = try reader.next() {
                switch item {
                case .frame(let frame):
                    _ = try frame.batch()
                    headers.append(frame.header)
                case .endMark(let mark): headers.append(mark.header)
                case .headless, .damage: Issue.record("wanted headers, found \(item)")
                }
            }
        }
        return headers
    }

    @Test("what is wrong is said, and exporting goes on")
    func refuses() async throws {
        let source = Silence()
        let sink = Sink.file(directory: directory.path + "/data")
        let exporting = try startExporting(every: .milliseconds(5), to: [sink], collecting: source)
        var narrow = sink
        narrow.match = ["!"]
        #expect(
            throws: ExportingError.setting(
                sink: "file", reason: "match: wanted patterns such as 'http/*' or '!debug/*', found '!'")
        ) {
            try exporting.reconfigure(every: .milliseconds(5), to: [narrow])
        }
        narrow.match = nil
        narrow.level = 77
        #expect(throws: ExportingError.self) { try exporting.reconfigure(to: [narrow]) }
        #expect(throws: ExportingError.duplicateSink(name: "file")) { try exporting.reconfigure(to: [sink, sink]) }
        let seen = source.collections.count
        await source.collections.wait(for: seen + 2)
        #expect(await exporting.shutdown().isComplete)
        #expect(throws: ExportingError.ended) { try exporting.reconfigure(to: [sink]) }
    }
}
