import Foundation
import RemoteWriteSink
import Testing
import Weir
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("Remote write to VictoriaMetrics", .enabled(if: VictoriaMetrics.isInstalled), .serialized)
struct VictoriaMetricsTests {
    @Test("what VictoriaMetrics keeps is what was recorded")
    func readBack() async throws {
        let server = try await VictoriaMetrics()
        let begin = Int(Date().timeIntervalSince1970) - 60
        let source = Minute(5, begin: begin) { number, builder in
            shop(number, &builder, source: UInt64(begin) * 1_000_000_000)
        }
        let exporting = try startExporting(
            every: .milliseconds(50), to: [.remoteWrite(server.port)], collecting: source,
            resource: ["service.name": "shop", "service.instance.id": "till-1"])
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 5 }
        let report = await exporting.shutdown(deadline: .seconds(20))
        let accounts = exporting.snapshots[0].accounts
        #expect(report.isComplete && accounts.imbalance == nil, "\(report)")
        let batches = Int(accounts.offered.batches)
        let steps = (1...batches).map { Double(min($0, 5)) }
        func values(_ value: (Double) -> Double) -> String { "\(steps.map { "\(value($0))" } + ["nil"])" }
        #expect(
            try server.export("http_requests_total") == [
                #"http_requests_total{exported_job="x",http_route="/gone",instance="till-1",job="shop"} ["1.0", "2.0", "3.0", "nil"]"#,
                #"http_requests_total{http_route="/a",instance="till-1",job="shop"} "# + values { 100 * $0 },
            ])
        #expect(
            try server.export(#"{__name__=~"http_latency.*|room.*"}"#) == [
                #"http_latency_seconds_bucket{instance="till-1",job="shop",le="+Inf"} "# + values { $0 + 3 },
                #"http_latency_seconds_bucket{instance="till-1",job="shop",le="0.5"} "# + values { $0 },
                #"http_latency_seconds_bucket{instance="till-1",job="shop",le="1.0"} "# + values { $0 + 2 },
                #"http_latency_seconds_count{instance="till-1",job="shop"} "# + values { $0 + 3 },
                #"http_latency_seconds_sum{instance="till-1",job="shop"} "# + values { 2.5 * $0 },
                #"room_temperature_celsius{instance="till-1",job="shop"} "# + values { $0 + 0.5 },
            ])
    }

    @Test("a batch too large for a request goes out in several, and each series once")
    func split() async throws {
        let server = try await VictoriaMetrics()
        let source = Minute(1) { _, builder in
            builder.view("sums", .sum, keys: ["row"]) { rows in
                for row in 0..<5000 { rows.row(["\(row)"], start: 1, Int64(row)) }
            }
        }
        let proxy = try FaultProxy(
            to: server.port, .answer(status: 503, headers: ["Connection: close"]), .resetAnswer(after: 60), .pass)
        let exporting = try startExporting(
            every: .seconds(3600), to: [.remoteWrite(proxy.port, ["requestBytes": "64KiB"])], collecting: source)
        let report = await exporting.shutdown(deadline: .seconds(30))
        #expect(report.isComplete && exporting.snapshots[0].accounts.delivered.rows == 5000, "\(report)")
        #expect(proxy.connections == 3)
        let series = try server.export("sums_total")
        #expect(series.count == 5000)
        #expect(series.contains { $0.contains(#"row="4999""#) && $0.hasSuffix(#"["4999.0", "nil"]"#) })
    }

    @Test("views of one name arrive under two, and rows of the same labels added")
    func clashes() async throws {
        let server = try await VictoriaMetrics()
        let source = Minute(1) { _, builder in
            builder.view("a/b", .count, keys: ["key"]) { rows in
                rows.row([nil], start: 1, 1)
                rows.row([""], start: 1, 2)
            }
            builder.view("a.b", .count, keys: []) { rows in rows.row(start: 1, 3) }
        }
        let exporting = try startExporting(
            every: .seconds(3600), to: [.remoteWrite(server.port)], collecting: source)
        await exporting.shutdown(deadline: .seconds(20))
        let accounts = exporting.snapshots[0].accounts
        #expect(accounts.imbalance == nil)
        #expect(accounts.delivered.rows == 3 && accounts.dropped[.rejected].rows == 0)
        let series = try server.export("a_b_total")
        #expect(series.count == 1 && series[0].contains(#""3.0""#))
    }
}
