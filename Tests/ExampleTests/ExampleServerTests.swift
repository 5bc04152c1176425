import Foundation
import Testing
import WeirTestSupport

/// The web server of `Tests/Example`, which `swift build --package-path Tests/Example --scratch-path .build-example`
/// makes, under load, with a real Prometheus that scrapes it.
@Suite(
    "A web server that Prometheus scrapes", .enabled(if: ExampleServer.isBuilt), .serialized, .timeLimit(.minutes(3)))
struct ExampleServerTests {
    /// Requests as fast as curl makes them, 50 at a time.
    private func request(_ url: String, _ arguments: String...) throws {
        let made = try Program.run(
            "/usr/bin/env", ["curl", "-sS", "-Z", "--parallel-max", "50", "-o", "/dev/null"] + arguments + [url])
        #expect(made.status == 0, "\(made.errors)")
    }

    @Test("requests in Prometheus are the requests that were made, and a server that is asked to end ends well")
    func counts() async throws {
        let server = try await ExampleServer()
        let root = "http://127.0.0.1:\(server.port)"
        try request("\(root)/users/[1-3000]")
        try request("\(root)/teapot?[1-200]")
        try request("\(root)/nowhere?[1-100]")
        try request("\(root)/orders?[1-500]", "-d", "a pound of tea")
        let served = ["GET /users/{id} 200": 3000, "POST /orders 200": 500]
        let refused = ["GET /teapot 418": 200, "GET NotFound 404": 100]
        try await eventually("Prometheus has all requests") {
            try server.numbers("hb_requests_total") == served.merging(refused) { $1 }
        }
        #expect(try server.numbers("http_server_request_duration_seconds_count") == served)
        let longest = try server.numbers(#"http_server_request_duration_seconds_bucket{le="10.0"}"#)
        #expect(longest == served)
        let errors = try server.prometheus.query("sum(hb_request_errors_total)")
        #expect(errors.map(\.value) == ["300"])
        let active = try server.prometheus.query("http_server_active_requests")
        #expect(active.allSatisfy { $0.value == "0" } && active.count == 2, "\(active)")
        server.process.stop()
        #expect(server.process.output.contains("export to prometheus"), "\(server.process.output)")
    }

    @Test(
        "under a load that is cut off, what was answered is counted, and nothing twice",
        .enabled(if: Installed.program("wrk")))
    func load() async throws {
        let server = try await ExampleServer()
        let connections = 32
        let load = try Program.run(
            "/usr/bin/env", ["wrk", "-t2", "-c\(connections)", "-d2s", "http://127.0.0.1:\(server.port)/users/7"])
        let line = try #require(load.output.split(separator: "\n").first { $0.contains(" requests in ") })
        let answered = try #require(Int(line.split(separator: " ")[0]))
        #expect(answered > 0 && !load.output.contains("Non-2xx"))
        // Each connection may have been cut before its last answer had come.
        try await eventually("Prometheus has what was answered") {
            let counted = try server.numbers("hb_requests_total")["GET /users/{id} 200"] ?? 0
            return (answered...answered + connections).contains(counted)
        }
        // And it stays there.
        try await Task.sleep(for: .seconds(1))
        let counted = try server.numbers("hb_requests_total")["GET /users/{id} 200"] ?? 0
        #expect((answered...answered + connections).contains(counted), "\(answered) answered, \(counted) counted")
    }
}
