import Foundation
import OtlpHttpSink
import Testing
import Weir
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

/// A collector that people run: `pip rotel==0.0.1a15`, which prints every point.
@Suite("OTLP to rotel", .enabled(if: Installed.pythonModules("rotel")))
struct RotelTests {
    @Test("rotel reads and prints what was recorded")
    func readBack() async throws {
        let (http, grpc) = (try LoopbackPort.free(), try LoopbackPort.free())
        let rotel = try ServerProcess(
            Installed.folder(ofPythonModule: "rotel") + "/rotel-agent",
            [
                "start", "--pid-file", "pid", "--log-file", "log", "--otlp-http-endpoint", "127.0.0.1:\(http)",
                "--otlp-grpc-endpoint", "127.0.0.1:\(grpc)", "--exporter", "blackhole", "--debug-log", "metrics",
                "--debug-log-verbosity", "detailed",
            ])
        try await rotel.waitUntilListening(on: http)
        let batch = ShopBatches.batch(1)
        let source = MadeBatches([batch])
        let exporting = try startExporting(every: .milliseconds(1), to: [.otlp(http)], collecting: source)
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 1 }
        let report = await exporting.shutdown(deadline: .seconds(20))
        #expect(report.isComplete, "\(report)")
        let expected = Self.expected(batch)
        try await eventually("rotel has printed all points") {
            Self.printed(rotel.output).count >= expected.count
        }
        #expect(Self.printed(rotel.output) == expected)
        #expect(rotel.output.contains("InstrumentationScope weir \(OtlpHttpSink.kind.version)"))
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

    private static func printed(_ output: String) -> [String] {
        var name = ""
        var points: [String] = []
        for line in output.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2 else { continue }
            if parts[0] == "-> Name" { name = parts[1] }
            if parts[0] == "Value" || parts[0] == "Count" { points.append("\(name) \(parts[1])") }
        }
        return points.sorted()
    }
}
