import Foundation
import Logging
import ServiceLifecycle
import ServiceLifecycleTestKit
import Synchronization
import Testing
import Weir
import WeirBatch
import WeirExporterKit
import WeirServiceLifecycle
import WeirTestSupport

/// A destination that wants nothing of what comes.
private final class Refusing: Exporter {
    static let kind = ExporterKind(name: "refusing", version: "1", settings: [])

    init(settings: Settings, host: ExporterHost) throws(ExporterError) {}

    func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult { .rejected(message: "not today") }
    func close() {}
}

@Suite("Export as a service")
struct ExportServiceTests {
    private let directory: TemporaryDirectory
    private let log = LogLines()
    private let stats: Stats
    private let requests = Measure<Int64>("service.requests")

    init() throws {
        directory = try TemporaryDirectory()
        stats = try Stats(cellsPerCore: 4_096)
        try stats.register(View("requests", of: requests, as: .sum))
    }

    private final class Reports: Sendable {
        private let reports = Mutex<[ShutdownReport]>([])
        var all: [ShutdownReport] { reports.withLock { $0 } }
        func add(_ report: ShutdownReport) { reports.withLock { $0.append(report) } }
    }

    private func exporting(to sink: Sink? = nil) throws -> Exporting {
        try startExporting(
            every: .seconds(3_600), to: sink ?? .file(directory: directory.path), from: stats)
    }

    /// The counts of the files' batches, and how many streams ended.
    private func written() throws -> (counts: [Int64], endMarks: Int) {
        var found: (counts: [Int64], endMarks: Int) = ([], 0)
        for name in try directory.names() {
            let reader = try BatchReader(path: directory.path + "/" + name)
            while let item = try reader.next() {
                switch item {
                case .frame(let frame):
                    found.counts += try frame.batch().views.filter { $0.name == "requests" }.flatMap(\.integers)
                case .endMark: found.endMarks += 1
                case .headless, .damage: Issue.record("found \(item)")
                }
            }
        }
        return found
    }

    @Test("a graceful shutdown delivers what was recorded, and says so")
    func graceful() async throws {
        let reports = Reports()
        let service = ExportService(try exporting(), logger: log.logger) { reports.add($0) }
        requests.record(7, in: stats)
        await testGracefulShutdown { trigger in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await service.run() }
                trigger.triggerGracefulShutdown()
            }
        }
        let report = try #require(reports.all.first)
        #expect(reports.all.count == 1 && report.isComplete && report.sinks[0].lost.isEmpty)
        #expect(log.all.filter { $0.contains("export") } == ["info: export to file: 1 of 1 batches delivered"])
        let found = try written()
        #expect(found.counts == [7] && found.endMarks == 1)
    }

    @Test("a service that is cancelled delivers what was recorded")
    func cancelled() async throws {
        let reports = Reports()
        let service = ExportService(try exporting(), logger: log.logger) { reports.add($0) }
        requests.record(7, in: stats)
        let task = Task { await service.run() }
        task.cancel()
        await task.value
        #expect(reports.all.map(\.isComplete) == [true])
        let found = try written()
        #expect(found.counts == [7] && found.endMarks == 1)
    }

    /// Records while it ends, as a server does whose last requests are answered then.
    private struct Server: Service {
        let record: @Sendable () -> Void

        func run() async throws {
            try await gracefulShutdown()
            record()
        }
    }

    @Test("in a group it ends after those behind it, and has what they recorded last")
    func group() async throws {
        let (requests, stats) = (requests, stats)
        let service = ExportService(try exporting(), logger: log.logger)
        let group = ServiceGroup(
            services: [service, Server { requests.record(5, in: stats) }, Server { requests.record(4, in: stats) }],
            logger: log.logger)
        async let ended: Void = group.run()
        await group.triggerGracefulShutdown()
        try await ended
        let found = try written()
        #expect(found.counts == [9] && found.endMarks == 1)
    }

    @Test("what could not be delivered is a warning that says why, and no failure of the group")
    func losses() async throws {
        let reports = Reports()
        let sink = Sink(ExporterPlugin(Refusing.self), name: "away", settings: [:])
        let service = ExportService(try exporting(to: sink), logger: log.logger) { reports.add($0) }
        requests.record(7, in: stats)
        let group = ServiceGroup(services: [service], logger: log.logger)
        async let ended: Void = group.run()
        await group.triggerGracefulShutdown()
        try await ended
        #expect(reports.all.map(\.sinks[0].lost) == [["rejected": 1]])
        let warnings = log.all.filter { $0.hasPrefix("warning: export to away: 0 of 1 batches delivered, 1 lost") }
        #expect(warnings.count == 1 && warnings.allSatisfy { $0.contains("not today") }, "\(log.all)")
    }

    @Test("export that was shut down already is no harm")
    func endedBefore() async throws {
        let exporting = try exporting()
        let first = await exporting.shutdown()
        let reports = Reports()
        let service = ExportService(exporting, logger: log.logger) { reports.add($0) }
        let task = Task { await service.run() }
        task.cancel()
        await task.value
        #expect(reports.all == [first])
    }
}
