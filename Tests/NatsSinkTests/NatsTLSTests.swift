import Foundation
import NatsSink
import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("The NATS exporter and TLS", .enabled(if: Nats.isInstalled, "nats-server"), .server)
struct NatsTLSTests {
    private let stream: TestStream
    private let directory: TemporaryDirectory

    init() throws {
        stream = try TestStream(0x1111)
        directory = try TemporaryDirectory()
        // An authority, a server's certificate for this machine, one for another, and a client's.
        let made = try Program.shell(
            """
            set -e; cd "$0"
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
            make() {
                openssl req -newkey rsa:2048 -nodes -subj /CN="$1" -keyout "$1.key" -out "$1.csr"
                printf 'subjectAltName=%s\\n' "$2" > "$1.ext"
                openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.pem"
            }
            make here DNS:localhost,IP:127.0.0.1; make there DNS:elsewhere.example; make client DNS:client
            """, directory.path)
        try #require(made.status == 0, "\(made.errors)")
    }

    private func server(_ name: String, _ more: String = "") async throws -> TestServer {
        try await Nats.server(
            "tls { cert_file: \"\(directory.path("\(name).pem"))\", key_file: \"\(directory.path("\(name).key"))\" \(more) }"
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
        let authority = directory.path("ca.pem")
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
        let other = try delivery(["servers": "tls://localhost:\(there.port)", "caFile": directory.path("ca.pem")])
        #expect(other.isRetry && other.message.contains("hostname mismatch"), "\(other)")
    }

    @Test("a server that asks for a certificate gets ours")
    func client() async throws {
        let authority = directory.path("ca.pem")
        let server = try await server("here", ", ca_file: \"\(authority)\", verify: true")
        let settings = ["servers": "tls://localhost:\(server.port)", "caFile": authority]
        #expect(try delivery(settings).isRetry)
        let ours = ["certificateFile": directory.path("client.pem"), "keyFile": directory.path("client.key")]
        #expect(try delivery(settings.merging(ours) { $1 }) == Delivery(.delivered))
    }

    @Test("a server that wants TLS is checked though nobody asked for it; one that cannot speak it is refused")
    func oneSide() async throws {
        let server = try await server("here")
        let unknown = try delivery(["servers": "nats://localhost:\(server.port)"])
        #expect(unknown.isRetry && unknown.message.contains("unable to get local issuer"), "\(unknown)")
        let plain = try await Nats.server()
        #expect(throws: ExportError.self) { try open(["servers": plain.url, "tls": "true"]) }
    }
}
