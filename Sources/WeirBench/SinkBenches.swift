internal import Foundation
internal import Synchronization
internal import Weir
internal import WeirDump
internal import WeirExport
internal import WeirExporterKit

/// What a sink whose delivery never returns costs everybody else: nothing that can be seen.
///
/// Two exports run side by side from the same series, so that both see the same machine: one has two sinks that take each
/// batch, of the other one's the second hangs. What differs between their first ones is the hung sink's doing.
enum SinkBenches {
    static let names = ["sink.hung"]

    private static let interval = Duration.milliseconds(20)
    private static let series = 1_000
    private static let measure = Measure<Int64>("bench.sink.count")
    private static let key: TagKey = "series"

    static func run(only: String, for duration: Duration, _ report: Report) async throws {
        guard names.contains(where: { $0.hasPrefix(only) }) else { return }
        let stats = try Stats()
        try stats.register(View("bench/sink", of: measure, by: [key], as: .sum))
        for index in 0..<series { measure.record(1, Tags([key: "\(index)"]), in: stats) }

        let alone = try startExporting(
            every: interval, to: Destination.sink("alone"), Destination.sink("other"), from: stats)
        let quiet = recordingRatios(in: stats)
        let beside = try startExporting(
            every: interval, to: Destination.sink("beside"), hungSink, from: stats)
        // Until the hung sink's queue is full; what memory is taken from then on stays taken.
        while (beside.snapshots.last?.accounts.dropped.total.batches ?? 0) < 100 { try await Task.sleep(for: interval) }
        Destination.forgetDelays()
        let before = System.residentBytes() ?? 0
        var recording = recordingRatios(in: stats)
        let clock = ContinuousClock()
        let end = clock.now + duration
        while clock.now < end {
            try await Task.sleep(for: min(.seconds(1), end - clock.now))
            recording += recordingRatios(in: stats, rounds: 1)
        }
        let grown = (System.residentBytes() ?? 0) - before
        let hung = beside.snapshots.last
        let delays = ["alone", "beside"].map(Destination.delays)
        for exporting in [alone, beside] { await exporting.shutdown(deadline: .milliseconds(500)) }

        report.ratio("sink.hung.recording", Spread(recording), without: Spread(quiet), "x xadd")
        report.ratio("sink.hung.delay", Spread(delays[1]), without: Spread(delays[0]), "us")
        report.memory("sink.hung.growth", bytes: grown)
        if let hung, hung.accounts.imbalance != nil {
            throw BenchError(description: "the hung sink's accounts do not balance: \(hung.accounts)")
        }
    }

    private static var hungSink: Sink {
        var sink = Destination.sink("hung")
        sink.maximumBatches = 64
        return sink
    }

    /// Ratios of a bound counter to `lock xadd`.
    private static func recordingRatios(in stats: Stats, rounds: Int = 7) -> [Double] {
        let counter = measure.bound(to: Tags([key: "0"]), in: stats)
        let bench = Bench(name: "counter") { count in
            for _ in 0..<count { counter.record(1) }
        }
        let baseline = Measuring.baseline()
        return (0..<rounds).map { _ in
            Measuring.time(bench, iterations: 4_000_000, threads: 1)
                / Measuring.time(baseline, iterations: 2_000_000, threads: 1)
        }
    }
}

/// Takes batches and notes how long after its collection each one came; or never returns.
private final class Destination: Exporter {
    static let nameSetting = Setting("name", .text(length: 1...100), default: nil, "Which of the bench's sinks.")
    static let kind = ExporterKind(name: "bench", version: "1", settings: [nameSetting])

    private static let shared = Mutex<[String: [Double]]>([:])

    static func sink(_ name: String) -> Sink {
        Sink(ExporterPlugin(Destination.self), name: name, settings: ["name": name])
    }

    /// Microseconds from the end of a collection to its batch's arrival.
    static func delays(_ name: String) -> [Double] { shared.withLock { $0[name] ?? [] } }

    static func forgetDelays() { shared.withLock { $0 = [:] } }

    private let name: String
    private let host: ExporterHost
    private let stopped = DispatchSemaphore(value: 0)

    init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        name = settings.text(Self.nameSetting)
        self.host = host
    }

    func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        guard name != "hung" else {
            if !frame.facts.isEndMark { stopped.wait() }
            return .retry(message: "hung")
        }
        if !frame.facts.isEndMark {
            let delay = Double(Int64(clamping: host.wallNanoseconds()) - Int64(clamping: frame.facts.endTime)) / 1e3
            Self.shared.withLock { $0[name, default: []].append(delay) }
        }
        return .delivered
    }

    func stop() { stopped.signal() }

    func close() {}
}

struct BenchError: Error, CustomStringConvertible {
    let description: String
}
