import CoreMetrics
import Testing
import WeirBatch
import WeirMetrics
import WeirRecording

@Suite("swift-metrics: names from anywhere")
struct LimitTests {
    @Test("past the limit of a label its dimensions go to one series, until there is room")
    func series() throws {
        let recorded = try Recorded(seriesLimit: 3)
        func increment(_ value: Int) -> CoreMetrics.Counter {
            let counter = CoreMetrics.Counter(
                label: "x", dimensions: [("id", "\(value)")], factory: recorded.factory)
            counter.increment()
            return counter
        }
        let counters = (0..<10).map(increment)
        #expect(recorded.rows() == ["x{id=0}: 1", "x{id=1}: 1", "x{id=2}: 1", "x{otel.metric.overflow=true}: 7"])
        #expect(recorded.problems == [.limit(label: "x", of: "series", limit: 3)])
        // The overflow series is everybody's: nobody ends it.
        counters[9].destroy()
        counters[1].destroy()
        #expect(recorded.rows().contains("x{id=1}: 1 ended"))
        _ = increment(11)
        _ = increment(12)
        #expect(recorded.rows() == ["x{id=0}: 1", "x{id=11}: 1", "x{id=2}: 1", "x{otel.metric.overflow=true}: 8"])
        withExtendedLifetime(counters) {}
    }

