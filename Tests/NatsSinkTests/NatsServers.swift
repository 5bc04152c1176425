import Foundation
import Testing
import WeirTestSupport

/// nats-server with JetStream, one or three of them: Debian's package nats-server.
enum Nats {
    static let isInstalled = Installed.program("nats-server")

    /// One server. `lines` are lines of its configuration.
    static func server(_ lines: String = "", port: UInt16? = nil, in directory: TemporaryDirectory? = nil) async throws
        -> TestServer
    {
        let server = try TestServer(port: port ?? LoopbackPort.free(), lines, in: directory ?? TemporaryDirectory())
        try await server.process.waitUntilListening(on: server.port)
        return server
    }

    /// Three servers that know each other.
    static func cluster() async throws -> [TestServer] {
        let routes = try (1...3).map { _ in try LoopbackPort.free() }
        let list = routes.map { "nats://127.0.0.1:\($0)" }.joined(separator: ", ")
        let servers = try routes.enumerated().map { index, route in
            try TestServer(
                port: LoopbackPort.free(),
                """
                server_name: n\(index)
                cluster { name: weir, listen: "127.0.0.1:\(route)", routes: [\(list)] }
                """, in: TemporaryDirectory())
        }
        for server in servers { try await server.process.waitUntilListening(on: server.port) }
        return servers
    }
}

/// A server that runs, and what it was started with.
final class TestServer: Sendable {
    let process: ServerProcess
    let port: UInt16

    var url: String { "nats://127.0.0.1:\(port)" }

    init(port: UInt16, _ lines: String, in directory: TemporaryDirectory) throws {
        self.port = port
        try directory.write(
            Array(
                """
                listen: "127.0.0.1:\(port)"
                jetstream { store_dir: "\(directory.path)/store" }
                \(lines)

                """.utf8), to: "nats.conf")
        process = try ServerProcess("nats-server", ["-c", directory.path("nats.conf")], in: directory)
    }
}

/// How long a test may take at most: a server that hangs must not hang the suite.
extension Trait where Self == TimeLimitTrait {
    static var server: Self { .timeLimit(.minutes(3)) }
}
