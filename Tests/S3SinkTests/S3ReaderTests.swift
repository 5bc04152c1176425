import Foundation
import S3Sink
import Testing
import Weir
import WeirBatch
import WeirConfiguration
import WeirExport
import WeirTestSupport

/// What others make of a bucket: ClickHouse's engine, `weir` itself.
@Suite("Readers of a bucket", .enabled(if: S3Server.isInstalled), .server, .serialized)
struct S3ReaderTests {
    private static let isQueryable = Installed.pythonModules("chdb")

    private static var weir: String {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "weir").path
    }

    @Test(
        "the README's configuration runs as it is written, as a plugin in a process of its own; its query reads what was recorded",
        .enabled(if: isQueryable, "pip chdb==4.4.0"))
    func readme() async throws {
        let server = try await S3Server()
        let yaml = try ReadmeSample.yaml(
            of: "S3Exporter", ["127.0.0.1:8333": "127.0.0.1:\(server.port)", "/run/secrets/s3": server.secretFile])
        let stats = try Stats()
        let sales = Measure<Int64>("shop.sales")
        let till = TagKey("till")
        try stats.register(View("shop/sales", of: sales, by: [till], as: .sum))
        try stats.register(View("shop/sold", of: sales, as: .count))
        let exporting = try startExporting(
            configuration: Configuration(yaml: yaml, file: "README.md", environment: [:]), from: stats)
        for number in 1...100 {
            sales.record(Int64(number), Tags([till: number % 4 == 0 ? "north" : "south"]), in: stats)
        }
        let report = await exporting.shutdown(deadline: .seconds(60))
        #expect(report.isComplete, "\(report)")
        let contents = try BatchContents(server.objects("shop/").map(\.bytes))
        #expect(contents.sum(of: "shop/sales") == 5050 && contents.endMarks.count == 1)

        let query = try ReadmeSample.block("sql", of: "S3Exporter", ["http://127.0.0.1:8333": server.endpoint])
        let rows = try server.query(query)
        #expect(
            rows.filter { $0.hasPrefix("shop/") } == [
                "shop/sales\t['north']\t1300", "shop/sales\t['south']\t3750", "shop/sold\t[]\t100",
            ])
    }

    @Test(
        "ClickHouse counts every batch of a bucket once, after a server that answered into nowhere",
        .enabled(if: isQueryable))
    func query() async throws {
        let server = try await S3Server()
        let proxy = try FaultProxy(to: server.port, .pass, .dropAcknowledgement, .dropAcknowledgement, .pass)
        let source = CountedDeltas()
        let exporting = try startExporting(
            every: .milliseconds(10), to: [.s3(server.settings(through: proxy))], collecting: source)
        await source.collections.wait(for: 3)
        proxy.plan(.dropAcknowledgement, .dropAcknowledgement, .pass)
        await source.collections.wait(for: source.collections.count + 10)
        let report = await exporting.shutdown(deadline: .seconds(30))
        #expect(report.isComplete, "\(report)")
        let accounts = exporting.snapshots[0].accounts
        #expect(accounts.imbalance == nil && accounts.uncertain.batches > 0)
        let table = "s3('\(server.endpoint)/stats/weir/**/*.weir.zst', 'KEY', 'SECRET', 'ProtobufSingle')"
        let schema = "settings format_schema = 'batch.proto:Batches'"
        let totals = try server.query(
            "select count(), uniqExact(b.end_time), sum(arraySum(arrayMap(v -> arraySum(v.integers), b.views))) "
                + "from \(table) array join batches as b \(schema)")
        let batches = accounts.delivered.batches
        #expect(totals == ["\(batches)\t\(batches)\t\(source.total)"])
    }

    @Test("a key of the environment signs in a plugin's process too, is shown nowhere, and weir reads what it put")
    func environment() async throws {
        let server = try await S3Server()
        let folder = try TemporaryDirectory()
        let yaml = """
            interval: 200ms
            sinks:
              archive:
                exporter: s3
                settings: {endpoint: "\(server.endpoint)", bucket: stats}
            """
        try folder.write(Array(yaml.utf8), to: "weir.yaml")
        let environment = [
            "AWS_ACCESS_KEY_ID": S3Server.writer.id, "AWS_SECRET_ACCESS_KEY": S3Server.writer.secret,
            "AWS_SESSION_TOKEN": "",
        ]
        let checked = try Program.run(
            Self.weir, ["config", "check", "--plugins", "weir.yaml"], environment: environment, in: folder)
        let run = try Program.run(
            Self.weir, ["run", "-c", "weir.yaml", "--", "sleep", "1"], environment: environment, in: folder)
        for result in [checked, run] {
            #expect(result.status == 0, "\(result.errors)")
            #expect(!(result.output + result.errors).contains(S3Server.writer.secret))
        }
        let objects = try server.objects("weir/")
        #expect(objects.count >= 3)
        let day = try TemporaryDirectory()
        for object in objects {
            #expect(!String(decoding: object.bytes, as: UTF8.self).contains(S3Server.writer.secret))
            try day.write(object.bytes, to: String(object.key.split(separator: "/").last ?? ""))
        }
        let check = try Program.run(Self.weir, ["check", day.path])
        #expect(check.status == 0, "\(check.output)\(check.errors)")
        let dump = try Program.run(Self.weir, ["dump", day.path])
        #expect(dump.status == 0 && dump.output.contains("system.cpu"), "\(dump.errors)")
    }

    @Test(
        "another server agrees: nothing is put twice, and a bucket that is not there is waited for",
        .enabled(if: Installed.program("moto_server"), "pip moto[server]==5.2.1"))
    func moto() async throws {
        let port = try LoopbackPort.free()
        let server = try ServerProcess("moto_server", ["-H", "127.0.0.1", "-p", "\(port)"])
        try await server.waitUntilListening(on: port, within: 60)
        try server.directory.write(Array("any".utf8), to: "secret")
        let endpoint = "http://127.0.0.1:\(port)"
        let exporter = try open([
            "endpoint": endpoint, "bucket": "stats", "accessKeyID": "any",
            "secretAccessKeyFile": server.directory.path("secret"),
        ])
        let stream = try TestStream()
        let delivery = exporter.deliver(1, of: stream)
        #expect(delivery.isRetry && delivery.message.contains("there is no bucket stats"), "\(delivery)")
        let variables = ["AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"]
        _ = try python("bucket.py", endpoint, "stats", "--make", environment: variables)
        for _ in 1...2 { #expect(exporter.deliver(1, of: stream) == Delivery(.delivered)) }
        #expect(exporter.present == 1)
        exporter.close()
        let objects = try StoredObject.all(in: "stats", of: endpoint, environment: variables)
        #expect(objects.map(\.bytes) == [stream.bytes(1)])
    }
}
