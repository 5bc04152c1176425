import Foundation
import WeirTestSupport

/// A collector that decodes what it gets with OpenTelemetry's own Python classes.
final class Collector: Sendable {
    /// What a request held.
    struct Request: Decodable, Equatable {
        var path: String
        var encoding: String
        var authorization: String
        var tenant: String
        var bytes: Int
        var resource: String
        var scope: String
        /// A text each, in order.
        var points: [String]
        /// The same, as they came.
        var order: [String]
    }

    static let isInstalled = Installed.pythonModules("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2")
    /// What a test that needs it is not run without.
    static let package = "pip opentelemetry-proto==1.45.2"

    let port: UInt16
    let server: ServerProcess

    /// - Parameters:
    ///   - certificates: Makes it one that speaks TLS.
    ///   - asksClients: Whether it serves only those whom the authority vouches for.
    init(
        rejecting points: Int = 0, because reason: String = "no room for them", _ certificates: Certificates? = nil,
        asksClients: Bool = false
    ) async throws {
        port = try LoopbackPort.free()
        let directory = try TemporaryDirectory()
        let script = Bundle.module.path(forResource: "collector", ofType: "py", inDirectory: "Fixtures") ?? ""
        var arguments = [script, "\(port)", directory.path("requests"), "--reject", "\(points)", "--because", reason]
        if let certificates {
            arguments += ["--certificate", certificates.certificate("here"), "--key", certificates.key("here")]
            if asksClients { arguments += ["--clients", certificates.authority] }
        }
        server = try ServerProcess("python3", arguments, in: directory)
        try await server.waitUntilListening(on: port)
    }

    var requests: [Request] {
        let text = (try? server.directory.text("requests")) ?? ""
        // The last line may still be being written.
        return text.split(separator: "\n").compactMap { try? JSONDecoder().decode(Request.self, from: Data($0.utf8)) }
    }
}
