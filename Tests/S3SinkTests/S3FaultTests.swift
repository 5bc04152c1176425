import Foundation
import S3Sink
import Testing
import Weir
import WeirBatch
import WeirExport
import WeirTestSupport

/// A real server behind networks that fail.
@Suite("S3 through faults", .enabled(if: S3Server.isInstalled), .server, .serialized)
struct S3FaultTests {
    private static func refusal(_ status: Int, _ code: String, _ headers: String...) -> FaultProxy.Fault {
        .answer(
            status: status, headers: headers + ["Content-Type: application/xml"],
            body: Array("<?xml version=\"1.0\"?>\n<Error><Code>\(code)</Code><Message>Not now.</Message></Error>".utf8))
    }

    static let faults: [FaultProxy.Fault] = [
        .refuse, .hang, .slow(bytesPerSecond: 1000), .resetRequest(after: 30), .resetRequest(after: 900),
        .resetAnswer(after: 20), .dropAcknowledgement, refusal(429, "TooManyRequests", "Retry-After: 0"),
        refusal(503, "SlowDown", "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT"), refusal(500, "InternalError"),
        .answer(status: 502), refusal(403, "RequestTimeTooSkewed"), refusal(400, "ExpiredToken"),
        refusal(409, "ConditionalRequestConflict"), refusal(404, "NoSuchBucket"), refusal(400, "BadDigest"),
        .answer(status: 412), .answer(status: 307, headers: ["Location: http://127.0.0.1:1/"]),
        .answer(status: 200, headers: ["Content-Type: text/html"], body: Array("<p>log in".utf8)),
    ]

    @Test("all that was recorded is in the bucket once when a fault has passed")
    func heals() async throws {
        // One for all, since it takes seconds to start.
        let server = try await S3Server()
        for (index, fault) in Self.faults.enumerated() {
            try await heal(fault, before: server, prefix: "fault-\(index + 100)")
        }
    }

