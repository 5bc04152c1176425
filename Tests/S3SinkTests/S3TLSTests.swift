import Foundation
import S3Sink
import Testing
import Weir
import WeirExport
import WeirTestSupport

/// A server with a certificate of its own making.
@Suite("S3 over TLS", .enabled(if: S3Server.isInstalled && Installed.program("openssl")), .server)
struct S3TLSTests {
    private func certificate() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        let made = try Program.run(
            "/usr/bin/env",
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                directory.path("key.pem"), "-out", directory.path("certificate.pem"),
            ])
        #expect(made.status == 0, "\(made.errors)")
        return directory
    }

    @Test("a certificate that nobody vouches for is refused, and taken where the settings trust it")
    func trust() async throws {
        let certificate = try certificate()
        let server = try await S3Server(certificate: certificate)
        let stream = try TestStream()
        let stranger = try open(server.settings())
        let refused = stranger.deliver(1, of: stream)
        #expect(refused.isRetry && !refused.isUncertain && refused.message.contains("certificate"), "\(refused)")
        stranger.close()
        #expect(try server.objects().isEmpty)
        let friend = try open(server.settings(["caFile": certificate.path("certificate.pem")]))
        #expect(friend.deliver(1, of: stream) == Delivery(.delivered))
        friend.close()
        #expect(try server.objects().map(\.bytes) == [stream.bytes(1)])
    }
}
