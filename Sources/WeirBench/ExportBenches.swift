internal import Foundation
internal import WeirBatch
internal import WeirDump
internal import WeirExport
internal import WeirRecording

/// From stripes to compressed batches.
enum ExportBenches {
    static let names = ["collect.10000", "batch.10000", "batch.1000000", "memory.per_series"]

    private static let keys: [TagKey] = ["method", "route", "status", "zone"]
    private static let counted = Measure<Int64>("bench.export.count")
    private static let timed = Measure<Double>("bench.export.time", unit: .seconds)

    /// How much memory a series takes: counters with their tags. To be called first: later there is memory that others
    /// gave back, and what comes from there does not show.
    static func measureMemory(only: String, _ report: Report) throws {
        guard "memory.per_series".hasPrefix(only) else { return }
        let before = System.residentBytes() ?? 0
        let stats = try filled(counters: 100_000, distributions: 0)
        report.memory("memory.per_series", bytes: ((System.residentBytes() ?? 0) - before) / 100_000)
        withExtendedLifetime(stats) {}
    }

    static func run(only: String, rounds: Int, _ report: Report) throws {
        let wanted = names.filter { $0.hasPrefix(only) }
        if wanted.contains("collect.10000") || wanted.contains("batch.10000") {
            let stats = try filled(counters: 5_000, distributions: 5_000)
            if wanted.contains("collect.10000") {
                try measure("collect.10000", stats, series: 10_000, rounds: rounds, encodes: false, report)
            }
            if wanted.contains("batch.10000") {
                try measure("batch.10000", stats, series: 10_000, rounds: rounds, encodes: true, report)
            }
        }
        if wanted.contains("batch.1000000") {
            let stats = try filled(counters: 1_000_000, distributions: 0)
            try measure("batch.1000000", stats, series: 1_000_000, rounds: rounds, encodes: true, report)
        }
    }

    /// An instance whose series have seen what series of a server see: many small counts, times around a middle.
    private static func filled(counters: Int, distributions: Int) throws -> Stats {
        let stats = try Stats()
        let limit = max(counters, distributions)
        try stats.register(View("bench/count", of: counted, by: keys, as: .sum, seriesLimit: limit))
        try stats.register(View("bench/time", of: timed, by: keys, as: .distribution(), seriesLimit: limit))
        var generator = SplitMix(state: 3)
        for series in 0..<limit {
            let values = [
                "GET\(series % 10)", "/route/\(series / 10 % 100)", "\(200 + series / 1_000 % 10)",
                "zone \(series / 10_000)",
            ]
            let tags = Tags(zip(keys, values))
            if series < counters { counted.record(Int64(generator.next() % 1_000), tags, in: stats) }
            guard series < distributions else { continue }
            for _ in 0..<50 { timed.record(Double(generator.next() % 1_000) / 800, tags, in: stats) }
        }
        return stats
    }

    private static func measure(
        _ name: String, _ stats: Stats, series: Int, rounds: Int, encodes: Bool, _ report: Report
    ) throws {
        let collector = Collector(stats: stats)
        var encoder = try BatchEncoder()
        var batch = Batch()
        var bytes: Int?
        var times: [Double] = []
        // The first collection, which lays the columns out, is not one that repeats.
        collector.collect(into: &batch)
        for _ in 0...rounds {
            var failure: BatchError?
            let time = Measuring.nanoseconds {
                collector.collect(into: &batch)
                guard encodes else { return }
                do throws(BatchError) {
                    bytes = try encoder.encode(batch).bytes.count
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            times.append(time / Double(series))
        }
        report.export(name, nanoseconds: Spread(Array(times.dropFirst())), bytes: bytes)
    }
}