    private func heal(_ fault: FaultProxy.Fault, before server: S3Server, prefix: String) async throws {
        let proxy = try FaultProxy(to: server.port, fault)
        let source = CountedDeltas()
        let settings = server.settings(through: proxy, ["timeout": "300ms", "prefix": prefix])
        let exporting = try startExporting(every: .milliseconds(20), to: [.s3(settings)], collecting: source)
        if fault == .refuse {
            await source.collections.wait(for: 5)
        } else {
            try await eventually("the fault strikes") { proxy.count(of: fault) > 0 }
            await source.collections.wait(for: source.collections.count + 2)
        }
        proxy.plan(.pass)
        let report = await exporting.shutdown(deadline: .seconds(30))
        let accounts = exporting.snapshots[0].accounts
        #expect(report.isComplete, "\(fault): \(report)")
        #expect(accounts.imbalance == nil, "\(fault)")
        #expect(accounts.delivered.batches == accounts.offered.batches, "\(fault): \(report)")
        let contents = try BatchContents(server.objects(prefix).map(\.bytes))
        #expect(contents.headers.map(\.first) == Array(1...accounts.offered.batches), "\(fault)")
        #expect(contents.headers.allSatisfy { $0.gaps.isEmpty }, "\(fault)")
        #expect(contents.sum(of: "shop/sales") == source.total, "\(fault)")
        if fault == .dropAcknowledgement { #expect(accounts.uncertain.batches > 0) }
        if fault == .refuse { #expect(accounts.uncertain.batches == 0) }
    }

    @Test(
        "a connection that is cut after any number of bytes loses nothing and doubles nothing",
        arguments: [true, false])
    func cut(inAnswers: Bool) async throws {
        let server = try await S3Server()
        let proxy = try FaultProxy(to: server.port)
        let exporter = try open(server.settings(through: proxy))
        let stream = try TestStream()
        var number: UInt64 = 0
        var attempts: UInt64 = 0
        for bytes in stride(from: 0, through: 1500, by: max(100 / testScale, 1)) {
            number += 1
            proxy.plan(inAnswers ? .resetAnswer(after: bytes) : .resetRequest(after: bytes), .pass)
            var delivery: Delivery
            repeat {
                delivery = exporter.deliver(number, of: stream)
                attempts += 1
                #expect(delivery == Delivery(.delivered) || delivery.isRetry, "\(delivery)")
            } while delivery != Delivery(.delivered) && attempts < 20 * number
        }
        #expect(attempts > number)
        #expect((exporter.present > 0) == inAnswers)
        exporter.close()
        #expect(try BatchContents(server.objects().map(\.bytes)).headers.map(\.first) == Array(1...number))
    }

    @Test("a batch that the server will never take is dropped, counted, and told of by the next one")
    func rejected() async throws {
        let server = try await S3Server()
        let proxy = try FaultProxy(to: server.port, Self.refusal(400, "EntityTooLarge"))
        let source = CountedDeltas()
        let exporting = try startExporting(
            every: .milliseconds(20), to: [.s3(server.settings(through: proxy))], collecting: source)
        await source.collections.wait { exporting.snapshots[0].accounts.dropped[.rejected].batches >= 2 }
        proxy.plan(.pass)
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 2 }
        let report = await exporting.shutdown(deadline: .seconds(20))
        let accounts = exporting.snapshots[0].accounts
        #expect(accounts.imbalance == nil)
        let failure = try #require(report.sinks.first).lastFailure
        #expect(failure.contains("HTTP 400: EntityTooLarge: Not now."), "\(report)")
        let headers = try BatchContents(server.objects().map(\.bytes)).headers
        #expect(UInt64(headers.count) == accounts.delivered.batches)
        #expect(headers[0].gaps.map(\.batches).reduce(0, +) == accounts.dropped[.rejected].batches)
    }

    @Test("what only another configuration mends ends the sink, and says which")
    func fatal() async throws {
        let proxy = try FaultProxy(
            to: try LoopbackPort.free(),
            Self.refusal(301, "PermanentRedirect", "x-amz-bucket-region: eu-west-1", "Connection: close"),
            Self.refusal(501, "NotImplemented"))
        let directory = try TemporaryDirectory()
        try directory.write(Array("secret".utf8), to: "secret")
        let settings = [
            "endpoint": "http://127.0.0.1:\(proxy.port)", "bucket": "stats", "accessKeyID": "weir",
            "secretAccessKeyFile": directory.path("secret"), "region": "eu-north-1",
        ]
        let exporter = try open(settings)
        let stream = try TestStream()
        let region = exporter.deliver(1, of: stream)
        #expect(region.outcome == .fatal)
        #expect(region.message.contains("wanted region: eu-west-1, found eu-north-1"), "\(region)")
        let condition = exporter.deliver(1, of: stream)
        #expect(condition.outcome == .fatal && condition.message.contains("conditional: false"), "\(condition)")
        exporter.close()
    }

    @Test("a server that says yes without an ETag is believed, and warned of once; a page is not")
    func foreignSuccess() throws {
        let proxy = try FaultProxy(to: try LoopbackPort.free(), .answer(status: 201, body: Array("OK".utf8)))
        let directory = try TemporaryDirectory()
        try directory.write(Array("secret".utf8), to: "secret")
        let log = LogLines()
        let exporter = try open(
            [
                "endpoint": "http://127.0.0.1:\(proxy.port)", "bucket": "stats", "accessKeyID": "weir",
                "secretAccessKeyFile": directory.path("secret"),
            ], log: log)
        let stream = try TestStream()
        for number: UInt64 in 1...3 { #expect(exporter.deliver(number, of: stream) == Delivery(.delivered)) }
        #expect(log.all.count == 1 && log.all.first?.contains("without an ETag") == true, "\(log.all)")
        proxy.plan(.answer(status: 200, headers: ["Content-Type: text/html"], body: Array("<p>log in".utf8)))
        #expect(exporter.deliver(4, of: stream).outcome == .retry(hint: nil, attemptLimit: 10))
        exporter.close()
    }

    @Test("a server asks to wait, and is left alone for so long", arguments: [429, 503])
    func retryAfter(_ status: Int) async throws {
        let server = try await S3Server()
        let proxy = try FaultProxy(
            to: server.port, Self.refusal(status, "SlowDown", "Retry-After: 3600", "Connection: close"))
        let source = CountedDeltas()
        let exporting = try startExporting(
            every: .milliseconds(10), to: [.s3(server.settings(through: proxy))], collecting: source)
        try await eventually("the server is asked") { proxy.connections > 0 }
        await source.collections.wait(for: source.collections.count + 20)
        #expect(proxy.connections == 1)
        proxy.plan(.pass)
        await exporting.shutdown(deadline: .milliseconds(200))
        #expect(exporting.snapshots[0].accounts.imbalance == nil)
    }

    @Test("a server that stands still loses nothing that it took, and all is there once when it goes on")
    func standsStill() async throws {
        let server = try await S3Server()
        let source = CountedDeltas()
        let exporting = try startExporting(
            every: .milliseconds(20), to: [.s3(server.settings(["timeout": "300ms"]))], collecting: source)
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 2 }
        server.process.pause()
        await source.collections.wait { exporting.snapshots[0].accounts.uncertain.batches >= 1 }
        server.process.resume()
        let report = await exporting.shutdown(deadline: .seconds(30))
        let accounts = exporting.snapshots[0].accounts
        #expect(report.isComplete && accounts.imbalance == nil)
        #expect(accounts.delivered.batches == accounts.offered.batches)
        let contents = try BatchContents(server.objects().map(\.bytes))
        #expect(contents.headers.map(\.first) == Array(1...accounts.offered.batches))
        #expect(contents.sum(of: "shop/sales") == source.total)
    }

    @Test("a shutdown does not wait for a server that stands still, and what was acknowledged is there")
    func stop() async throws {
        let server = try await S3Server()
        let source = CountedDeltas()
        let exporting = try startExporting(
            every: .milliseconds(20), to: [.s3(server.settings(["timeout": "1h"]))], collecting: source)
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 2 }
        server.process.pause()
        let before = exporting.snapshots[0].accounts.offered.batches
        await source.collections.wait { exporting.snapshots[0].accounts.offered.batches > before + 3 }
        let report = await exporting.shutdown(deadline: .milliseconds(300))
        let accounts = exporting.snapshots[0].accounts
        #expect(!report.isComplete && accounts.imbalance == nil)
        server.process.resume()
        // What is there is what was acknowledged, and at most what was being sent.
        try await eventually("what was acknowledged is there") {
            let numbers = try BatchContents(server.objects().map(\.bytes)).headers.map(\.first)
            return accounts.delivered.batches...accounts.delivered.batches + 1 ~= UInt64(numbers.count)
                && numbers == Array(1...UInt64(numbers.count))
        }
    }

    @Test("asked to stop, a call comes back; an end mark is put all the same")
    func endsAfterStop() async throws {
        let server = try await S3Server()
        let exporter = try open(server.settings())
        let stream = try TestStream()
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        exporter.stop()
        #expect(exporter.deliver(2, of: stream).isRetry)
        #expect(exporter.end(1, of: stream) == Delivery(.delivered))
        exporter.close()
        let contents = try BatchContents(server.objects().map(\.bytes))
        #expect(contents.headers.map(\.first) == [1] && contents.endMarks.count == 1)
    }
}
