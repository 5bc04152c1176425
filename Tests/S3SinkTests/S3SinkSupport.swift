import Logging
import S3Sink
import Synchronization
import Weir
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

/// Counts of two series by deltas: a batch too few or too many shows in their sum.
final class CountedDeltas: BatchSource {
    let collections = Signal()
    private let number = Atomic<Int>(0)
    private let recorded = Mutex<Int64>(0)

    /// All that was collected so far.
    var total: Int64 { recorded.withLock { $0 } }

    func collect(into batch: inout Batch) {
        let number = number.add(1, ordering: .relaxed).newValue
        // Ten seconds apart, and over midnight.
        let end = 1_795_564_770_000_000_000 + UInt64(number) * 10_000_000_000
        var builder = BatchBuilder(start: end - 10_000_000_000, end: end, resource: [("service.name", "shop")])
        let counts = [Int64(number), Int64(1) << (number % 40)]
        builder.view("shop/sales", .sum, keys: ["till"], temporality: .delta) { rows in
            rows.row(["north"], start: end - 10_000_000_000, counts[0])
            rows.row(["south"], start: end - 10_000_000_000, counts[1])
        }
        batch = builder.batch
        recorded.withLock { $0 += counts[0] + counts[1] }
        collections.fire()
    }
}

extension S3Server {
    /// What a sink needs to write to the bucket, through a proxy where there is one.
    func settings(through proxy: FaultProxy? = nil, _ more: [String: String] = [:]) -> [String: String] {
        [
            "endpoint": proxy.map { "http://127.0.0.1:\($0.port)" } ?? endpoint, "bucket": "stats",
            "accessKeyID": Self.writer.id, "secretAccessKeyFile": secretFile,
        ].merging(more) { $1 }
    }
}

extension Sink {
    /// A sink that tries again soon, and never gives a batch up.
    static func s3(_ settings: [String: String]) -> Sink {
        var sink = Sink(S3Sink.plugin, name: "s3", settings: settings)
        sink.retry = RetryPolicy(first: .milliseconds(10), longest: .milliseconds(50))
        sink.breaker = BreakerPolicy(failuresInARow: 0, failuresOf20: 0)
        sink.maximumBatches = 1_000_000
        sink.maximumBytes = 1 << 40
        // Weir's own metrics are not what these tests recorded.
        sink.match = ["*", "!weir.*"]
        return sink
    }
}

/// The exporter as a host opens it, behind its C table.
func open(_ settings: [String: String], log: LogLines = LogLines()) throws(ExportError) -> any OpenExporter {
    try unsafe PluginTable(builtIn: S3Sink.plugin.table).open(
        for: SinkContext(name: "s3", settings: settings, logger: log.logger))
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

    /// Of batches that were there already.
    var present: Int { counters().first { $0.name == "objects.present" }.map { Int($0.value) } ?? -1 }
}

extension Delivery {
    var isRetry: Bool { if case .retry = outcome { true } else { false } }
}
