import OtlpHttpSink
import Testing
import Weir
import WeirExport
import WeirTestSupport

/// A collector with a certificate of its own authority: `openssl`, `pip opentelemetry-proto`.
@Suite("OTLP over TLS", .enabled(if: Collector.isInstalled && Certificates.canBeMade))
struct OtlpTLSTests {
    private let certificates: Certificates

    init() throws {
        certificates = try Certificates()
    }

    /// Sends one batch, or tries until a failure shows what a test looks for.
    private func send(
        to collector: Collector, host: String = "127.0.0.1", _ settings: [String: String], failure: String? = nil
    ) async throws {
        let endpoint = ["endpoint": "https://\(host):\(collector.port)"]
        let source = GrowingSums(rows: 2)
        let exporting = try startExporting(
            every: failure == nil ? .seconds(3600) : .milliseconds(20),
            to: [.otlp(collector.port, settings.merging(endpoint) { $1 })], collecting: source)
        if let failure {
            try await eventually("the failure says: \(failure)") {
                exporting.snapshots[0].lastMessage.contains(failure)
            }
        }
        let report = await exporting.shutdown(deadline: failure == nil ? .seconds(20) : .milliseconds(500))
        let sink = try #require(report.sinks.first)
        #expect(exporting.snapshots[0].accounts.imbalance == nil)
        #expect(sink.delivered == (failure == nil ? sink.offered : 0))
        #expect(sink.lost == (failure == nil ? [:] : ["shutdown": sink.offered]), "\(report)")
        #expect(collector.requests.count == (failure == nil ? 1 : 0))
    }

    @Test("a certificate that nobody vouches for is refused, and taken where the settings trust its authority")
    func trust() async throws {
        let collector = try await Collector(certificates)
        try await send(to: collector, [:], failure: "certificate")
        try await send(to: collector, ["caFile": certificates.authority])
    }

    @Test("a collector that asks for a certificate gets ours, and whoever shows none gets nothing in")
    func client() async throws {
        let collector = try await Collector(certificates, asksClients: true)
        let trust = ["caFile": certificates.authority]
        try await send(to: collector, trust, failure: "certificate required")
        let ours = ["certificateFile": certificates.certificate("client"), "keyFile": certificates.key("client")]
        try await send(to: collector, trust.merging(ours) { $1 })
    }
}
