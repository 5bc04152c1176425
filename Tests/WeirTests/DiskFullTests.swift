import Foundation
import Testing
import Weir
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

/// In a process of its own, whose files may not grow for a while: the system refuses, as a full disk does.
@Suite("An application whose disk is full")
struct DiskFullTests {
    @Test("recording and other sinks go on, the loss is counted and told, and files go on when there is room")
    func diskFull() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        await #expect(processExitsWith: .success) { [path = path as String] in
            signal(SIGXFSZ, SIG_IGN)
            let stats = try Stats()
            let measure = Measure<Int64>("disk.full.count")
            try stats.register(View("disk/full", of: measure, as: .sum))
            let recorder = measure.bound(in: stats)
            var file = Sink.file(directory: path, sync: .never)
            file.maximumBatches = 4
            file.retry = RetryPolicy(first: .milliseconds(1), longest: .milliseconds(5))
            file.breaker = BreakerPolicy(failuresInARow: 0, failuresOf20: 0)
            let other = Sink(ExporterPlugin(Arrivals.self), name: "other", settings: [:])
            let exporting = try startExporting(every: .milliseconds(2), to: file, other, from: stats)
            func accounts() -> Accounts? { exporting.snapshots.first?.accounts }

            await Arrivals.all.wait(until: { (accounts()?.delivered.batches ?? 0) > 3 })
            growth(limitedTo: 1)
            await Arrivals.all.wait(until: { (accounts()?.dropped[.overflowOldest].batches ?? 0) > 10 })
            for _ in 0..<1_000_000 { recorder.record(1) }
            // What the other sink gets has no part in it.
            await Arrivals.all.wait(for: Arrivals.all.count + 20)
            let full = try #require(exporting.snapshots.first)
            #expect(full.accounts.imbalance == nil && full.deliveries.retried > 0 && full.condition != .fatal)
            #expect(full.accounts.queued.batches + full.accounts.inflight.batches <= 4)

            growth(limitedTo: .max)
            await Arrivals.all.wait(until: {
                (accounts()?.delivered.batches ?? 0) > full.accounts.delivered.batches + 5
            })
            let report = await exporting.shutdown(deadline: .seconds(60))
            #expect(report.sinks.allSatisfy(\.hasEndMark) && report.sinks[1].lost.isEmpty)
            #expect(exporting.snapshots.allSatisfy { $0.accounts.imbalance == nil })
        }
        try expectEverythingToldOrThere(in: directory)
    }

    /// The last batch says all that was recorded, and each number is there or in a gap.
    private func expectEverythingToldOrThere(in directory: TemporaryDirectory) throws {
        var known: Set<UInt64> = []
        var (last, total): (UInt64, Int64) = (0, 0)
        for name in try directory.names() {
            let reader = try BatchReader(path: directory.path + "/" + name)
            while let item = try reader.next() {
                switch item {
                case .frame(let frame):
                    known.formUnion(frame.header.first...frame.header.last)
                    known.formUnion(frame.header.gaps.flatMap { $0.first...$0.last })
                    total = try frame.batch().views.first { $0.name == "disk/full" }?.integers.first ?? 0
                case .endMark(let mark):
                    known.formUnion(mark.header.gaps.flatMap { $0.first...$0.last })
                    last = mark.header.last
                case .headless, .damage: Issue.record("wanted nothing but whole batches, found \(item)")
                }
            }
        }
        #expect(total == 1_000_000)
        #expect(last > 30 && known == Set(1...max(last, 1)))
    }
}

/// How long this process's files may become.
private func growth(limitedTo bytes: rlim_t) {
    var limit = rlimit(rlim_cur: min(bytes, rlim_t(Int64.max)), rlim_max: rlim_t.max)
    unsafe getrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
    limit.rlim_cur = bytes == .max ? limit.rlim_max : bytes
    #expect(unsafe setrlimit(__rlimit_resource_t(1), &limit) == 0)
}

/// Takes all, and says when.
private final class Arrivals: Exporter {
    static let kind = ExporterKind(name: "arrivals", version: "1", settings: [])
    static let all = Signal()

    init(settings: Settings, host: ExporterHost) throws(ExporterError) {}

    func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        Self.all.fire()
        return .delivered
    }

    func close() {}
}
