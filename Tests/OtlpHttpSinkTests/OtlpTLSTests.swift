import Foundation
import OtlpHttpSink
import Testing
import Weir
import WeirBatch
import WeirExport
import WeirTestSupport

/// A collector with a certificate of its own making: `openssl`, `pip opentelemetry-proto`.
@Suite("OTLP over TLS", .enabled(if: Collector.isInstalled && Installed.program("openssl")))
struct OtlpTLSTests {
    private func certificate(in directory: TemporaryDirectory) throws -> String {
        let made = try Program.run(
            "/usr/bin/env",
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                directory.path("key.pem"), "-out", directory.path("certificate.pem"),
            ])
        #expect(made.status == 0, "\(made.errors)")
        let both = try directory.text("key.pem") + directory.text("certificate.pem")
        try directory.write(Array(both.utf8), to: "both.pem")
        return directory.path("certificate.pem")
    }

    @Test("a certificate that nobody vouches for is refused, and taken where the settings trust it")
    func trust() async throws {
        let directory = try TemporaryDirectory()
        let authority = try certificate(in: directory)
        let collector = try await Collector(certificate: directory.path("both.pem"))
        let endpoint = "https://127.0.0.1:\(collector.port)"
        for isTrusted in [false, true] {
            var settings = ["endpoint": endpoint]
            if isTrusted { settings["caFile"] = authority }
            let source = GrowingSums(rows: 2)
            let exporting = try startExporting(
                every: isTrusted ? .seconds(3600) : .milliseconds(20), to: [.otlp(collector.port, settings)],
                collecting: source)
            if !isTrusted {
                try await eventually("the certificate is refused") {
                    exporting.snapshots[0].lastMessage.contains("certificate")
                }
            }
            let report = await exporting.shutdown(deadline: isTrusted ? .seconds(20) : .milliseconds(500))
            let sink = try #require(report.sinks.first)
            #expect(exporting.snapshots[0].accounts.imbalance == nil)
            #expect(sink.delivered == (isTrusted ? sink.offered : 0))
            #expect(sink.lost == (isTrusted ? [:] : ["shutdown": sink.offered]))
            // Nothing was sent to whom nobody trusts.
            #expect(sink.uncertain == 0)
            #expect(collector.requests.count == (isTrusted ? 1 : 0))
        }
    }
}
