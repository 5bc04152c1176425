import Foundation
import Testing
import Weir
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("A sink of a plugin")
struct PluginSinkTests {
    private final class Silence: BatchSource {
        let collections = Signal()

        func collect(into batch: inout Batch) {
            batch.startTime = batch.endTime
            batch.endTime += 1
            batch.views = []
            collections.fire()
        }
    }

    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// Wide enough for a machine that is busy with other tests.
    private func widened(_ sink: Sink) -> Sink {
        var sink = sink
        sink.maximumBatches = 1_000_000
        return sink
    }

    @Test("the example in C is what an author writes: at most 80 lines, and no header but its own and C's")
    func example() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/lines.c")
        let lines = try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.dropLast().count <= 80)
        let headers = lines.filter { $0.hasPrefix("#include") }
        #expect(
            headers == [
                "#include <stdio.h>", "#include <stdlib.h>", "#include <string.h>", "#include \"weir_plugin.h\"",
            ])
    }

    @Test("the example in C runs out of process, is killed, and all arrives")
    func survivesKill() async throws {
        let plugin = try CompiledPlugin(fixture: "lines.c")
        let output = directory.path + "/lines"
        let source = Silence()
        let exporting = try startExporting(
            every: .milliseconds(20),
            to: [widened(.plugin(plugin.path, settings: ["path": output], required: true, name: "lines"))],
            collecting: source, resource: [:])
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 3 }
        let first = try #require(childProcesses(running: plugin.path).first)
        kill(first, SIGKILL)
        let before = exporting.snapshots[0].accounts.delivered.batches
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= before + 3 }
        let second = try #require(childProcesses(running: plugin.path).first)
        #expect(second != first)
        let report = await exporting.shutdown(deadline: .seconds(30))
        #expect(report.isComplete)
        let sink = try #require(exporting.snapshots.first)
        #expect(sink.accounts.imbalance == nil)
        #expect(sink.accounts.delivered == sink.accounts.offered)
        #expect(childProcesses(running: plugin.path).isEmpty)
        // Each batch says how many were encoded before it.
        let written = Set(try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n").map(String.init))
        for number in 0..<sink.accounts.offered.batches {
            #expect(written.contains("weir.collections{result=\"encoded\"} \(number)"))
        }
    }

    @Test(
        "killed while it delivers, the batch comes again and is counted as uncertain; too often, and it is quarantined")
    func killedInDelivery() async throws {
        for (times, isQuarantined) in [(2, false), (1000, true)] {
            let journal = directory.path + "/journal-\(times)"
            let source = Silence()
            let exporting = try startExporting(
                every: .milliseconds(20),
                to: [
                    widened(
                        .plugin(
                            try FaultyPlugin.path,
                            settings: ["mode": "kill", "journal": journal, "times": "\(times)"], required: true))
                ], collecting: source, resource: [:])
            await source.collections.wait {
                let sink = exporting.snapshots[0]
                return isQuarantined ? sink.condition == .quarantined : sink.accounts.delivered.batches >= 3
            }
            _ = await exporting.shutdown(deadline: .seconds(30))
            let sink = try #require(exporting.snapshots.first)
            #expect(sink.accounts.imbalance == nil)
            #expect(sink.accounts.uncertain.batches == (isQuarantined ? 3 : 2))
            if isQuarantined {
                #expect(sink.accounts.dropped[.fatal] == sink.accounts.offered)
                #expect(sink.lastMessage.hasPrefix("quarantined after 3 crashes in 60 s; "))
            } else {
                #expect(sink.accounts.delivered == sink.accounts.offered)
                let numbers = try String(contentsOfFile: journal, encoding: .utf8).split(separator: "\n")
                    .compactMap { $0.split(separator: " ").first.flatMap { UInt64($0) } }
                #expect(numbers == Array(1...sink.accounts.offered.batches))
            }
        }
    }

    @Test("a sink on demand delivers what the plugin asks for and no more, and goes on after a crash")
    func demand() async throws {
        // A file of its own, by which its process is known.
        let path = directory.path + "/weir-demand.so"
        try FileManager.default.copyItem(atPath: try FaultyPlugin.path, toPath: path)
        var sink = widened(
            .plugin(
                path, settings: ["mode": "demand", "journal": directory.path + "/j", "times": "0"],
                required: true))
        sink.onDemand = true
        let source = Silence()
        let exporting = try startExporting(every: .milliseconds(5), to: [sink], collecting: source, resource: [:])
        func delivered() -> UInt64 { exporting.snapshots[0].accounts.delivered.batches }
        await source.collections.wait { delivered() == 5 }
        await source.collections.wait(for: source.collections.count + 20)
        #expect(delivered() == 5)
        try kill(#require(childProcesses(running: path).first), SIGKILL)
        // One in the place of the process that is gone, and the five of the next.
        await source.collections.wait { delivered() >= 10 }
        await source.collections.wait(for: source.collections.count + 20)
        #expect(10...11 ~= delivered())
        await exporting.shutdown(deadline: .seconds(30))
        #expect(exporting.snapshots[0].accounts.imbalance == nil)
    }

    @Test("the file exporter's library is found by its name, runs out of process, and survives being killed")
    func fileExporter() async throws {
        let data = directory.path + "/data"
        let source = Silence()
        let exporting = try startExporting(
            every: .milliseconds(20), to: [widened(.plugin("file", settings: ["directory": data], required: true))],
            collecting: source, resource: [:])
        #expect(exporting.snapshots[0].name == "file")
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 3 }
        // Which of the children it is, the file tells that it has open.
        let children = childProcesses(running: "libFileExporter.so").filter { child in
            let files = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(child)/fd")) ?? []
            return files.contains { file in
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(child)/fd/\(file)")
                return target?.hasPrefix(data) == true
            }
        }
        try kill(#require(children.first), SIGKILL)
        let before = exporting.snapshots[0].accounts.delivered.batches
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= before + 3 }
        #expect(await exporting.shutdown(deadline: .seconds(30)).isComplete)
        let sink = try #require(exporting.snapshots.first)
        #expect(sink.accounts.imbalance == nil && sink.accounts.delivered == sink.accounts.offered)
        #expect(sink.counters.first { $0.name == "files.created" }?.value == 2)
        var numbers: Set<UInt64> = []
        var endMarks = 0
        for name in try directory.names(in: "data") {
            let reader = try BatchReader(path: data + "/" + name)
            while let item = try reader.next() {
                if case .frame(let frame) = item { numbers.insert(frame.header.first) }
                if case .endMark = item { endMarks += 1 }
            }
        }
        #expect(numbers == Set(1...sink.accounts.offered.batches))
        #expect(endMarks == 1)
    }

    @Test("a plugin that is not there is left out, and the other sinks work; required, nothing starts")
    func missing() async throws {
        let source = Silence()
        let exporting = try startExporting(
            every: .milliseconds(1), to: [.plugin("nobody"), .file(directory: directory.path + "/data")],
            collecting: source, resource: [:])
        #expect(exporting.snapshots.map(\.name) == ["file"])
        await exporting.shutdown()
        let error = #expect(throws: ExportingError.self) {
            try startExporting(to: [.plugin("nobody", required: true)], collecting: source, resource: [:])
        }
        #expect(error?.description.hasPrefix("nobody: no such plugin: wanted libNobodyExporter.so or ") == true)
    }

    @Test("a configuration's directories are searched first")
    func search() throws {
        try FileManager.default.copyItem(
            atPath: try FaultyPlugin.path, toPath: directory.path + "/libFileExporter.so")
        var sink = Sink.plugin("file", settings: ["mode": "refuse", "journal": "x"])
        sink.pluginSearch = PluginSearch(paths: [directory.path])
        #expect(throws: ExportingError.exporter(sink: "file", reason: "it does not like the journal")) {
            try startExporting(to: [sink], collecting: Silence(), resource: [:])
        }
        #expect(Sink.file(directory: "x").pluginSearch == nil)
    }

    @Test("a setting that does not fit is an error in either case", arguments: [Isolation.process, .inProcess])
    func settings(isolation: Isolation) throws {
        #expect(
            throws: ExportingError.setting(sink: "file", reason: "unknown setting directori: did you mean directory?")
        ) {
            try startExporting(
                to: [.plugin("file", settings: ["directori": "x"], isolation: isolation)], collecting: Silence(),
                resource: [:])
        }
    }
}
