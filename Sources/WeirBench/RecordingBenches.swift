internal import WeirRecording

/// The recording path, in the process's own `Stats` as an application uses it.
enum RecordingBenches {
    static let names = [
        "counter.bound", "distribution.bound.14", "distribution.exemplars", "distribution.exemplars.untraced",
        "exponential.bound", "gauge.set", "counter.tags.prebuilt", "counter.tags.strings", "record.multi",
        "record.unviewed", "counter.static", "counter.tags.literal", "series.create",
    ]

    private static let count = Measure<Int64>("bench.count")
    private static let tagged = Measure<Int64>("bench.tagged")
    private static let latency = Measure<Double>("bench.latency", unit: .seconds)
    private static let sampled = Measure<Double>("bench.sampled", unit: .seconds)
    private static let untraced = Measure<Double>("bench.untraced", unit: .seconds)
    private static let wide = Measure<Double>("bench.wide", unit: .seconds)
    private static let level = Measure<Double>("bench.level")
    private static let multi = Measure<Double>("bench.multi", unit: .seconds)
    private static let size = Measure<Int64>("bench.size", unit: .bytes)
    private static let unviewed = Measure<Int64>("bench.unviewed")
    private static let keys: [TagKey] = ["method", "route", "status"]

    static func run(only: String, rounds: Int, _ report: Report) throws {
        measure(try benches().filter { $0.name.hasPrefix(only) }, rounds: rounds, report)
        if "series.create".hasPrefix(only) { try createSeries(rounds: rounds, report) }
    }

    /// Rounds of all benches that are asked for, each with 1 and with 2 threads.
    static func measure(_ wanted: [Bench], rounds: Int, _ report: Report) {
        let baseline = Measuring.baseline()
        let runs = wanted.flatMap { bench in
            let iterations = Measuring.calibrate(bench)
            return [1, 2].map { (bench: bench, iterations: iterations, threads: $0) }
        }
        let baselineIterations = Measuring.calibrate(baseline)
        var times = [[Double]](repeating: [], count: runs.count)
        var ratios = times
        for _ in 0..<(runs.isEmpty ? 0 : rounds) {
            for (index, run) in runs.enumerated() {
                // The baseline beside each, not once a round: a machine may change its speed within a second.
                let xadd = Measuring.time(baseline, iterations: baselineIterations / 4, threads: 1)
                let time = Measuring.time(run.bench, iterations: run.iterations, threads: run.threads)
                times[index].append(time)
                ratios[index].append(time / xadd)
            }
        }
        for (index, run) in runs.enumerated() {
            report.recording(
                run.bench.name, threads: run.threads, nanoseconds: Spread(times[index]), ratio: Spread(ratios[index]))
        }
    }

    private static func benches() throws -> [Bench] {
        try register(
            View("bench.count", of: count, by: keys, as: .sum),
            View("bench.tagged", of: tagged, by: keys, as: .sum),
            View("bench.latency", of: latency, by: keys, as: .distribution()),
            View("bench.sampled", of: sampled, by: keys, as: .distribution(), exemplars: .traceBased),
            View("bench.untraced", of: untraced, by: keys, as: .distribution(), exemplars: .traceBased),
            View("bench.wide", of: wide, by: keys, as: .exponentialDistribution()),
            View("bench.level", of: level, by: keys, as: .lastValue),
            View("bench.multi.count", of: multi, by: keys, as: .count),
            View("bench.multi.latency", of: multi, by: keys, as: .distribution()),
            View("bench.multi.size", of: size, by: keys, as: .sum))
        try ClientBenches.registerViews()
        return bound() + byTags() + ClientBenches.all
    }

    // MARK: - Everything resolved once

