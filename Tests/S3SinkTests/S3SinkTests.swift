import Foundation
import S3Sink
import Testing
import Weir
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

@Suite("The S3 exporter and a server", .enabled(if: S3Server.isInstalled), .server, .serialized)
struct S3SinkTests {
    private let stream: TestStream

    init() throws {
        stream = try TestStream(0x3333)
    }

    @Test("each batch is an object of its own, whose key is by time; all of them are a batch file, end mark and all")
    func readBack() async throws {
        let server = try await S3Server()
        let source = CountedDeltas()
        let exporting = try startExporting(
            every: .milliseconds(10), to: [.s3(server.settings(["prefix": "shop/till 3"]))], collecting: source)
        await source.collections.wait(for: 5)
        let report = await exporting.shutdown(deadline: .seconds(30))
        #expect(report.isComplete, "\(report)")
        let accounts = exporting.snapshots[0].accounts
        #expect(accounts.imbalance == nil)
        let objects = try server.objects()
        #expect(objects.count == Int(accounts.delivered.batches) + 1)
        #expect(objects.allSatisfy { $0.type == "application/zstd" })
        let contents = try BatchContents(objects.map(\.bytes))
        #expect(contents.sum(of: "shop/sales") == source.total)
        #expect(contents.headers.map(\.first) == Array(1...accounts.delivered.batches))
        #expect(contents.endMarks.count == 1)
        let stream = try #require(contents.headers.first?.stream)
        let name = StreamName(high: stream.high, low: stream.low)
        #expect(
            objects[0].key
                == "shop/till 3/2026/11/24/20261124T235940.000000000Z-\(name)-0000000001-0000000001.weir.zst")
        // Keys go over midnight into another folder.
        #expect(objects[2].key.hasPrefix("shop/till 3/2026/11/25/20261125T000000.000000000Z-"))
        #expect(objects[objects.count - 1].key.hasSuffix("-end.weir.zst"))
    }

    @Test("the loadable library does the same in a process of its own")
    func plugin() async throws {
        let server = try await S3Server()
        let source = CountedDeltas()
        var sink = Sink.plugin("s3", settings: server.settings(), required: true)
        sink.match = ["*", "!weir.*"]
        let exporting = try startExporting(every: .milliseconds(20), to: [sink], collecting: source)
        await source.collections.wait(for: 3)
        let report = await exporting.shutdown(deadline: .seconds(30))
        #expect(report.isComplete, "\(report)")
        #expect(exporting.snapshots[0].accounts.imbalance == nil)
        let contents = try BatchContents(server.objects().map(\.bytes))
        #expect(contents.sum(of: "shop/sales") == source.total && contents.endMarks.count == 1)
    }

    @Test("a batch that is sent again changes nothing, and counts as delivered; without a condition it is put again")
    func resend() async throws {
        let server = try await S3Server()
        let exporter = try open(server.settings())
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        let before = try server.objects()
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        #expect(exporter.present == 1)
        exporter.close()
        let unconditional = try open(server.settings(["conditional": "false", "checksum": "none"]))
        #expect(unconditional.deliver(1, of: stream) == Delivery(.delivered))
        #expect(unconditional.deliver(2, of: stream) == Delivery(.delivered))
        #expect(unconditional.present == 0)
        unconditional.close()
        let after = try server.objects()
        #expect(after.count == 2 && after[0] == before[0])
        #expect(after[0].bytes == stream.bytes(1))
    }

    @Test("headers of the settings go with each request and are signed")
    func headers() async throws {
        let server = try await S3Server()
        let exporter = try open(server.settings(["headers": "x-amz-storage-class=STANDARD_IA,x-amz-meta-a=b c"]))
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        exporter.close()
        #expect(try server.objects().map(\.storageClass) == ["STANDARD_IA"])
        let unsortable = try open(server.settings(["headers": "x-amz-meta-a=1,x-amz-meta-a-b=2"]))
        let delivery = unsortable.deliver(2, of: stream)
        #expect(delivery.isRetry && delivery.message.contains("found x-amz-meta-a and x-amz-meta-a-b"), "\(delivery)")
        unsortable.close()
    }

    @Test("the bucket's name may stand before the host's")
    func addressing() async throws {
        let server = try await S3Server()
        let exporter = try open(
            server.settings(["endpoint": "http://localhost:\(server.port)", "addressing": "host", "prefix": "a=b/é"]))
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        exporter.close()
        let objects = try server.objects()
        #expect(objects.map(\.bytes) == [stream.bytes(1)] && objects[0].key.hasPrefix("a=b/é/"))
    }

    @Test("a batch larger than what libcurl asks about first")
    func large() async throws {
        let server = try await S3Server()
        let exporter = try open(server.settings())
        let large = try TestStream(0x5A5A_5A5A_1357_9BDF, rows: 400_000)
        #expect(large.payload.bytes.count > 1 << 20)
        #expect(exporter.deliver(1, of: large) == Delivery(.delivered))
        exporter.close()
        #expect(try server.objects().map(\.bytes) == [large.bytes(1)])
    }

    @Test("a bucket that is not there is waited for, and used when it is")
    func noBucket() async throws {
        let server = try await S3Server(bucket: "")
        let exporter = try open(server.settings(["accessKeyID": "admin", "secretAccessKeyFile": secret(server)]))
        let delivery = exporter.deliver(1, of: stream)
        #expect(delivery.outcome == .retry(hint: nil, attemptLimit: nil) && !delivery.isUncertain)
        #expect(delivery.message.contains("there is no bucket stats at \(server.endpoint)/stats/: make it"))
        try server.makeBucket("stats")
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        exporter.close()
    }

    private func secret(_ server: S3Server) throws -> String {
        try server.process.directory.write(Array("everything\n".utf8), to: "admin")
        return server.process.directory.path("admin")
    }

    @Test("a key that is wrong, or may not write, is named with what to do, and works when its file is mended")
    func wrongKey() async throws {
        let server = try await S3Server()
        let log = LogLines()
        let exporter = try open(server.settings(), log: log)
        try server.process.directory.write(Array("another".utf8), to: "secret")
        let delivery = exporter.deliver(1, of: stream)
        #expect(delivery.outcome == .retry(hint: nil, attemptLimit: nil))
        #expect(delivery.message.contains("SignatureDoesNotMatch: the secret is not this access key's"))
        try server.process.directory.write(Array("\(S3Server.writer.secret)\n".utf8), to: "secret")
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        exporter.close()
        let elsewhere = try open(server.settings(["bucket": "others"]))
        let denied = elsewhere.deliver(1, of: stream)
        #expect(denied.isRetry && denied.message.contains("needs the right s3:PutObject on others/weir/*"), "\(denied)")
        elsewhere.close()
        let words = log.all.joined() + delivery.message + denied.message
        #expect(!words.contains("hunter2") && !words.contains("another "))
    }
}
