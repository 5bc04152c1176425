import Foundation
import OtlpHttpSink
import Testing
import Weir
import WeirBatch
import WeirExport
import WeirTestSupport

/// Against a collector that reads with OpenTelemetry's own classes: `pip opentelemetry-proto`.
@Suite("OTLP over HTTP", .enabled(if: Collector.isInstalled), .serialized)
struct OtlpHttpSinkTests {
    private let hour = Duration.seconds(3600)

    @Test("what a collector reads is what was recorded, to the last bit", arguments: ["gzip", "none"])
    func readBack(_ compression: String) async throws {
        let collector = try await Collector()
        let batches = (1...3).map { ShopBatches.batch($0) }
        let source = MadeBatches(batches)
        let exporting = try startExporting(
            every: .milliseconds(1), to: [.otlp(collector.port, ["compression": compression])], collecting: source,
            resource: ["service.name": "shop", "host.name": "till 3"])
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 3 }
        let report = await exporting.shutdown(deadline: .seconds(20))
        #expect(report.isComplete)
        #expect(exporting.snapshots[0].accounts.imbalance == nil)
        let requests = collector.requests
        // Collections without a row make no request.
        #expect(requests.map(\.points) == batches.map(\.expectedPoints))
        let first = try #require(requests.first)
        #expect(first.path == "/v1/metrics" && first.scope == "weir")
        #expect(first.encoding == (compression == "gzip" ? "gzip" : ""))
        #expect(first.resource.contains("service.name=shop"))
    }

    @Test("points of a series ascend in time, and nothing ends that goes on", arguments: [nil, "64KiB"] as [String?])
    func ascending(requestBytes: String?) async throws {
        let collector = try await Collector()
        var builder = BatchBuilder(start: 10, end: 20)
        builder.view("hits", .count, keys: ["k"]) { rows in
            rows.row(["again"], start: 16, 7)
            for number in 0..<(requestBytes == nil ? 1 : 3_000) { rows.row(["other \(number)"], start: 10, 1) }
            rows.row(["again"], start: 5, end: 13, 5)
            rows.row(["again"], start: 14, end: 15, 6)
            rows.row(["gone"], start: 5, end: 12, 1)
            rows.row(["gone"], start: 13, end: 18, 2)
        }
        let source = MadeBatches([builder.batch])
        let settings = requestBytes.map { ["requestBytes": $0] } ?? [:]
        let exporting = try startExporting(
            every: .milliseconds(1), to: [.otlp(collector.port, settings)], collecting: source)
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 1 }
        await exporting.shutdown(deadline: .seconds(20))
        #expect(collector.requests.count > 1 || requestBytes == nil)
        let points = collector.requests.flatMap(\.order)
        func times(_ tag: String) -> [String] {
            points.filter { $0.contains("{k=\(tag)}") }.map { String($0.split(separator: "} ")[1]) }
        }
        #expect(times("again") == ["5-13 i5", "14-15 i6", "16-20 i7"])
        #expect(times("gone") == ["5-12 i1", "13-18 i2", "13-20 ended"])
    }

    @Test("exemplars of every kind of point are read with their spans and the tags that were left out")
    func exemplars() async throws {
        let collector = try await Collector()
        var builder = BatchBuilder(start: 10, end: 20)
        builder.view("hits", .count, temporality: .delta) { rows in
            rows.row(start: 10, 5)
            rows.exemplar(0.25, time: 11, span: 0x0102_0304_0506_0708, tags: [("user", "me"), ("empty", "")])
        }
        builder.view("sum", .sum, .double) { rows in
            rows.row(start: 10, double: 1)
            rows.exemplar(-2, time: 12)
        }
        builder.view("level", .lastValue) { rows in
            rows.row(start: 10, 7)
            rows.exemplar(7, time: 13, span: 1)
        }
        builder.view("latency", .distribution, .double, bounds: [1]) { rows in
            rows.row(start: 10, sum: 1, buckets: [1, 1])
            rows.exemplar(0.5, time: 14, span: 2)
            rows.exemplar(2, time: 15, span: 3, tags: [("user", "somebody else")])
        }
        builder.view("sizes", .exponentialDistribution, .double) { rows in
            rows.row(start: 10, sum: 1, zero: 1)
            rows.exemplar(0, time: 16, span: 4)
        }
        let source = MadeBatches([builder.batch])
        let exporting = try startExporting(every: .milliseconds(1), to: [.otlp(collector.port)], collecting: source)
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 1 }
        await exporting.shutdown(deadline: .seconds(20))
        let points = try #require(collector.requests.first).points
        func exemplars(_ name: String) -> String? {
            points.first { $0.hasPrefix(name) }.flatMap { $0.range(of: " exemplar ").map { range in range.lowerBound } }
                .map { start in String(points.first { $0.hasPrefix(name) }![start...]) }
        }
        func text(_ bits: String, at time: Int, _ span: String, _ tags: String = "") -> String {
            " exemplar \(bits) at \(time) trace \(span)\(span) span \(span) {\(tags)}"
        }
        #expect(exemplars("hits") == .some(text("3fd0000000000000", at: 11, "0102030405060708", "user=me,empty=")))
        #expect(exemplars("sum") == .some(text("c000000000000000", at: 12, "")))
        #expect(exemplars("level") == .some(text("401c000000000000", at: 13, "0000000000000001")))
        #expect(
            exemplars("latency")
                == .some(
                    text("3fe0000000000000", at: 14, "0000000000000002")
                        + text("4000000000000000", at: 15, "0000000000000003", "user=somebody else")))
        #expect(exemplars("sizes") == .some(text("0000000000000000", at: 16, "0000000000000004")))
    }

    @Test("deltas are said to be deltas")
    func deltas() async throws {
        let collector = try await Collector()
        var builder = BatchBuilder(start: 10, end: 20)
        builder.view("hits", .count, keys: ["path"], temporality: .delta) { rows in
            rows.row(["/"], start: 10, 5)
            rows.row(["/gone"], start: 10, end: 15, 2)
        }
        let source = MadeBatches([builder.batch])
        let exporting = try startExporting(every: .milliseconds(1), to: [.otlp(collector.port)], collecting: source)
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 1 }
        await exporting.shutdown(deadline: .seconds(20))
        #expect(
            collector.requests.first?.points == [
                "hits 1 sum delta monotonic {path=/gone} 10-15 i2", "hits 1 sum delta monotonic {path=/} 10-20 i5",
            ])
    }

    @Test(
        "points that a collector does not take are counted by why, the others as delivered",
        arguments: [(reason: "no room for them", cause: Gap.Cause.rejected), ("out of order sample", .outOfOrder)])
    func partialSuccess(_ refusal: (reason: String, cause: Gap.Cause)) async throws {
        let collector = try await Collector(rejecting: 3, because: refusal.reason)
        let source = GrowingSums(rows: 10)
        let exporting = try startExporting(every: hour, to: [.otlp(collector.port)], collecting: source)
        let report = await exporting.shutdown(deadline: .seconds(20))
        let accounts = exporting.snapshots[0].accounts
        #expect(accounts.imbalance == nil)
        #expect(accounts.delivered.rows == 7 && accounts.dropped[refusal.cause].rows == 3)
        #expect(accounts.delivered.batches == 1)
        let sink = try #require(report.sinks.first)
        #expect(sink.lastFailure.contains(refusal.reason))
    }

    @Test("a batch too large for a request goes out in several, and each point once, whatever fails between")
    func split() async throws {
        let collector = try await Collector()
        // The second connection breaks within the second request, whose first the collector has.
        let proxy = try FaultProxy(
            to: collector.port, .answer(status: 503, headers: ["Connection: close"]), .resetRequest(after: 100_000),
            .pass)
        let source = GrowingSums(rows: 5000)
        let sink = Sink.otlp(proxy.port, ["requestBytes": "64KiB", "compression": "none"])
        let exporting = try startExporting(every: hour, to: [sink], collecting: source)
        let report = await exporting.shutdown(deadline: .seconds(30))
        #expect(report.isComplete && report.sinks.first?.delivered == 1)
        let requests = collector.requests
        #expect(requests.count > 3)
        #expect(requests.allSatisfy { $0.bytes <= 65_536 && $0.bytes > 60_000 || $0 == requests.last })
        let points = requests.flatMap(\.points).sorted()
        #expect(points.count == 5000 && Set(points) == Set(source.batch(1).expectedPoints))
        #expect(proxy.connections == 3)
    }

    @Test("the loadable library does the same in a process of its own")
    func plugin() async throws {
        let collector = try await Collector()
        let source = GrowingSums(rows: 3)
        var sink = Sink.plugin(
            "otlp-http", settings: ["endpoint": "http://127.0.0.1:\(collector.port)"], required: true)
        sink.match = ["*", "!weir.*"]
        let exporting = try startExporting(every: hour, to: [sink], collecting: source)
        let report = await exporting.shutdown(deadline: .seconds(20))
        #expect(report.isComplete && report.sinks.first?.delivered == 1, "\(report)")
        #expect(collector.requests.flatMap(\.points) == source.batch(1).expectedPoints)
    }

    @Test("headers come from settings and files, and a file that changes is read anew")
    func headers() async throws {
        let collector = try await Collector()
        let secrets = try TemporaryDirectory()
        try secrets.write(Array("first\n".utf8), to: "token")
        try secrets.write(Array("X-Tenant: shop\n\n".utf8), to: "headers")
        let source = GrowingSums(rows: 1)
        let exporting = try startExporting(
            every: .milliseconds(5),
            to: [
                .otlp(
                    collector.port,
                    ["bearerTokenFile": secrets.path("token"), "headersFile": secrets.path("headers")])
            ], collecting: source)
        try await eventually("the first token is used") {
            collector.requests.contains { $0.authorization == "Bearer first" && $0.tenant == "shop" }
        }
        try secrets.write(Array("second and longer\n".utf8), to: "token")
        try await eventually("the second token is used") {
            collector.requests.contains { $0.authorization == "Bearer second and longer" }
        }
        await exporting.shutdown(deadline: .seconds(20))
        #expect(exporting.snapshots[0].accounts.imbalance == nil)
    }

    @Test(
        "settings that cannot be used are refused without showing what may be a secret",
        arguments: [
            ["endpoint": "ftp://127.0.0.1"], ["endpoint": "http://me:hunter2@127.0.0.1"], ["endpoint": "no url"],
            ["headers": "hunter2"], ["headers": "a=b,c=hunter2%0d%0ax"], ["headers": "a=hunter2%zz"],
            ["requestBytes": "1"], ["compression": "zstd"],
        ])
    func refused(_ settings: [String: String]) {
        do throws(ExportingError) {
            _ = try startExporting(every: hour, to: [.otlp(1, settings)], collecting: GrowingSums(rows: 1))
            Issue.record("it was accepted")
        } catch {
            #expect(!error.description.contains("hunter2"))
            #expect(error.description.contains(settings.keys.first ?? "-"))
        }
    }
}
