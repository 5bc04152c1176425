import CoreMetrics
import Synchronization
import WeirBatch
import WeirExport
import WeirMetrics
import WeirRecording

/// A factory on an instance of its own, and what a collection says of it.
final class Recorded: Sendable {
    let stats: Stats
    let factory: any MetricsFactory
    private let told: Told
    private let collector: Collector

    final class Told: Sendable {
        let problems = Mutex<[MetricsProblem]>([])
    }

    init(
        timers: Aggregation? = nil, recorders: Aggregation = .distribution(bounds: [1, 10]),
        descriptions: [String: String] = [:], seriesLimit: Int = 2_000, limits: MetricsLimits = MetricsLimits(),
        cells: Int = 1 << 18
    ) throws {
        let (stats, told) = (try Stats(cellsPerCore: cells), Told())
        self.stats = stats
        self.told = told
        collector = Collector(stats: stats)
        factory = metricsFactory(
            in: stats, recorders: recorders, timers: timers, descriptions: descriptions, seriesLimit: seriesLimit,
            limits: limits
        ) { problem in told.problems.withLock { $0.append(problem) } }
    }

    var problems: [MetricsProblem] { told.problems.withLock { $0 } }

    func collect() -> Batch {
        var batch = Batch()
        collector.collect(into: &batch)
        return batch
    }

    /// `name{key=value}: number` of all rows but Weir's own, in order; `ended` behind those that have.
    func rows() -> [String] { collect().metricRows }

    /// A value among Weir's own.
    func discarded(_ cause: String) -> Int64 {
        let batch = collect()
        return batch.rows(of: "weir.measurements.discarded").first { $0.contains("=\(cause)}") }
            .flatMap { Int64($0.split(separator: " ").last ?? "") } ?? -1
    }
}

extension Batch {
    var metricRows: [String] {
        views.filter { !$0.name.hasPrefix("weir.") }.flatMap { rows(of: $0.name) }.sorted()
    }

    func rows(of name: String) -> [String] {
        views.filter { $0.name == name }.flatMap { view in
            (0..<view.rows).map { row in
                let tags = view.tagKeys.indices.compactMap { key -> String? in
                    let value = view.tagValues[key * view.rows + row]
                    return value == 0 ? nil : "\(view.tagKeys[key])=\(strings[Int(value) - 1])"
                }
                let name = tags.isEmpty ? view.name : "\(view.name){\(tags.sorted().joined(separator: ","))}"
                let hasEnded = !view.endTimes.isEmpty && view.endTimes[row] != 0
                return "\(name): \(view.number(row))\(hasEnded ? " ended" : "")"
            }
        }
    }

    func view(_ name: String) -> ViewColumns? { views.first { $0.name == name } }
}

extension ViewColumns {
    fileprivate func number(_ row: Int) -> String {
        let sum = integers.isEmpty ? "\(doubles[row])" : "\(integers[row])"
        guard aggregation == .distribution else { return sum }
        let width = bounds.count + 1
        return "\(sum) in \(bucketCounts[row * width..<(row + 1) * width].map(Int.init))"
    }
}