    private static func bound() -> [Bench] {
        let tags = Tags(zip(keys, ["GET", "/users", "200"]))
        let counter = count.bound(to: tags)
        let distribution = latency.bound(to: tags)
        let (sampled, untraced) = (sampled.bound(to: tags), untraced.bound(to: tags))
        let exponential = wide.bound(to: tags)
        let gauge = level.bound(to: tags)
        // Seconds, from microseconds to above the last bound: a walk over all buckets in random order.
        var generator = SplitMix(state: 1)
        let values = (0..<1_024).map { _ in Double(generator.next() >> 11) * 0x1p-53 * 12 }
        // Every bucket has its exemplar, as it has between two collections but for the first moment.
        withSpan(SpanReference(traceHigh: 1, low: 2, spanID: 3, isSampled: true)) {
            for value in values { sampled.record(value) }
        }
        return [
            Bench(name: "counter.bound") { count in
                for _ in 0..<count { counter.record(1) }
            },
            Bench(name: "distribution.bound.14") { count in
                for index in 0..<count { distribution.record(values[index & 1_023]) }
            },
            Bench(name: "distribution.exemplars") { count in
                for index in 0..<count { sampled.record(values[index & 1_023]) }
            },
            // No bucket has one, and no measurement a span: each is looked at.
            Bench(name: "distribution.exemplars.untraced") { count in
                for index in 0..<count { untraced.record(values[index & 1_023]) }
            },
            Bench(name: "exponential.bound") { count in
                for index in 0..<count { exponential.record(values[index & 1_023]) }
            },
            Bench(name: "gauge.set") { count in
                for index in 0..<count { gauge.record(values[index & 1_023]) }
            },
        ]
    }

    // MARK: - Looked up by tags: three, 1,000 series, in random order

    private static func byTags() -> [Bench] {
        let strings = (0..<1_000).map { ("GET\($0 % 10)", "/route/\($0 / 10 % 10)/item", "status \($0 / 100)") }
        let tags = strings.map { Tags(zip(keys, [$0.0, $0.1, $0.2])) }
        var generator = SplitMix(state: 2)
        let order = (0..<4_096).map { _ in UInt16(generator.next() % 1_000) }
        let (method, route, status) = (keys[0], keys[1], keys[2])
        let (tagged, multi, size, unviewed) = (tagged, multi, size, unviewed)
        return [
            Bench(name: "counter.tags.prebuilt") { count in
                for index in 0..<count { tagged.record(1, tags[Int(order[index & 4_095])]) }
            },
            Bench(name: "counter.tags.strings") { count in
                for index in 0..<count {
                    let values = strings[Int(order[index & 4_095])]
                    tagged.record(1, (method, values.0), (route, values.1), (status, values.2))
                }
            },
            Bench(name: "record.multi") { count in
                for index in 0..<count {
                    record([multi.of(0.012), size.of(512)], tags[Int(order[index & 4_095])])
                }
            },
            Bench(name: "record.unviewed") { count in
                for index in 0..<count { unviewed.record(1, tags[index & 511]) }
            },
        ]
    }

    // MARK: - New series

    /// 100,000 new series a round, tags built included, each round in an instance of its own.
    private static func createSeries(rounds: Int, _ report: Report) throws {
        let baseline = Measuring.baseline()
        let seriesCount = 100_000
        var times: [Double] = []
        var ratios: [Double] = []
        for _ in 0..<rounds {
            let stats = try Stats()
            try stats.register(View("bench.tagged", of: tagged, by: keys, as: .sum, seriesLimit: seriesCount))
            let strings = (0..<seriesCount).map { ("GET", "/route/\($0)", "200") }
            let xadd = Measuring.time(baseline, iterations: 1_000_000, threads: 1)
            let time = Measuring.nanoseconds {
                for values in strings {
                    tagged.record(1, Tags(zip(keys, [values.0, values.1, values.2])), in: stats)
                }
            }
            times.append(time / Double(seriesCount))
            ratios.append(time / Double(seriesCount) / xadd)
        }
        report.recording("series.create", threads: 1, nanoseconds: Spread(times), ratio: Spread(ratios))
    }
}

/// SplitMix64 (Steele, Lea, Flood, 2014): the same numbers in every run.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
