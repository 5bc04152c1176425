import Foundation
import OtlpHttpSink
import Testing
import Weir
import WeirBatch
import WeirExport
import WeirTestSupport

/// A real collector behind networks that fail: `pip opentelemetry-proto`.
@Suite("OTLP through faults", .enabled(if: Collector.isInstalled), .serialized, .timeLimit(.minutes(3)))
struct OtlpFaultTests {
    static let faults: [FaultProxy.Fault] = [
        .refuse, .hang, .slow(bytesPerSecond: 4000), .resetRequest(after: 30), .resetAnswer(after: 20),
        .dropAcknowledgement, .answer(status: 429, headers: ["Retry-After: 0"]),
        .answer(status: 503, headers: ["Retry-After: Sun, 06 Nov 1994 08:49:37 GMT"]), .answer(status: 500),
        .answer(status: 502), .answer(status: 401), .answer(status: 307, headers: ["Location: http://127.0.0.1:1/"]),
        .answer(status: 200, headers: ["Content-Type: text/html"], body: Array("<p>log in".utf8)),
    ]

    @Test("all that was recorded arrives when a fault has passed, and the accounts balance", arguments: faults)
    func heals(_ fault: FaultProxy.Fault) async throws {
        let collector = try await Collector()
        let proxy = try FaultProxy(to: collector.port, fault)
        let source = GrowingSums(rows: 3)
        let exporting = try startExporting(
            every: .milliseconds(20), to: [.otlp(proxy.port, ["timeout": "300ms"])], collecting: source)
        if fault == .refuse {
            await source.collections.wait(for: 5)
        } else {
            try await eventually("the fault strikes") { proxy.count(of: fault) > 0 }
            await source.collections.wait(for: source.collections.count + 2)
        }
        proxy.plan(.pass)
        let report = await exporting.shutdown(deadline: .seconds(30))
        let accounts = exporting.snapshots[0].accounts
        #expect(report.isComplete, "\(report)")
        #expect(accounts.imbalance == nil)
        #expect(accounts.delivered.batches == accounts.offered.batches, "\(report)")
        // A batch may have come twice: its acknowledgement was lost. None is missing, and none is another.
        let points = Set(collector.requests.flatMap(\.points))
        let expected = (1...Int(accounts.offered.batches)).flatMap { source.batch($0).expectedPoints }
        #expect(points == Set(expected))
        if fault == .dropAcknowledgement {
            #expect(accounts.uncertain.batches > 0)
            #expect(collector.requests.count > Int(accounts.offered.batches))
        }
        if fault == .refuse { #expect(accounts.uncertain.batches == 0) }
    }

    @Test("a batch that the collector calls bad is dropped and counted, and those behind it go on")
    func rejected() async throws {
        let collector = try await Collector()
        let proxy = try FaultProxy(to: collector.port, .answer(status: 400, body: Array("bad point".utf8)))
        let source = GrowingSums(rows: 3)
        let exporting = try startExporting(every: .milliseconds(20), to: [.otlp(proxy.port)], collecting: source)
        await source.collections.wait { exporting.snapshots[0].accounts.dropped[.rejected].batches >= 2 }
        proxy.plan(.pass)
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 2 }
        let report = await exporting.shutdown(deadline: .seconds(20))
        let accounts = exporting.snapshots[0].accounts
        #expect(accounts.imbalance == nil)
        #expect(accounts.delivered.batches == UInt64(collector.requests.count))
        #expect(report.sinks.first?.lastFailure.contains("HTTP 400: bad point") == true, "\(report)")
    }

    @Test("a server asks to wait, and is left alone for so long", arguments: [429, 503])
    func retryAfter(_ status: Int) async throws {
        let collector = try await Collector()
        let fault = FaultProxy.Fault.answer(status: status, headers: ["Retry-After: 3600", "Connection: close"])
        let proxy = try FaultProxy(to: collector.port, fault)
        let source = GrowingSums(rows: 1)
        let exporting = try startExporting(every: .milliseconds(10), to: [.otlp(proxy.port)], collecting: source)
        try await eventually("the server is asked") { proxy.connections > 0 }
        await source.collections.wait(for: source.collections.count + 20)
        #expect(proxy.connections == 1)
        proxy.plan(.pass)
        await exporting.shutdown(deadline: .milliseconds(200))
        #expect(exporting.snapshots[0].accounts.imbalance == nil)
    }

    @Test("a collector that stands still loses nothing that it took, and all arrives when it goes on")
    func standsStill() async throws {
        let collector = try await Collector()
        let source = GrowingSums(rows: 3)
        let exporting = try startExporting(
            every: .milliseconds(20), to: [.otlp(collector.port, ["timeout": "200ms"])], collecting: source)
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 2 }
        collector.server.pause()
        await source.collections.wait { exporting.snapshots[0].accounts.uncertain.batches >= 1 }
        collector.server.resume()
        let report = await exporting.shutdown(deadline: .seconds(30))
        let accounts = exporting.snapshots[0].accounts
        #expect(report.isComplete && accounts.imbalance == nil)
        #expect(accounts.delivered.batches == accounts.offered.batches)
        // What a request that timed out had sent may be stored after the one that followed it.
        let expected = (1...Int(accounts.offered.batches)).flatMap { source.batch($0).expectedPoints }
        try await eventually("all is stored") { Set(collector.requests.flatMap(\.points)) == Set(expected) }
    }

    @Test("a shutdown does not wait for a collector that hangs")
    func stop() async throws {
        let collector = try await Collector()
        let proxy = try FaultProxy(to: collector.port, .hang)
        let exporting = try startExporting(
            every: .seconds(3600), to: [.otlp(proxy.port, ["timeout": "1h"])], collecting: GrowingSums(rows: 1))
        let report = await exporting.shutdown(deadline: .milliseconds(300))
        #expect(report.sinks.first?.lost == ["shutdown": 1])
        #expect(exporting.snapshots[0].accounts.imbalance == nil)
    }
}
