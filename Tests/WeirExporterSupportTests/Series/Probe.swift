import Logging
import Synchronization
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

@testable import GraphiteSink
@testable import OtlpHttpSink
@testable import PrometheusSink
@testable import RemoteWriteSink
@testable import StatsdSink

/// What all exporters make of a batch.
struct Exported: Sendable {
    /// Of OpenMetrics and of the older text.
    var pages: [String] = []
    var writeRequests: [[UInt8]] = []
    var otlpRequests: [[UInt8]] = []
    /// In names, and behind them.
    var statsd: [String] = []
    var graphite: [String] = []

    static func of(_ batch: Batch) throws -> Exported {
        let exporter = try unsafe PluginTable(builtIn: Probe.plugin.table).open(
            for: SinkContext(
                name: "probe", settings: [:], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
        var encoder = try BatchEncoder()
        let payload = try encoder.encode(batch)
        _ = exporter.deliver(
            FrameHeader(stream: StreamID(high: 1, low: 1), first: 1, last: 1, payload: payload),
            payload: payload.bytes, deadline: .max)
        exporter.close()
        return Probe.exported.withLock { $0 }
    }
}

/// An exporter that keeps what others would send. One test uses it at a time.
private final class Probe: Exporter {
    static let exported = Mutex(Exported())
    static let kind = ExporterKind(name: "series-probe", version: "1.0.0", settings: [], needsColumns: true)
    static let plugin = ExporterPlugin(Probe.self)

    init(settings: Settings, host: ExporterHost) throws(ExporterError) {}

    func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        let facts = frame.facts
        let exported = frame.withBatch { batch in
            var exported = Exported()
            var builder = SnapshotBuilder(endTime: facts.endTime, exponentialBuckets: 64)
            builder.add(batch)
            let (snapshot, _) = builder.finish()
            for format in Format.allCases {
                let bytes = Exposition.bytes(of: snapshot, as: format, isCreatedShown: false, capacity: 0)
                exported.pages.append(String(decoding: bytes, as: UTF8.self))
            }
            var writer = SeriesEncoder(limit: 4096, isNative: false, classicBuckets: 64)
            let times = CollectionTimes(facts, clock: facts.endTime)
            writer.encode(batch, at: times, isWhole: true) { request, _ in exported.writeRequests.append(request) }
            var otlp = RequestEncoder(limit: 1 << 30)
            otlp.encode(batch, time: facts.endTime) { request, _ in exported.otlpRequests.append(request) }
            for hasTags in [false, true] {
                var statsd = StatsdLines(prefix: "", isDogStatsD: hasTags)
                statsd.add(batch, at: facts.endTime)
                exported.statsd.append(String(decoding: statsd.bytes, as: UTF8.self))
                var graphite = GraphiteLines(prefix: "", hasTags: hasTags)
                graphite.add(batch, at: facts.endTime)
                exported.graphite.append(String(decoding: graphite.bytes, as: UTF8.self))
            }
            return exported
        }
        Self.exported.withLock { $0 = exported ?? Exported() }
        return .delivered
    }

    func close() {}
}
