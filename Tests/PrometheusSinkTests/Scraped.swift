import Foundation
import PrometheusSink
import Testing
import Weir
import WeirExport
import WeirExporterKit
import WeirTestSupport

/// An application that Prometheus may scrape, with statistics of its own.
final class Scraped {
    static let plugin = PrometheusSink.plugin

    var plugin: ExporterPlugin { Self.plugin }
    let stats: Stats
    let exporting: Exporting
    let client: Client

    /// - Parameter change: Of the sink, before it starts.
    init(
        _ settings: [String: String] = [:], resource: [String: String] = ["service.name": "test"],
        interval: Duration = .seconds(86_400), change: (inout Sink) -> Void = { _ in }
    ) throws {
        let port = try LoopbackPort.free()
        var all = settings
        all["listen"] = "127.0.0.1:\(port)"
        var sink = Sink(PrometheusSink.plugin, name: "prometheus", settings: all)
        change(&sink)
        stats = try Stats(cellsPerCore: 1 << 22)
        exporting = try startExporting(every: interval, to: sink, resource: resource, from: stats)
        client = Client(port: port)
    }

    func end() async throws {
        let report = await exporting.shutdown(deadline: .seconds(60))
        #expect(report.isComplete)
        for sink in exporting.snapshots { #expect(sink.accounts.imbalance == nil) }
    }

    /// A thing that the sink counts.
    func counter(_ name: String) -> UInt64 {
        exporting.snapshots[0].counters.first { $0.name == name }?.value ?? 0
    }
}

extension String {
    /// The samples of a metric, by what stands in its braces.
    func samples(_ name: String) -> [String: String] {
        var samples: [String: String] = [:]
        for line in split(separator: "\n") where line.hasPrefix(name + "{") || line.hasPrefix(name + " ") {
            let space = line.lastIndex(of: " ")!
            let labels = line[..<space].dropFirst(name.count)
            samples[labels.isEmpty ? "" : String(labels.dropFirst().dropLast())] = String(
                line[line.index(after: space)...])
        }
        return samples
    }

    /// Without Weir's own metrics, who measures, and times.
    var own: String {
        split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            !line.contains("weir_") && !line.contains("target") && !line.contains("_created")
        }.joined(separator: "\n")
    }
}
