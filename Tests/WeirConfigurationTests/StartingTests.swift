import Foundation
import Testing
import Weir
import WeirExport
import WeirRecording
import WeirTestSupport

@testable import WeirConfiguration

@Suite("Starting from a configuration")
struct StartingTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test("sinks are as the file has them, and otherwise as code has them")
    func sinks() throws {
        let sinks = try configuration(Example.text).sinks
        #expect(sinks.map(\.name) == ["local", "recent"])
        let plain = Sink.file(directory: "d")
        let least = try #require(
            try configuration("sinks: {a: {exporter: file, settings: {directory: d}}}").sinks.first)
        for sink in [sinks[0], least] {
            #expect(sink.maximumBatches == plain.maximumBatches && sink.maximumBytes == plain.maximumBytes)
            #expect(sink.timeout == plain.timeout && sink.retry == plain.retry && sink.breaker == plain.breaker)
            #expect(sink.workers == plain.workers && sink.onDemand == plain.onDemand && sink.spill == plain.spill)
        }
        #expect(sinks[0].maximumAge == .seconds(3600) && sinks[0].policy == .dropOldest)
        #expect(least.maximumAge == nil && least.policy == nil)
        #expect(sinks[1].spill == Spill(directory: "weir-spill", maximumBytes: 1 << 30, sync: .second))
        #expect(sinks[1].deadLetterDirectory == "weir-dead-letters")
        let other = try configuration(
            """
            sinks:
              a:
                exporter: file
                settings: {directory: d}
                workers: 3
                onDemand: true
                timeout: 3s
                policy: {expire: {age: 7s}}
                bounds: {batches: 5, bytes: 1MiB}
                retry: {first: 1s, longest: 2s, longestHint: 3s}
                breaker: {failuresInARow: 0, failuresOf20: 7, pause: 4s}
                spill: {directory: s, sync: always}
                interval: 9s
                level: 4
                temporality: delta
                match: ["a*", "!ab"]
            """
        ).sinks[0]
        #expect(other.workers == 3 && other.onDemand && other.timeout == .seconds(3))
        #expect(other.policy == .expire(age: .seconds(7)))
        #expect(other.maximumBatches == 5 && other.maximumBytes == 1 << 20)
        #expect(other.retry == RetryPolicy(first: .seconds(1), longest: .seconds(2), longestHint: .seconds(3)))
        #expect(other.breaker == BreakerPolicy(failuresInARow: 0, failuresOf20: 7, pause: .seconds(4)))
        #expect(other.spill == Spill(directory: "s", sync: .always))
        #expect(other.interval == .seconds(9) && other.level == 4)
        #expect(other.temporality == .delta && other.match == ["a*", "!ab"])
    }

    @Test("an exporter that is no part of the program is a plugin, looked for where the file says")
    func plugins() throws {
        let read = try configuration(
            """
            plugins: {path: [/opt/weir], host: /opt/weir/host}
            sinks:
              remote: {exporter: nats, settings: {url: x}, isolation: inProcess, required: true, workers: 2}
              file: {exporter: /opt/own.so}
            """)
        var remote = Sink.plugin("nats", settings: ["url": "x"], isolation: .inProcess, required: true, name: "remote")
        remote.workers = 2
        var file = Sink.plugin("/opt/own.so", name: "file")
        let search = PluginSearch(paths: ["/opt/weir"], host: "/opt/weir/host")
        remote.pluginSearch = search
        file.pluginSearch = search
        #expect(read.sinks == [remote, file])
    }

    @Test("a process that starts from a file exports what the file says")
    func start() async throws {
        let stats = try Stats(cellsPerCore: 4_096)
        let measure = Measure<Int64>("starting.requests")
        let user: TagKey = "user"
        let path = directory.path
        let configuration = try configuration(
            """
            interval: 1h
            views:
              - {select: requests, rename: http.requests, remove: [user]}
            sinks:
              file: {exporter: file, settings: {directory: "${DIRECTORY}/data"}}
            """, ["DIRECTORY": path])
        try stats.register(View("requests", of: measure, by: [user], as: .sum))
        let exporting = try startExporting(configuration: configuration, from: stats)
        measure.record(2, Tags([user: "a"]), in: stats)
        measure.record(3, Tags([user: "b"]), in: stats)
        let report = await exporting.shutdown(deadline: .seconds(60))
        #expect(report.isComplete)
        #expect(try directory.names(in: "data").count == 1)
        #expect(stats.viewRules == configuration.viewRules)
    }

    @Test("where it cannot start nothing is changed, and what came from the environment is not told")
    func failure() throws {
        let stats = try Stats(cellsPerCore: 4_096)
        let path = directory.path + "/classified"
        try Data().write(to: URL(fileURLWithPath: path))
        let configuration = try configuration(
            """
            views: [{select: a, drop: true}]
            sinks:
              file: {exporter: file, settings: {directory: "${DIRECTORY}"}}
            """, ["DIRECTORY": path])
        let error = #expect(throws: ExportingError.self) {
            try startExporting(configuration: configuration, from: stats)
        }
        #expect(error?.description == "sink file: cannot write in the directory ${DIRECTORY}: Not a directory")
        #expect(stats.viewRules == ViewRules())
    }
}
