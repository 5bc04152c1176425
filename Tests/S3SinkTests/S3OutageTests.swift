import Foundation
import S3Sink
import Testing
import Weir
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

@Suite("S3 and outages", .enabled(if: S3Server.isInstalled), .server, .serialized)
struct S3OutageTests {
    @Test("what a process had put without knowing, and took to its spill, is put by no later process again")
    func restart() async throws {
        let server = try await S3Server()
        let proxy = try FaultProxy(to: server.port, .dropAcknowledgement)
        let spill = try TemporaryDirectory()
        var sink = Sink.s3(server.settings(through: proxy, ["timeout": "1s"]))
        sink.spill = Spill(directory: spill.path("spill"))
        let sources = [CountedDeltas(), CountedDeltas()]
        let first = try startExporting(every: .milliseconds(20), to: [sink], collecting: sources[0])
        await sources[0].collections.wait { first.snapshots[0].accounts.uncertain.batches >= 2 }
        await first.shutdown(deadline: .milliseconds(500))
        #expect(first.snapshots[0].accounts.imbalance == nil && first.snapshots[0].accounts.spilled.batches > 0)

        proxy.plan(.pass)
        let second = try startExporting(every: .milliseconds(20), to: [sink], collecting: sources[1])
        await sources[1].collections.wait(for: 3)
        let report = await second.shutdown(deadline: .seconds(30))
        #expect(report.isComplete, "\(report)")
        let accounts = second.snapshots[0].accounts
        #expect(accounts.imbalance == nil && accounts.recovered.batches > 0 && accounts.uncertain.batches == 0)
        let contents = try BatchContents(server.objects().map(\.bytes))
        #expect(Set(contents.headers.map { "\($0.stream) \($0.first)" }).count == contents.headers.count)
        #expect(contents.sum(of: "shop/sales") == sources[0].total + sources[1].total)
    }

    @Test("deltas of an outage become fewer and larger objects, and no count is lost")
    func coalesces() async throws {
        let server = try await S3Server()
        let proxy = try FaultProxy(to: server.port, .refuse)
        var sink = Sink.s3(server.settings(through: proxy))
        sink.temporality = .delta
        sink.maximumBatches = 8
        let stats = try Stats()
        let sales = Measure<Int64>("shop.sales")
        try stats.register(View("shop/sales", of: sales, as: .sum))
        let exporting = try startExporting(every: .milliseconds(5), to: sink, from: stats)
        var recorded: Int64 = 0
        try await eventually("batches have become one") {
            sales.record(3, in: stats)
            recorded += 3
            return exporting.snapshots[0].accounts.coalesced.batches >= 10
        }
        proxy.plan(.pass)
        let report = await exporting.shutdown(deadline: .seconds(30))
        #expect(report.isComplete, "\(report)")
        let accounts = exporting.snapshots[0].accounts
        #expect(accounts.imbalance == nil && accounts.delivered.batches < accounts.offered.batches)
        let contents = try BatchContents(server.objects().map(\.bytes))
        #expect(UInt64(contents.headers.count) == accounts.delivered.batches)
        #expect(contents.sum(of: "shop/sales") == recorded)
    }
}
