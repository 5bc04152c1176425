internal import Foundation
internal import WeirBatch
internal import WeirDump
internal import WeirExport
internal import WeirRecording

/// From stripes to compressed batches.
enum ExportBenches {
    static let names = [
        "collect.10000", "batch.10000", "batch.1000000", "delta.10000", "delta.1000000", "memory.per_series",
    ]

    /// What is measured of a collection.
    private enum Work {
        case collect
        case encode
        /// What was added since the round before, of which every series got something.
        case delta
    }

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
        for (name, work) in [("collect", Work.collect), ("batch", .encode), ("delta", .delta)] {
            guard wanted.contains("\(name).10000") else { continue }
            try measure("\(name).10000", work, counters: 5_000, distributions: 5_000, rounds: rounds, report)
        }
        for (name, work) in [("batch", Work.encode), ("delta", .delta)] {
            guard wanted.contains("\(name).1000000") else { continue }
            try measure("\(name).1000000", work, counters: 1_000_000, distributions: 0, rounds: rounds, report)
        }
    }

    /// An instance whose series have seen what series of a server see: many small counts, times around a middle.
    private static func filled(counters: Int, distributions: Int) throws -> Stats {
        let stats = try Stats()
        let limit = max(counters, distributions)
        try stats.register(View("bench/count", of: counted, by: keys, as: .sum, seriesLimit: limit))
        try stats.register(View("bench/time", of: timed, by: keys, as: .distribution(), seriesLimit: limit))
        record(into: stats, counters: counters, distributions: distributions, timesEach: 50)
        return stats
    }

    private static func record(into stats: Stats, counters: Int, distributions: Int, timesEach: Int) {
        var generator = SplitMix(state: 3)
        for series in 0..<max(counters, distributions) {
            let values = [
                "GET\(series % 10)", "/route/\(series / 10 % 100)", "\(200 + series / 1_000 % 10)",
                "zone \(series / 10_000)",
            ]
            let tags = Tags(zip(keys, values))
            if series < counters { counted.record(Int64(generator.next() % 1_000), tags, in: stats) }
            guard series < distributions else { continue }
            for _ in 0..<timesEach { timed.record(Double(generator.next() % 1_000) / 800, tags, in: stats) }
        }
    }

    private static func length(_ payloads: [Payload]) -> Int { payloads.reduce(0) { $0 + $1.bytes.count } }

    private static func measure(
        _ name: String, _ work: Work, counters: Int, distributions: Int, rounds: Int, _ report: Report
    ) throws {
        let stats = try filled(counters: counters, distributions: distributions)
        let collector = Collector(stats: stats)
        var encoder = try BatchEncoder()
        var estimate = LengthEstimate()
        var delta = Delta()
        var batch = Batch()
        var bytes: Int?
        var times: [Double] = []
        // The first collection, which lays the columns out, is not one that repeats.
        collector.collect(into: &batch)
        for _ in 0...rounds {
            if work == .delta {
                record(into: stats, counters: counters, distributions: distributions, timesEach: 5)
            }
            var failure: BatchError?
            let time = Measuring.nanoseconds {
                collector.collect(into: &batch)
                guard work != .collect else { return }
                do throws(BatchError) {
                    guard work == .delta else {
                        bytes = try length(encoder.encode(batch, upTo: BatchEncoder.partLength, &estimate))
                        return
                    }
                    var growth = batch
                    delta.subtract(from: &growth)
                    growth.dropUnusedStrings()
                    bytes = try length(encoder.encode(growth, upTo: BatchEncoder.partLength, &estimate))
                    delta.commit()
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            times.append(time / Double(counters + distributions))
        }
        report.export(name, nanoseconds: Spread(Array(times.dropFirst())), bytes: bytes)
    }
}
