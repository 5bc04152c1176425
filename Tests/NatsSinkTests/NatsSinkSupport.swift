import Logging
import NatsSink
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

/// The exporter as a host opens it, behind its C table.
func open(_ settings: [String: String]) throws(ExportError) -> any OpenExporter {
    try unsafe PluginTable(builtIn: NatsSink.plugin.table).open(
        for: SinkContext(
            name: "nats", settings: settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
}

extension OpenExporter {
    func deliver(_ number: UInt64, of stream: TestStream, within seconds: UInt64 = 20) -> Delivery {
        deliver(
            stream.header(number), payload: stream.payload.bytes,
            deadline: TimeSource.system.monotonic() + seconds * 1_000_000_000)
    }

    func end(_ number: UInt64, of stream: TestStream) -> Delivery {
        deliver(
            FrameHeader(stream: stream.stream, first: number, last: number), payload: [],
            deadline: TimeSource.system.monotonic() + 5_000_000_000)
    }

    func count(_ name: String) -> UInt64? { counters().first { $0.name == name }?.value }
}

extension Delivery {
    var isRetry: Bool { if case .retry = outcome { true } else { false } }
}
