import Foundation
import NatsSink
import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("The NATS exporter and TLS", .enabled(if: Nats.isInstalled, "nats-server"), .server)
struct NatsTLSTests {
    private let stream: TestStream
    private let certificates: Certificates

    init() throws {
        stream = try TestStream(0x1111)
        certificates = try Certificates()
    }

    private func server(_ name: String, _ more: String = "") async throws -> TestServer {
        try await Nats.server(
            "tls { cert_file: \"\(certificates.certificate(name))\", key_file: \"\(certificates.key(name))\" \(more) }"
        )
    }

    private func delivery(_ settings: [String: String]) throws -> Delivery {
        let exporter = try open(settings.merging(["createStream": "true"]) { $1 })
        defer { exporter.close() }
        return exporter.deliver(1, of: stream)
    }

    @Test("a server of a known authority is spoken to, by its name and by its address")
    func known() async throws {
        let server = try await server("here")
        let authority = certificates.authority
        for host in ["localhost", "127.0.0.1"] {
            let delivered = try delivery(["servers": "tls://\(host):\(server.port)", "caFile": authority])
            #expect(delivered == Delivery(.delivered))
        }
        #expect(try delivery(["servers": server.url, "tls": "true", "caFile": authority]) == Delivery(.delivered))
    }

    @Test("a server of an unknown authority, and one that is another, get nothing")
    func unknown() async throws {
        let here = try await server("here")
        let unknown = try delivery(["servers": "tls://localhost:\(here.port)"])
        #expect(unknown.isRetry && unknown.message.contains("unable to get local issuer"), "\(unknown)")
        let there = try await server("there")
        let other = try delivery(["servers": "tls://localhost:\(there.port)", "caFile": certificates.authority])
        #expect(other.isRetry && other.message.contains("hostname mismatch"), "\(other)")
    }

    @Test("a server that asks for a certificate gets ours")
    func client() async throws {
        let authority = certificates.authority
        let server = try await server("here", ", ca_file: \"\(authority)\", verify: true")
        let settings = ["servers": "tls://localhost:\(server.port)", "caFile": authority]
        #expect(try delivery(settings).isRetry)
        let ours = ["certificateFile": certificates.certificate("client"), "keyFile": certificates.key("client")]
        #expect(try delivery(settings.merging(ours) { $1 }) == Delivery(.delivered))
    }

    @Test("a server that wants TLS is checked though nobody asked for it; one that cannot speak it gets nothing")
    func oneSide() async throws {
        let server = try await server("here")
        let unknown = try delivery(["servers": "nats://localhost:\(server.port)"])
        #expect(unknown.isRetry && unknown.message.contains("unable to get local issuer"), "\(unknown)")
        let plain = try await Nats.server()
        let refused = try delivery(["servers": plain.url, "tls": "true"])
        #expect(refused.isRetry && refused.message.contains("refuses"), "\(refused)")
    }
}
