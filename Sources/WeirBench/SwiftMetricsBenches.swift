internal import CoreMetrics
internal import WeirMetrics

/// What a library's metrics cost that records through swift-metrics.
enum SwiftMetricsBenches {
    static let names = [
        "swiftmetrics.percall3.noop", "swiftmetrics.percall3.1000.noop", "swiftmetrics.counter", "swiftmetrics.timer",
        "swiftmetrics.percall3", "swiftmetrics.percall3.1000",
    ]

    static func run(only: String, rounds: Int, _ report: Report) {
        guard names.contains(where: { $0.hasPrefix(only) }) else { return }
        RecordingBenches.measure(withoutFactory.filter { $0.name.hasPrefix(only) }, rounds: rounds, report)
        RecordingBenches.measure(withFactory().filter { $0.name.hasPrefix(only) }, rounds: rounds, report)
    }

    /// Before there is a factory: what swift-metrics itself takes to make a handle at each call.
    private static let withoutFactory = [
        perCall("swiftmetrics.percall3.noop", series: 1), perCall("swiftmetrics.percall3.1000.noop", series: 1_000),
    ]

    /// Makes the process's own `Stats` what swift-metrics records into; once.
    private static func withFactory() -> [Bench] {
        MetricsSystem.bootstrap(metricsFactory())
        let counter = CoreMetrics.Counter(label: "bench.metrics.counter", dimensions: [("method", "GET")])
        let timer = CoreMetrics.Timer(label: "bench.metrics.timer", dimensions: [("method", "GET")])
        // From a microsecond to above the last bound: a walk over all buckets in random order.
        var generator = SplitMix(state: 3)
        let times = (0..<1_024).map { _ in Int64(generator.next() % 12_000_000_000) }
        return [
            Bench(name: "swiftmetrics.counter") { count in
                for _ in 0..<count { counter.increment() }
            },
            Bench(name: "swiftmetrics.timer") { count in
                for index in 0..<count { timer.recordNanoseconds(times[index & 1_023]) }
            },
            perCall("swiftmetrics.percall3", series: 1), perCall("swiftmetrics.percall3.1000", series: 1_000),
        ]
    }

    /// A counter with three dimensions, made and incremented at each call.
    private static func perCall(_ name: String, series: Int) -> Bench {
        let strings = (0..<series).map { ("GET\($0 % 10)", "/route/\($0 / 10 % 10)/item", "status \($0 / 100)") }
        var generator = SplitMix(state: 2)
        let order = (0..<4_096).map { _ in UInt16(generator.next() % UInt64(series)) }
        return Bench(name: name) { count in
            for index in 0..<count {
                let values = strings[Int(order[index & 4_095])]
                CoreMetrics.Counter(
                    label: "bench.metrics.requests",
                    dimensions: [("method", values.0), ("route", values.1), ("status", values.2)]
                ).increment()
            }
        }
    }
}
