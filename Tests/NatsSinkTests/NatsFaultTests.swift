import Foundation
import NatsSink
import Synchronization
import Testing
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

@Suite("The NATS exporter and a server that fails", .enabled(if: Nats.isInstalled, "nats-server"), .server)
struct NatsFaultTests {
    private let stream: TestStream

    init() throws {
        stream = try TestStream(0x1111)
    }

    /// As a sink would: again until it is there.
    private func deliverUntilThere(_ number: UInt64, to exporter: any OpenExporter) -> Int {
        for attempt in 1...20 {
            let delivery = exporter.deliver(number, of: stream)
            if delivery.outcome == .delivered { return attempt }
            #expect(delivery.isRetry, "\(delivery)")
        }
        Issue.record("batch \(number) is never taken")
        return 20
    }

    @Test("a server that is away at first is reached when it is there, with the subject's last stream")
    func awayAtFirst() async throws {
        let port = try LoopbackPort.free()
        let exporter = try open(["servers": "nats://127.0.0.1:\(port)", "createStream": "true"])
        let delivery = exporter.deliver(1, of: stream)
        #expect(delivery.outcome == .retry(hint: nil, attemptLimit: nil) && !delivery.isUncertain)
        #expect(delivery.message.hasPrefix("cannot connect to nats://127.0.0.1:\(port): "))
        let server = try await Nats.server(port: port)
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        exporter.close()
        let next = try open(["servers": server.url])
        #expect(next.previousStream == stream.stream)
        next.close()
    }

    @Test("one server of several that are named is enough")
    func oneOfSeveral() async throws {
        let server = try await Nats.server()
        let away = try LoopbackPort.free()
        let servers = "nats://127.0.0.1:\(away), nats://127.0.0.1:\(away), \(server.url)"
        let exporter = try open(["servers": servers, "createStream": "true"])
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        exporter.close()
    }

    @Test("a server that hangs costs the timeout; the batch may be there, is sent again, and is stored once")
    func hangs() async throws {
        let server = try await Nats.server()
        let exporter = try open(["servers": server.url, "createStream": "true", "publishTimeout": "300ms"])
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        server.process.pause()
        let delivery = exporter.deliver(2, of: stream)
        #expect(delivery.isRetry && delivery.isUncertain, "\(delivery)")
        #expect(delivery.message == "\(server.url) did not acknowledge: Timeout")
        server.process.resume()
        _ = deliverUntilThere(2, to: exporter)
        exporter.close()
        #expect(try BatchContents(NatsReader(server.url).messages().map(\.bytes)).headers.map(\.first) == [1, 2])
    }

    @Test("the host's deadline is kept")
    func deadline() async throws {
        let server = try await Nats.server()
        let exporter = try open(["servers": server.url, "createStream": "true", "publishTimeout": "5m"])
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        server.process.pause()
        #expect(exporter.deliver(2, of: stream, within: 1).isRetry)
        server.process.resume()
        exporter.close()
    }

    @Test("asked to stop, a call that waits for a server comes back, and closing does not wait for it")
    func stops() async throws {
        let server = try await Nats.server()
        let exporter = try open(["servers": server.url, "createStream": "true", "publishTimeout": "5m"])
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        server.process.pause()
        let calls = Atomic(0)
        async let delivery = Task.detached { [stream] in
            calls.store(1, ordering: .relaxed)
            return exporter.deliver(2, of: stream, within: 3600)
        }.value
        try await eventually("the call has begun") { calls.load(ordering: .relaxed) == 1 }
        exporter.stop()
        let ended = await delivery
        // The stop may have come just before the call.
        let closed = "\(server.url) did not acknowledge: Connection Closed"
        #expect(ended.isRetry && [closed, "asked to stop"].contains(ended.message), "\(ended)")
        #expect(exporter.deliver(3, of: stream).message == "asked to stop")
        exporter.close()
        server.process.resume()
    }

    @Test("an end mark is published after a stop too")
    func endsAfterStop() async throws {
        let server = try await Nats.server()
        let exporter = try open(["servers": server.url, "createStream": "true"])
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        exporter.stop()
        #expect(exporter.end(1, of: stream) == Delivery(.delivered))
        exporter.close()
        #expect(try BatchContents(NatsReader(server.url).messages().map(\.bytes)).endMarks.count == 1)
    }

    @Test(
        "a connection that is cut after any number of bytes loses nothing and doubles nothing",
        arguments: [true, false])
    func cut(inAnswers: Bool) async throws {
        let server = try await Nats.server()
        let proxy = try FaultProxy(to: server.port)
        let exporter = try open([
            "servers": "nats://127.0.0.1:\(proxy.port)", "createStream": "true", "publishTimeout": "2s",
        ])
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        var number: UInt64 = 1
        var attempts = 0
        for bytes in stride(from: 0, through: 2600, by: max(100 / testScale, 1)) {
            number += 1
            proxy.plan(inAnswers ? .resetAnswer(after: bytes) : .resetRequest(after: bytes), .pass)
            attempts += deliverUntilThere(number, to: exporter)
        }
        #expect(attempts > Int(number))
        exporter.close()
        #expect(
            try BatchContents(NatsReader(server.url).messages().map(\.bytes)).headers.map(\.first) == Array(1...number))
    }

    @Test("a lost acknowledgement is counted as uncertain, and the resend as a duplicate")
    func lostAcknowledgement() async throws {
        let server = try await Nats.server()
        let proxy = try FaultProxy(to: server.port)
        let exporter = try open([
            "servers": "nats://127.0.0.1:\(proxy.port)", "createStream": "true", "publishTimeout": "2s",
        ])
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        var number: UInt64 = 1
        // Where in the answers the acknowledgement stands is the server's affair: somewhere it is cut off.
        while exporter.count("messages.deduplicated") == 0, number < 200 {
            number += 1
            proxy.plan(.resetAnswer(after: Int(number) * 20), .pass)
            var uncertain = 0
            while true {
                let delivery = exporter.deliver(number, of: stream)
                if delivery.outcome == .delivered { break }
                uncertain += delivery.isUncertain ? 1 : 0
            }
            if exporter.count("messages.deduplicated") == 1 { #expect(uncertain > 0) }
        }
        #expect(exporter.count("messages.deduplicated") == 1)
        exporter.close()
        #expect(
            try BatchContents(NatsReader(server.url).messages().map(\.bytes)).headers.map(\.first) == Array(1...number))
    }

    @Test("a server that is killed and comes back has what it acknowledged, once")
    func killed() async throws {
        let directory = try TemporaryDirectory()
        let port = try LoopbackPort.free()
        var server = try await Nats.server(port: port, in: directory)
        let exporter = try open(["servers": server.url, "createStream": "true", "publishTimeout": "2s"])
        for round in 0..<3 {
            for number in 1...5 { _ = deliverUntilThere(UInt64(round * 5 + number), to: exporter) }
            server.process.kill()
            #expect(exporter.deliver(UInt64(round * 5 + 6), of: stream).isRetry)
            server = try await Nats.server(port: port, in: directory)
            // Its streams are there a moment after its port.
            try await eventually("the stream is back") {
                exporter.deliver(UInt64(round * 5 + 6), of: stream).outcome == .delivered
            }
        }
        exporter.close()
        #expect(try BatchContents(NatsReader(server.url).messages().map(\.bytes)).headers.map(\.first) == Array(1...16))
    }
}
