import Foundation
import OtlpHttpSink
import Testing
import Weir
import WeirBatch
import WeirConfiguration
import WeirExport
import WeirExporterKit
import WeirTestSupport

/// A collector that people run: `pip rotel==0.0.1a15`, which prints every point.
@Suite("OTLP to rotel", .enabled(if: Installed.pythonModules("rotel")))
struct RotelTests {
    @Test("rotel reads and prints what was recorded")
    func readBack() async throws {
        let rotel = try await Rotel()
        let batch = ShopBatches.batch(1)
        let source = MadeBatches([batch])
        let exporting = try startExporting(every: .milliseconds(1), to: [.otlp(rotel.port)], collecting: source)
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 1 }
        let report = await exporting.shutdown(deadline: .seconds(20))
        #expect(report.isComplete, "\(report)")
        let expected = Self.expected(batch)
        try await eventually("rotel has printed all points") {
            rotel.points.count >= expected.count
        }
        #expect(rotel.points == expected)
        #expect(rotel.server.output.contains("InstrumentationScope weir \(OtlpHttpSink.kind.version)"))
    }

    @Test("the README's configuration runs as it is written, as a plugin in a process of its own, and all arrives")
    func readme() async throws {
        let rotel = try await Rotel()
        let yaml = try ReadmeSample.yaml(of: "OtlpHttpExporter", ["127.0.0.1:4318": "127.0.0.1:\(rotel.port)"])
        let stats = try Stats(cellsPerCore: 1 << 20)
        let (requests, latency) = (Measure<Int64>("requests"), Measure<Double>("latency", unit: .seconds))
        let route: TagKey = "http.route"
        try stats.register(
            View("readme/requests", of: requests, by: [route], as: .sum),
            View("readme/latency", of: latency, as: .distribution()))
        let exporting = try startExporting(
            configuration: Configuration(yaml: yaml, file: "README.md", environment: [:]), from: stats)
        for number in 1...1000 {
            requests.record(2, Tags([(route, number % 4 == 0 ? "/a" : "/b")]), in: stats)
            latency.record(0.001 * Double(number), in: stats)
        }
        let report = await exporting.shutdown(deadline: .seconds(60))
        #expect(report.isComplete && exporting.snapshots[0].accounts.imbalance == nil, "\(report)")
        let expected = ["readme/latency 1000", "readme/requests 1500", "readme/requests 500"]
        try await eventually("rotel has printed all points") {
            rotel.points.filter { $0.hasPrefix("readme/") } == expected
        }
    }

    /// A line a point: the metric's name, and the number or count that it has.
    private static func expected(_ batch: Batch) -> [String] {
        batch.views.flatMap { view in
            (0..<view.rows).map { row -> String in
                switch view.aggregation {
                case .count, .sum, .lastValue:
                    return view.number == .int64
                        ? "\(view.name) \(view.integers[row])" : "\(view.name) \(view.doubles[row])"
                case .distribution:
                    let width = view.bounds.count + 1
                    return "\(view.name) \(view.bucketCounts[(row * width)..<((row + 1) * width)].reduce(0, +))"
                case .exponentialDistribution:
                    return "\(view.name) \(view.zeroCounts[row] + view.positive.counts.reduce(0, +))"
                }
            }
        }.sorted()
    }
}

/// A collector that prints every point that it gets.
private struct Rotel {
    let port: UInt16
    let server: ServerProcess

    init() async throws {
        let (http, grpc) = (try LoopbackPort.free(), try LoopbackPort.free())
        port = http
        server = try ServerProcess(
            Installed.folder(ofPythonModule: "rotel") + "/rotel-agent",
            [
                "start", "--pid-file", "pid", "--log-file", "log", "--otlp-http-endpoint", "127.0.0.1:\(http)",
                "--otlp-grpc-endpoint", "127.0.0.1:\(grpc)", "--exporter", "blackhole", "--debug-log", "metrics",
                "--debug-log-verbosity", "detailed",
            ])
        try await server.waitUntilListening(on: port)
    }

    /// A line a point so far: the metric's name, and the number or count that it has.
    var points: [String] {
        var name = ""
        var points: [String] = []
        for line in server.output.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2 else { continue }
            if parts[0] == "-> Name" { name = parts[1] }
            if parts[0] == "Value" || parts[0] == "Count" { points.append("\(name) \(parts[1])") }
        }
        return points.sorted()
    }
}
