internal import OtlpHttpSink
internal import Synchronization
internal import Weir
internal import WeirExporterKit
internal import WeirExporterSupport

/// What a batch costs on its way into requests: rows from the host, OTLP's protobuf, and gzip.
enum RequestBenches {
    static let names = ["otlp.rows.10000", "otlp.encode.10000", "otlp.gzip.10000"]

    static func run(only: String, rounds: Int, _ report: Report) async throws {
        let wanted = names.filter { $0.hasPrefix(only) }
        guard !wanted.isEmpty else { return }
        let stats = try ServedSeries.recorded(tags: 3)
        EncodingProbe.rounds.store(rounds, ordering: .relaxed)
        var sink = Sink(EncodingProbe.plugin, name: "probe", settings: [:])
        sink.match = [ServedSeries.views]
        sink.timeout = .seconds(600)
        let exporting = try startExporting(every: .seconds(86_400), to: sink, from: stats)
        await exporting.shutdown(deadline: .seconds(600))
        for (name, nanoseconds, bytes) in EncodingProbe.results.withLock({ $0 }) where wanted.contains(name) {
            report.export(name, nanoseconds: Spread(nanoseconds), bytes: bytes)
        }
    }
}

/// An exporter that measures in place of sending.
private final class EncodingProbe: Exporter {
    static let rounds = Atomic<Int>(1)
    static let results = Mutex<[(name: String, nanoseconds: [Double], bytes: Int?)]>([])
    static let kind = ExporterKind(name: "encoding-probe", version: "1.0.0", settings: [], needsColumns: true)
    static let plugin = ExporterPlugin(EncodingProbe.self)

    private let encoder = Mutex(RequestEncoder(limit: 1 << 30))

    init(settings: Settings, host: ExporterHost) throws(ExporterError) {}

    func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        if frame.facts.isEndMark { return .delivered }
        let (rows, time) = (Double(max(frame.facts.rows, 1)), frame.facts.endTime)
        var (reading, encoding, packing): ([Double], [Double], [Double]) = ([], [], [])
        var (rawBytes, packedBytes) = (0, 0)
        encoder.withLock { encoder in
            _ = frame.withBatch { batch in
                for round in 0...Self.rounds.load(ordering: .relaxed) {
                    let began = ContinuousClock.now
                    var tags = 0
                    for view in batch.views { batch.forEachRow(of: view) { tags &+= $0.tags.count } }
                    let read = ContinuousClock.now
                    var request: [UInt8] = []
                    encoder.encode(batch, time: time) { bytes, _ in request = bytes }
                    let encoded = ContinuousClock.now
                    packedBytes = (try? Gzip.compress(request, level: 1))?.count ?? 0
                    let packed = ContinuousClock.now
                    rawBytes = request.count
                    // The first round warms up.
                    guard round > 0, tags > 0 else { continue }
                    reading.append((read - began) / .nanoseconds(1) / rows)
                    encoding.append((encoded - read) / .nanoseconds(1) / rows)
                    packing.append((packed - encoded) / .nanoseconds(1) / rows)
                }
            }
        }
        let measured = [
            ("otlp.rows.10000", reading, nil), ("otlp.encode.10000", encoding, rawBytes),
            ("otlp.gzip.10000", packing, packedBytes),
        ]
        Self.results.withLock { $0 = measured }
        return .delivered
    }

    func close() {}
}