    @Test("handles of all labels have a limit", arguments: [true, false])
    func handles(areTimers: Bool) throws {
        var limits = MetricsLimits()
        limits.handles = 4
        let recorded = try Recorded(timers: .distribution(bounds: [1]), limits: limits)
        for value in 0..<3 {
            for label in ["x", "y", "z"] {
                let dimensions = [("id", "\(value)")]
                if areTimers {
                    CoreMetrics.Timer(label: label, dimensions: dimensions, factory: recorded.factory).recordSeconds(1)
                } else {
                    CoreMetrics.Counter(label: label, dimensions: dimensions, factory: recorded.factory).increment()
                }
            }
        }
        func value(_ count: Int) -> String { areTimers ? "\(count).0 in [\(count), 0]" : "\(count)" }
        #expect(
            recorded.rows() == [
                "x{id=0}: \(value(1))", "x{id=1}: \(value(1))", "x{otel.metric.overflow=true}: \(value(1))",
                "y{id=0}: \(value(1))", "y{otel.metric.overflow=true}: \(value(2))", "z{id=0}: \(value(1))",
                "z{otel.metric.overflow=true}: \(value(2))",
            ])
    }

    @Test("past the limit of labels measurements are counted as lost")
    func labels() throws {
        var limits = MetricsLimits()
        limits.labels = 2
        let recorded = try Recorded(limits: limits)
        for round in 0..<2 {
            for label in ["a", "b", "c", "d"] {
                CoreMetrics.Counter(label: label, dimensions: [("n", "\(round)")], factory: recorded.factory)
                    .increment()
            }
        }
        let counter = CoreMetrics.Counter(label: "c", factory: recorded.factory)
        counter.reset()
        counter.destroy()
        Meter(label: "c", factory: recorded.factory).set(1)
        CoreMetrics.Timer(label: "c", factory: recorded.factory).recordSeconds(1)
        #expect(recorded.rows() == ["a{n=0}: 1", "a{n=1}: 1", "b{n=0}: 1", "b{n=1}: 1"])
        #expect(recorded.discarded("lost") == 6)
        #expect(
            recorded.problems == [
                .limit(label: "c", of: "labels", limit: 2), .limit(label: "d", of: "labels", limit: 2),
            ])
    }

    @Test(
        "a label that is no name becomes one",
        arguments: [
            ("", "metric_"), ("with space", "with_space"), ("1st", "metric_1st"), ("_private", "metric__private"),
            ("größe", "gr____e"), ("a\0b", "a_b"), ("\u{1F600}", "metric_____"), ("a/b-c.d_e", "a/b-c.d_e"),
            ("new\nline", "new_line"),
        ])
    func names(label: String, name: String) throws {
        let recorded = try Recorded()
        for _ in 0..<2 { CoreMetrics.Counter(label: label, factory: recorded.factory).increment() }
        #expect(recorded.rows() == ["\(name): 2"])
        #expect(recorded.problems == (label == name ? [] : [.labelChanged(label: label, recordedAs: name)]))
    }

    @Test("labels that are too long are cut, and told apart")
    func longLabels() throws {
        let recorded = try Recorded(timers: .distribution(bounds: [1]))
        let long = String(repeating: "é", count: 100_000)
        for end in ["a", "b"] {
            CoreMetrics.Counter(label: long + end, factory: recorded.factory).increment()
            CoreMetrics.Timer(label: long + end, factory: recorded.factory).recordSeconds(1)
        }
        let rows = recorded.rows()
        #expect(rows.count == 4 && rows.allSatisfy { $0.utf8.count < 300 })
    }

    @Test("dimensions that cannot be tags are left out or changed, and the rest is recorded")
    func dimensions() throws {
        var limits = MetricsLimits()
        limits.dimensions = 4
        limits.keys = 6
        limits.valueLength = 8
        let recorded = try Recorded(limits: limits)
        func increment(_ dimensions: [(String, String)]) {
            CoreMetrics.Counter(label: "x", dimensions: dimensions, factory: recorded.factory).increment()
        }
        increment([("", "empty"), ("a", "1")])
        increment([("otel.metric.overflow", "true"), ("b", "1")])
        increment([("k\u{7}y", "1")])
        increment([("a", "é23456é"), ("b", "12345678")])
        increment((0..<9).map { ("a", "\($0)") })
        increment([(String(repeating: "k", count: 1_000), "1")])
        increment([("c", "1")])
        increment([("d", "1"), ("e", "1"), ("f", "1")])
        #expect(
            recorded.rows()
                == [
                    "x{\(String(repeating: "k", count: 255))=1}: 1", "x{a=1}: 1", "x{a=3}: 1",
                    "x{a=é234…,b=12345678}: 1",
                    "x{b=1}: 1", "x{c=1}: 1", "x{d=1}: 1", "x{k_y=1}: 1",
                ].sorted())
        #expect(recorded.problems.count >= 6)
    }

    @Test("a flood of names takes no more than the limits say")
    func flood() throws {
        var limits = MetricsLimits()
        limits.labels = 20
        limits.handles = 50
        limits.keys = 10
        let recorded = try Recorded(timers: .distribution(bounds: [1]), limits: limits)
        for number in 0..<2_000 {
            let dimensions = [("key\(number)", "value"), ("\(number % 7)", "\(number)")]
            CoreMetrics.Counter(label: "counter\(number % 30)", dimensions: dimensions, factory: recorded.factory)
                .increment()
            CoreMetrics.Timer(label: "timer\(number)", dimensions: dimensions, factory: recorded.factory)
                .recordSeconds(1)
        }
        let rows = recorded.rows()
        #expect(rows.count <= 70)
        let counted = rows.filter { $0.hasPrefix("counter") }.compactMap { Int($0.split(separator: ": ")[1]) }
        let timed = rows.filter { $0.hasPrefix("timer") }.compactMap {
            Double($0.split(separator: ": ")[1].split(separator: " ")[0])
        }
        let total = counted.reduce(0, +) + Int(timed.reduce(0, +))
        // Every measurement is in one series, or counted as lost.
        #expect(Int64(total) + recorded.discarded("lost") == 4_000)
        #expect(recorded.problems.count <= 1_000)
    }

    @Test("a report may make metrics itself")
    func reentrant() throws {
        let stats = try Stats(cellsPerCore: 1 << 12)
        nonisolated(unsafe) var factory: (any MetricsFactory)!
        unsafe factory = metricsFactory(in: stats) { _ in
            unsafe CoreMetrics.Counter(label: "problems", factory: factory).increment()
        }
        unsafe CoreMetrics.Counter(label: "a b", factory: factory).increment()
        #expect(stats.viewNames == ["a_b", "problems"])
    }
}
