import Foundation
import GraphiteSink
import StatsdSink
import Testing
import Weir
import WeirConfiguration
import WeirExport
import WeirTestSupport

/// A program records, a real server receives, and what it has is read back: all as the READMEs say.
@Suite("StatsD and Graphite servers", .timeLimit(.minutes(3)), .serialized)
struct TextServerTests {
    private let directory: TemporaryDirectory
    private let stats: Stats
    private let requests = Measure<Int64>("text.test.requests")
    private let heat = Measure<Double>("text.test.heat")
    private let route: TagKey = "route"

    init() throws {
        directory = try TemporaryDirectory()
        stats = try Stats()
        try stats.register(
            View("text/requests", of: requests, by: [route], as: .sum), View("text/heat", of: heat, as: .lastValue))
    }

    private func record(_ count: Int) {
        let tags = Tags([(route, "/users")])
        for _ in 0..<count { requests.record(1, tags, in: stats) }
        heat.record(21.5, in: stats)
    }

    /// Exports what is recorded as a README's configuration says, through the plugin in a process of its own.
    private func export(_ plugin: String, _ changes: [String: String], _ record: () async throws -> Void) async throws {
        let yaml = try "interval: 50ms\n" + ReadmeSample.yaml(of: plugin, changes)
        let exporting = try startExporting(
            configuration: Configuration(yaml: yaml, file: "README.md", environment: [:]), from: stats)
        #expect(exporting.snapshots.count == 1)
        try await record()
        #expect(await exporting.shutdown(deadline: .seconds(30)).isComplete)
        #expect(
            exporting.snapshots.allSatisfy { $0.accounts.imbalance == nil && $0.accounts.dropped.total == Amount() })
    }

    @Test("collectd adds up what StatsD lines say (collectd-core)", .enabled(if: Installed.program("collectd")))
    func collectd() async throws {
        let port = try Receiver(isStream: false).port
        try directory.write(
            Array(
                """
                Hostname "here"
                BaseDir "\(directory.path)"
                PIDFile "\(directory.path)/pid"
                Interval 1
                LoadPlugin statsd
                LoadPlugin csv
                <Plugin statsd>
                    Host "127.0.0.1"
                    Port "\(port)"
                </Plugin>
                <Plugin csv>
                    DataDir "\(directory.path)/csv"
                    StoreRates false
                </Plugin>

                """.utf8), to: "collectd.conf")
        let server = try ServerProcess("collectd", ["-f", "-C", directory.path("collectd.conf")], in: directory)
        try await eventually("collectd listens") {
            try Program.shell("grep -qi \":$0 \" /proc/net/udp", String(port, radix: 16, uppercase: true)).status == 0
        }
        try await export("StatsdExporter", ["127.0.0.1:8125": "127.0.0.1:\(port)"]) {
            for _ in 0..<20 {
                record(50)
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        func last(_ name: String) throws -> Double? {
            let file = try Program.shell("cat \"$1\"/csv/here/statsd/\"$0\"-* | tail -1", name, directory.path).output
            return file.split(separator: ",").last.flatMap { Double($0.trimmingCharacters(in: .newlines)) }
        }
        try await eventually("collectd has written what was recorded") {
            try last("derive-shop.text.requests.route._users") == 1000 && last("gauge-shop.text.heat") == 21.5
        }
        server.kill()
    }

    @Test("carbon keeps what Graphite lines say (graphite-carbon)", .enabled(if: Installed.program("carbon-cache")))
    func carbon() async throws {
        let ports = try (0..<4).map { _ in try LoopbackPort.free() }
        try directory.write(
            Array(
                """
                [cache]
                STORAGE_DIR = \(directory.path)
                CONF_DIR = \(directory.path)
                LOG_DIR = \(directory.path)
                PID_DIR = \(directory.path)
                LOCAL_DATA_DIR = \(directory.path)/whisper
                LINE_RECEIVER_INTERFACE = 127.0.0.1
                LINE_RECEIVER_PORT = \(ports[0])
                PICKLE_RECEIVER_INTERFACE = 127.0.0.1
                PICKLE_RECEIVER_PORT = \(ports[1])
                CACHE_QUERY_INTERFACE = 127.0.0.1
                CACHE_QUERY_PORT = \(ports[2])
                ENABLE_UDP_LISTENER = False
                MAX_CREATES_PER_MINUTE = inf
                ENABLE_LOGROTATION = False
                USER =

                """.utf8), to: "carbon.conf")
        try directory.write(Array("[all]\npattern = .*\nretentions = 1s:1h\n".utf8), to: "storage-schemas.conf")
        let server = try ServerProcess(
            "carbon-cache", ["--config=\(directory.path("carbon.conf"))", "--nodaemon", "start"], in: directory)
        try await server.waitUntilListening(on: ports[0])
        try await export("GraphiteExporter", ["127.0.0.1:2003": "127.0.0.1:\(ports[0])"]) { record(42) }
        func last(_ name: String) throws -> Double? {
            let fetched = try Program.shell(
                "whisper-fetch \"$1/whisper/$0.wsp\" | grep -v None | tail -1", name, directory.path)
            return fetched.output.split(whereSeparator: \.isWhitespace).last.flatMap { Double($0) }
        }
        try await eventually("carbon has written what was recorded") {
            try last("shop/text/requests/route/_users") == 42 && last("shop/text/heat") == 21.5
        }
        server.kill()
    }

    @Test(
        "VictoriaMetrics keeps Graphite's tags (victoria-metrics)", .enabled(if: Installed.program("victoria-metrics")))
    func victoriaMetrics() async throws {
        let (http, graphite) = try (LoopbackPort.free(), LoopbackPort.free())
        let server = try ServerProcess(
            "victoria-metrics",
            [
                "-httpListenAddr=127.0.0.1:\(http)", "-storageDataPath=\(directory.path)/data",
                "-graphiteListenAddr=127.0.0.1:\(graphite)",
            ], in: directory)
        try await server.waitUntilListening(on: graphite)
        try await server.waitUntilListening(on: http)
        var sink = Sink(
            GraphiteSink.plugin, name: "graphite",
            settings: ["address": "127.0.0.1:\(graphite)", "tags": "graphite", "prefix": "shop"])
        sink.match = ["!weir.*"]
        let exporting = try startExporting(every: .seconds(60), to: sink, from: stats)
        record(7)
        #expect(await exporting.shutdown(deadline: .seconds(30)).isComplete)
        try await eventually("VictoriaMetrics shows what was recorded") {
            _ = try Program.shell("curl -s http://127.0.0.1:\(http)/internal/force_flush")
            let exported = try Program.shell(
                "curl -sG 'http://127.0.0.1:\(http)/api/v1/export' --data-urlencode 'match[]={__name__=~\"shop.*\"}'")
            return exported.output.contains(#""__name__":"shop.text.requests","route":"/users"}"#)
                && exported.output.contains(#""values":[7]"#)
        }
        server.kill()
    }

    @Test(
        "a server that is killed and comes back has what was recorded, hung or not (victoria-metrics)",
        .enabled(if: Installed.program("victoria-metrics")))
    func killed() async throws {
        let (http, graphite) = try (LoopbackPort.free(), LoopbackPort.free())
        func start() async throws -> ServerProcess {
            let server = try ServerProcess(
                "victoria-metrics",
                [
                    "-httpListenAddr=127.0.0.1:\(http)", "-storageDataPath=\(directory.path)/data",
                    "-graphiteListenAddr=127.0.0.1:\(graphite)",
                ], in: directory)
            try await server.waitUntilListening(on: graphite)
            try await server.waitUntilListening(on: http)
            return server
        }
        var server = try await start()
        var sink = Sink(GraphiteSink.plugin, name: "graphite", settings: ["address": "127.0.0.1:\(graphite)"])
        sink.match = ["!weir.*"]
        sink.retry = RetryPolicy(first: .milliseconds(10), longest: .milliseconds(50))
        sink.breaker = BreakerPolicy(failuresInARow: 0, failuresOf20: 0)
        let exporting = try startExporting(every: .milliseconds(20), to: sink, from: stats)
        func snapshot() -> SinkSnapshot { exporting.snapshots[0] }
        record(5)
        try await eventually("batches flow") { snapshot().accounts.delivered.batches > 5 }
        server.kill()
        try await eventually("deliveries fail") { snapshot().deliveries.retried > 3 }
        server = try await start()
        var before = snapshot().accounts.delivered.batches
        try await eventually("batches flow again") { snapshot().accounts.delivered.batches > before + 5 }
        server.pause()
        record(6)
        server.resume()
        before = snapshot().accounts.delivered.batches
        try await eventually("batches flow after a pause") { snapshot().accounts.delivered.batches > before + 5 }
        // Of what was said in one second, the server may show any last.
        let second = Int(Date().timeIntervalSince1970)
        try await eventually("a second passes") { Int(Date().timeIntervalSince1970) > second }
        before = snapshot().accounts.delivered.batches
        try await eventually("batches flow in a new second") { snapshot().accounts.delivered.batches > before + 5 }
        #expect(await exporting.shutdown(deadline: .seconds(30)).isComplete)
        #expect(snapshot().accounts.imbalance == nil)
        #expect(snapshot().accounts.delivered == snapshot().accounts.offered)
        try await eventually("the server shows all that was recorded") {
            _ = try Program.shell("curl -s http://127.0.0.1:\(http)/internal/force_flush")
            let exported = try Program.shell(
                "curl -sG 'http://127.0.0.1:\(http)/api/v1/export' --data-urlencode 'match[]={__name__=\"text.requests.route._users\"}'"
            )
            return exported.output.contains(",11],") || exported.output.contains("[11],")
        }
        server.kill()
    }
}
