import Synchronization
import Weir
import WeirBatch
import WeirExport

/// Collects from an instance of its own, and knows how much had been recorded at the end of each collection.
///
/// So the amount between two moments that a batch or a gap names is known, whatever became of it on its way.
final class CountedSource: BatchSource {
    static let view = "faults/count"

    let stats: Stats
    private let measure = Measure<Int64>("faults.count")
    private let collector: Collector
    private let totals = Mutex<[UInt64: Int64]>([:])

    init() throws {
        stats = try Stats()
        try stats.register(View(Self.view, of: measure, by: [TagKey("color")], as: .sum))
        collector = Collector(stats: stats)
    }

    func recorder(_ color: String) -> Recorder<Int64> {
        measure.bound(to: Tags([TagKey("color"): color]), in: stats)
    }

    /// What had been recorded when a collection ended; nil for a moment that ended none.
    func total(at moment: UInt64) -> Int64? { totals.withLock { $0[moment] } }

    func collect(into batch: inout Batch) {
        collector.collect(into: &batch)
        let total = batch.views.filter { $0.name == Self.view }.flatMap(\.integers).reduce(0, +)
        let (start, end) = (batch.startTime, batch.endTime)
        totals.withLock { totals in
            // Series begin from nothing.
            if totals.isEmpty { totals[start] = 0 }
            totals[end] = total
        }
    }

    var currentTime: UInt64 { collector.currentTime }
    var clockStep: Int64 { collector.clockStep }
    var lateCallbacks: [String] { collector.lateCallbacks }
    func takeProblems() -> [String] { collector.takeProblems() }
    func takePosition(of sink: String) -> FeedPosition? { collector.takePosition(of: sink) }
    func keepPosition(_ position: FeedPosition, of sink: String) { collector.keepPosition(position, of: sink) }
}
