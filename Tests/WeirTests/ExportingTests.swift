import Foundation
import Testing
import WeirBatch
import WeirRecording
import WeirTestSupport

@testable import Weir
@testable import WeirExport

@Suite("Exporting from an application")
struct ExportingTests {
    /// Nothing to say, but when.
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

    /// One view that can be encoded, and one that cannot.
    private final class HalfBroken: BatchSource {
        func collect(into batch: inout Batch) {
            (batch.startTime, batch.endTime) = (1, 2)
            batch.views = ["good", "broken"].map { name in
                var view = ViewColumns()
                (view.name, view.measure, view.unit, view.rows) = (name, name, "1", 1)
                (view.startTimes, view.integers) = ([1], name == "good" ? [1] : [1, 2])
                return view
            }
        }
    }

    @Test("the report names a view that could not be encoded, and is not complete", .timeLimit(.minutes(1)))
    func failedView() async throws {
        let sink = Sink.file(directory: directory.path + "/data")
        let exporting = try startExporting(every: .seconds(3_600), to: [sink], collecting: HalfBroken())
        let report = await exporting.shutdown(deadline: .seconds(60))
        #expect(!report.isComplete && report.failedViews == ["broken": 1] && report.failedBatches == 0)
        #expect(report.sinks.first?.delivered == 1)
        #expect(
            report.description.hasSuffix(
                """
                view broken could not be encoded and was left out of 1 of 1 collections, the last time for this reason: \
                view broken: column integers has 2 values, not 1
                """))
    }

    /// A row with as many tags as a view may have keys, each as long as a value may ever be, beside one that is short.
    private final class Oversized: BatchSource {
        func collect(into batch: inout Batch) {
            (batch.startTime, batch.endTime) = (1, 2)
            batch.strings = StringTable()
            let value = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
            for _ in 0..<64 { batch.strings.append(utf8: value.span) }
            batch.strings.append("short")
            batch.views = ["long", "good"].map { name in
                var view = ViewColumns()
                (view.name, view.measure, view.unit, view.rows) = (name, name, "1", 2)
                (view.startTimes, view.integers) = ([1, 1], [1, 2])
                view.tagKeys = (0..<64).map { "key.\($0)" }
                view.tagValues = (0..<64).flatMap { [name == "long" ? $0 + 1 : 0, 65] }
                return view
            }
        }
    }

    @Test(
        "a row that is too long for any reader is left out and named in the report, and all else is told",
        .timeLimit(.minutes(1)), arguments: [false, true])
    func oversizedRow(isDelta: Bool) async throws {
        var sink = Sink.file(directory: directory.path + "/data")
        sink.temporality = isDelta ? .delta : .cumulative
        let exporting = try startExporting(every: .seconds(3_600), to: [sink], collecting: Oversized())
        let report = await exporting.shutdown(deadline: .seconds(60))
        #expect(!report.isComplete && report.oversizedRows == ["long": 1] && report.failedBatches == 0)
        #expect(report.sinks.first?.hasEndMark == true)
        #expect(
            report.description.hasSuffix("view long had 1 rows left out, as each was too long for any reader"))
        let reader = try BatchReader(path: directory.path + "/data/" + directory.names(in: "data")[0])
        var rows: [String: [Int64]] = [:]
        while let item = try reader.next() {
            guard case .frame(let frame) = item else { continue }
            for view in try frame.batch().views { rows[view.name, default: []] += view.integers }
        }
        #expect(rows["long"] == [2] && rows["good"] == [1, 2])
    }

    @Test("values of the greatest limit in all tags of a series stop no other series", .timeLimit(.minutes(2)))
    func largestTags() async throws {
        let stats = try Stats(cellsPerCore: 1 << 12)
        try stats.apply(ViewRules(tagValueBytes: 1 << 20))
        defer { try? stats.apply(ViewRules()) }
        let keys = (0..<64).map { TagKey("largest.\($0)") }
        let measure = Measure<Int64>("largest")
        try stats.register(View("largest", of: measure, by: keys, as: .sum))
        let value = String(repeating: "x", count: 2 << 20)
        measure.record(1, Tags(keys.enumerated().map { ($1, "\($0)" + value) }), in: stats)
        measure.record(2, Tags([(keys[0], value)]), in: stats)
        let exporting = try startExporting(
            every: .seconds(3_600), to: .file(directory: directory.path + "/data"), from: stats)
        let report = await exporting.shutdown(deadline: .seconds(60))
        #expect(!report.isComplete && report.oversizedRows == ["largest": 1])
        let reader = try BatchReader(path: directory.path + "/data/" + directory.names(in: "data")[0])
        var told: [Int64] = []
        while let item = try reader.next() {
            guard case .frame(let frame) = item else { continue }
            let batch = try frame.batch()
            for view in batch.views where view.name == "largest" {
                told += view.integers
                #expect(batch.strings[0].utf8.count == 1 << 20 && batch.strings[0].hasSuffix("x…"))
            }
        }
        #expect(told == [2])
    }

    @Test("the report says that a whole batch could not be encoded, and is not complete")
    func failedBatch() {
        var ended = PipelineReport(sinks: [], hasLastCollection: true)
        #expect(ShutdownReport(ended).isComplete)
        ended.counts.failures = 2
        ended.counts.lastFailure = "too\nlong"
        let report = ShutdownReport(ended)
        #expect(!report.isComplete && report.failedBatches == 2)
        #expect(
            report.description == #"2 batches could not be encoded, the last for this reason: too\nlong"#)
    }

    @Test("batches reach a directory of files, and the report says so")
    func file() async throws {
        var sink = Sink.file(directory: directory.path + "/data")
        // Wide enough for a machine that is busy with other tests.
        sink.maximumBatches = 1_000_000
        sink.maximumBytes = 1 << 40
        let source = Silence()
        let exporting = try startExporting(
            every: .milliseconds(1), to: [sink], collecting: source, resource: ["service.name": "test"])
        await source.collections.wait(for: 5)
        let report = await exporting.shutdown(deadline: .seconds(60))
        #expect(report.isComplete)
        let ended = try #require(report.sinks.first)
        #expect(ended.name == "file" && ended.hasEndMark && ended.isClosed && ended.lost.isEmpty)
        #expect(ended.delivered == ended.offered)
        #expect(report.description == "file: \(ended.offered) of \(ended.offered) batches delivered")
        let names = try directory.names(in: "data")
        #expect(names.count == 1)
        let reader = try BatchReader(path: directory.path + "/data/" + names[0])
        var batches = 0
        var endMarks = 0
        while let item = try reader.next() {
            switch item {
            case .frame(let frame):
                batches += 1
                let resource = try frame.batch().resource
                #expect(resource.contains(Batch.Attribute(key: "service.name", value: "test")))
                #expect(resource.contains(Batch.Attribute(key: "process.pid", value: "\(getpid())")))
            case .endMark: endMarks += 1
            case .headless, .damage: Issue.record("wanted nothing but batches, found \(item)")
            }
        }
        #expect(batches == Int(ended.offered) && endMarks == 1)
    }

    @Test("what is wrong is said in a sentence")
    func refuses() throws {
        let file = directory.path + "/file"
        try Data().write(to: URL(filePath: file))
        func error(_ interval: Duration, _ sinks: Sink...) -> ExportingError? {
            #expect(throws: ExportingError.self) {
                try startExporting(every: interval, to: sinks, collecting: Silence())
            }
        }
        #expect(
            error(.zero)?.description == "an interval of 0 ns: wanted more than 0 and at most a year")
        let path = directory.path
        #expect(
            error(.seconds(1), .file(directory: path), .file(directory: path)) == .duplicateSink(name: "file"))
        #expect(
            error(.seconds(1), .file(directory: path, rotateBytes: -1))
                == .setting(
                    sink: "file",
                    reason: "rotateBytes: wanted a size such as 512, 64KiB or 4MB, from 4KiB to 1TiB, found '-1'"))
        #expect(
            error(.seconds(1), .file(directory: file))
                == .exporter(sink: "file", reason: "cannot write in the directory \(file): Not a directory"))
        #expect(
            error(.seconds(1), .file(directory: path, rotateBytes: 1 << 20, totalBytes: 1 << 20))
                == .exporter(
                    sink: "file",
                    reason: "totalBytes: wanted at least twice rotateBytes, which is 1048576, found 1048576"))
    }

    @Test("accounts are served while exporting runs, and no longer")
    func stats() async throws {
        let path = directory.path + "/stats"
        let source = Silence()
        let sink = Sink.file(directory: directory.path + "/data")
        let exporting = try Exporting(every: .milliseconds(1), to: [sink], collecting: source, serveStatsAt: path)
        await source.collections.wait(for: 3)
        let reader = try BatchReader(MemorySource(StatsRequest.ask(path)))
        guard case .frame(let frame) = try reader.next() else {
            Issue.record("wanted a batch")
            return
        }
        var accounts = AccountsReader()
        accounts.add(try frame.batch())
        #expect(accounts.sinks.map(\.name) == ["file"])
        #expect(accounts.sinks.allSatisfy { $0.accounts.imbalance == nil && $0.accounts.offered.batches > 0 })
        #expect(throws: ExportingError.self) {
            _ = try Exporting(every: .seconds(1), to: [sink], collecting: Silence(), serveStatsAt: path)
        }
        await exporting.shutdown(deadline: .seconds(60))
        #expect(try directory.names() == ["data"])
    }

    @Test("where a sink refuses, no socket is left behind")
    func noSocketLeft() throws {
        let path = directory.path + "/stats"
        let sinks = [Sink.file(directory: directory.path + "/a"), Sink.file(directory: directory.path + "/b")]
        #expect(throws: ExportingError.duplicateSink(name: "file")) {
            _ = try Exporting(every: .seconds(1), to: sinks, collecting: Silence(), serveStatsAt: path)
        }
        #expect(try directory.names() == [])
    }

    @Test("a spill's directory that another sink uses is an error that names the sink")
    func spillInUse() async throws {
        var (first, second) = (Sink.file(directory: directory.path + "/a"), Sink.file(directory: directory.path + "/b"))
        second.name = "second"
        first.spill = Spill(directory: directory.path + "/spill")
        second.spill = first.spill
        first.deadLetterDirectory = directory.path + "/dead-letters"
        first.policy = .codel(target: .seconds(5), interval: .seconds(100))
        do {
            _ = try startExporting(every: .seconds(3600), to: [first, second], collecting: Silence())
            Issue.record("wanted an error")
        } catch {
            guard case .directory(let sink, _) = error else { throw error }
            #expect(sink == "second")
        }
        // What could not start has let the directory go again.
        let exporting = try startExporting(every: .seconds(3600), to: [first], collecting: Silence())
        #expect(await exporting.shutdown().isComplete)
    }
}
