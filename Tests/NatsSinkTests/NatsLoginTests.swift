import Foundation
import NatsSink
import Testing
import Weir
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("The NATS exporter and who may do what", .enabled(if: Nats.isInstalled, "nats-server"), .server)
struct NatsLoginTests {
    private let stream: TestStream
    private let directory: TemporaryDirectory
    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
        path: "Fixtures")

    init() throws {
        stream = try TestStream(0x1111)
        directory = try TemporaryDirectory()
    }

    private func file(_ name: String, _ text: String) throws -> String {
        try directory.write(Array((text + "\n").utf8), to: name)
        return directory.path(name)
    }

    private static func fixture(_ name: String) throws -> String {
        try String(contentsOf: fixtures.appending(path: name), encoding: .utf8).trimmingCharacters(in: .newlines)
    }

    private func expectDelivered(_ settings: [String: String], to server: TestServer) throws {
        let exporter = try open(settings.merging(["servers": server.url, "createStream": "true"]) { $1 })
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        exporter.close()
    }

    /// What the sink says when it is opened, and not that trying again helps.
    private func refusal(_ settings: [String: String], by server: TestServer) throws -> String {
        do throws(ExportError) {
            try open(settings.merging(["servers": server.url]) { $1 }).close()
        } catch {
            guard case .exporter(_, let message, let isTransient) = error else { throw error }
            #expect(!isTransient)
            return message
        }
        Issue.record("it is not refused")
        return ""
    }

    @Test("a user and the password in a file are taken; a wrong one, and none, are refused without being shown")
    func password() async throws {
        let server = try await Nats.server("authorization { user: weir, password: \"right one\" }")
        let right = try file("right", "right one")
        try expectDelivered(["user": "weir", "passwordFile": right], to: server)
        let wrong = try file("wrong", "a secret that is wrong")
        for settings in [["user": "weir", "passwordFile": wrong], [:]] {
            let exporter = try open(settings.merging(["servers": server.url]) { $1 })
            let delivery = exporter.deliver(1, of: stream)
            #expect(delivery.outcome == .retry(hint: nil, attemptLimit: nil) && !delivery.isUncertain, "\(delivery)")
            #expect(delivery.message.hasPrefix("\(server.url) refuses: ") && !delivery.message.contains("secret"))
            exporter.close()
        }
    }

    @Test("a password that is changed at the server first is refused until its file has it, and no batch is lost")
    func rotates() async throws {
        let port = try LoopbackPort.free()
        let token = try file("token", "first")
        let data = try TemporaryDirectory()
        var server = try await Nats.server("authorization { token: first }", port: port, in: data)
        var sink = Sink(
            NatsSink.plugin, name: "nats",
            settings: ["servers": server.url, "createStream": "true", "tokenFile": token])
        sink.retry = RetryPolicy(first: .milliseconds(10), longest: .milliseconds(50))
        sink.breaker = BreakerPolicy(failuresInARow: 0, failuresOf20: 0)
        sink.maximumBatches = 1_000_000
        sink.match = ["*", "!weir.*"]
        let exporting = try startExporting(every: .milliseconds(20), to: [sink], collecting: Heartbeat())
        func snapshot() -> SinkSnapshot { exporting.snapshots[0] }
        try await eventually("batches flow") { snapshot().accounts.delivered.batches > 2 }
        server.process.stop()
        server = try await Nats.server("authorization { token: second }", port: port, in: data)
        let before = snapshot().deliveries.retried
        try await eventually("the login is refused again and again") { snapshot().deliveries.retried > before + 5 }
        #expect(snapshot().accounts.dropped.total.batches == 0)
        _ = try file("token", "second")
        let delivered = snapshot().accounts.delivered.batches
        try await eventually("batches flow again") { snapshot().accounts.delivered.batches > delivered + 2 }
        let report = await exporting.shutdown(deadline: .seconds(30))
        #expect(report.isComplete, "\(report)")
        #expect(snapshot().accounts.delivered == snapshot().accounts.offered)
    }

    /// Batches of nothing but their time.
    private final class Heartbeat: BatchSource {
        func collect(into batch: inout Batch) {
            batch = Batch()
            (batch.startTime, batch.endTime) = (1, 2)
        }
    }

    @Test("a token and a password are read anew for each connection")
    func readAnew() async throws {
        let port = try LoopbackPort.free()
        let token = try file("token", "first")
        let data = try TemporaryDirectory()
        var server = try await Nats.server("authorization { token: first }", port: port, in: data)
        let exporter = try open(["servers": server.url, "createStream": "true", "tokenFile": token])
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        server.process.stop()
        _ = try file("token", "second")
        #expect(exporter.deliver(2, of: stream).isRetry)
        server = try await Nats.server("authorization { token: second }", port: port, in: data)
        try await eventually("the stream is back") { exporter.deliver(2, of: stream) == Delivery(.delivered) }
        exporter.close()
    }

    @Test("a file that is not there, and one without a word, are named when the sink is opened")
    func files() async throws {
        let server = try await Nats.server()
        let missing = directory.path("missing")
        let empty = try file("empty", "")
        #expect(
            try refusal(["user": "weir", "passwordFile": missing], by: server).hasPrefix("cannot read \(missing): "))
        #expect(try refusal(["tokenFile": empty], by: server).hasPrefix("cannot read \(empty): wanted a line of text"))
        #expect(try refusal(["credentialsFile": missing], by: server).hasPrefix("cannot read \(missing): "))
    }

    @Test("a credentials file and an NKey are taken")
    func keys() async throws {
        let credentials = Self.fixtures.appending(path: "user.creds").path
        let accounts = try Self.fixture("accounts.conf")
        let byFile = try await Nats.server(
            "operator: \"\(Self.fixtures.appending(path: "operator.jwt").path)\"\n\(accounts)")
        try expectDelivered(["credentialsFile": credentials], to: byFile)
        let nkey = try Self.fixture("user.nkey")
        let byKey = try await Nats.server("authorization { users: [ { nkey: \(nkey) } ] }")
        let seed = Self.fixtures.appending(path: "user.seed").path
        try expectDelivered(["nkey": nkey, "nkeySeedFile": seed], to: byKey)
    }

    @Test("a user that may not publish there is told so, and tries again")
    func notPermitted() async throws {
        let server = try await Nats.server(
            """
            authorization { users: [ { user: weir, password: p, permissions: {
                publish: { allow: ["$JS.API.>"] }, subscribe: { allow: ["_INBOX.>"] } } } ] }
            """)
        let password = try file("password", "p")
        let exporter = try open([
            "servers": server.url, "createStream": "true", "user": "weir", "passwordFile": password,
            "publishTimeout": "500ms",
        ])
        let delivery = exporter.deliver(1, of: stream)
        #expect(delivery.isRetry && !delivery.isUncertain)
        #expect(delivery.message.lowercased().contains("permissions violation"), "\(delivery)")
        exporter.close()
    }

    @Test(
        "settings that contradict each other are refused with a word on what is wrong",
        arguments: [
            (["servers": ""], "servers"), (["servers": "http://127.0.0.1"], "servers: wanted nats://"),
            (["servers": "nats://u:secret@127.0.0.1"], "servers: a user and password stand in"),
            (["servers": "nats://127.0.0.1:99999"], "servers: wanted"), (["subject": "a..b"], "subject: wanted"),
            (["subject": "a.>"], "subject: wanted"), (["stream": "a.b"], "stream: wanted"),
            (["user": "u"], "user and passwordFile belong together"),
            (["keyFile": "k"], "certificateFile and keyFile belong together"),
            (["caFile": "c"], "caFile and certificateFile are of no use without tls"),
            (["user": "u", "passwordFile": "p", "tokenFile": "t"], "wanted at most one of"),
        ])
    func contradictions(settings: [String: String], words: String) {
        let error = #expect(throws: ExportError.self) { try open(settings) }
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
        #expect(error?.description.contains("secret") != true)
    }
}
