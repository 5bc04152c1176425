import Foundation
import Testing
import WeirTestSupport

/// The proxy before Python's own HTTP server, asked by curl.
@Suite(.enabled(if: Installed.program("curl")))
struct FaultProxyTests {
    private let server: ServerProcess
    private let port: UInt16

    init() async throws {
        port = try LoopbackPort.free()
        server = try ServerProcess("python3", ["-m", "http.server", "--bind", "127.0.0.1", "\(port)"])
        try server.directory.write(Array("word".utf8), to: "file")
        try await server.waitUntilListening(on: port)
    }

    /// The status line's number and body that a client sees, or curl's own complaint.
    private func get(_ proxy: FaultProxy, seconds: String = "5") throws -> Program.Result {
        try Program.run(
            "/usr/bin/env",
            ["curl", "-s", "-m", seconds, "-w", " %{http_code}", "http://127.0.0.1:\(proxy.port)/file"])
    }

    @Test("each connection meets the next fault, and the last one stays")
    func plan() throws {
        let unavailable = FaultProxy.Fault.answer(status: 503, headers: ["Retry-After: 7"], body: Array("later".utf8))
        let proxy = try FaultProxy(to: port, unavailable, .dropAcknowledgement, .resetAnswer(after: 20), .pass)
        #expect(try get(proxy).output == "later 503")
        #expect(try get(proxy).status == 56)
        #expect(try get(proxy).status == 56)
        #expect(try get(proxy).output == "word 200")
        #expect(try get(proxy).output == "word 200")
        #expect(proxy.count(of: unavailable) == 1)
        #expect(proxy.count(of: .pass) == 2)
        #expect(proxy.connections == 5)
    }

    @Test("nobody listens while it refuses, and somebody does afterwards, on the same port")
    func refuse() throws {
        let proxy = try FaultProxy(to: port, .refuse)
        #expect(try get(proxy).status == 7)
        proxy.plan(.pass)
        #expect(try get(proxy).output == "word 200")
        proxy.plan(.pass, .refuse)
        #expect(try get(proxy).output == "word 200")
        #expect(try get(proxy).status == 7)
    }

    @Test("one that hangs answers nothing, and one that is slow answers late")
    func hangAndSlow() throws {
        let proxy = try FaultProxy(to: port, .hang, .slow(bytesPerSecond: 200), .slow(bytesPerSecond: 200))
        #expect(try get(proxy, seconds: "0.3").status == 28)
        #expect(try get(proxy, seconds: "1").status == 28)
        #expect(try get(proxy).output == "word 200")
    }

    @Test("a server that stands still answers again when it goes on")
    func pause() throws {
        let proxy = try FaultProxy(to: port)
        server.pause()
        #expect(try get(proxy, seconds: "0.3").status == 28)
        server.resume()
        #expect(try get(proxy).output == "word 200")
        #expect(server.isRunning)
        server.kill()
        #expect(!server.isRunning)
        #expect(!LoopbackPort.answers(port))
    }
}
