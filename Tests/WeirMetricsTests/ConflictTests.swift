import CoreMetrics
import Testing
import WeirBatch
import WeirMetrics
import WeirRecording

@Suite("swift-metrics: labels that meet")
struct ConflictTests {
    @Test("a label that another kind has is recorded under its own kind's name, and told once")
    func kinds() throws {
        let recorded = try Recorded(timers: .distribution(bounds: [1]))
        for _ in 0..<3 {
            CoreMetrics.Counter(label: "x", factory: recorded.factory).increment()
            CoreMetrics.Timer(label: "x", dimensions: [("a", "1")], factory: recorded.factory).recordSeconds(1)
            CoreMetrics.Recorder(label: "x", factory: recorded.factory).record(2)
            CoreMetrics.Gauge(label: "x", factory: recorded.factory).record(3)
            Meter(label: "x", factory: recorded.factory).increment(by: 1.0)
            FloatingPointCounter(label: "x", factory: recorded.factory).increment(by: 0.5)
        }
        #expect(
            recorded.rows() == [
                "x.gauge: 4.0", "x.recorder: 6.0 in [0, 3, 0]", "x.sum: 1.5", "x.timer{a=1}: 3.0 in [3, 0]", "x: 3",
            ])
        #expect(
            recorded.problems == [
                .labelTaken(label: "x", kind: "timer", recordedAs: "x.timer"),
                .labelTaken(label: "x", kind: "recorder", recordedAs: "x.recorder"),
                .labelTaken(label: "x", kind: "gauge", recordedAs: "x.gauge"),
                .labelTaken(label: "x", kind: "sum", recordedAs: "x.sum"),
            ])
    }

    @Test("a timer that has not recorded yet has its label all the same")
    func unrecordedTimer() throws {
        let recorded = try Recorded(timers: .distribution(bounds: [1]))
        let timer = CoreMetrics.Timer(label: "x", factory: recorded.factory)
        CoreMetrics.Counter(label: "x", factory: recorded.factory).increment()
        timer.recordSeconds(1)
        #expect(recorded.rows() == ["x.counter: 1", "x: 1.0 in [1, 0]"])
    }

    @Test("a view that the program registered keeps its name")
    func views() throws {
        let recorded = try Recorded(timers: .distribution(bounds: [1]))
        let own = Measure<Int64>("requests", unit: "{request}")
        try recorded.stats.register(View("requests", of: own, as: .sum))
        own.record(7, in: recorded.stats)
        CoreMetrics.Counter(label: "requests", dimensions: [("a", "1")], factory: recorded.factory).increment()
        CoreMetrics.Timer(label: "requests", factory: recorded.factory).recordSeconds(1)
        #expect(recorded.rows() == ["requests.counter{a=1}: 1", "requests.timer: 1.0 in [1, 0]", "requests: 7"])
    }

    @Test("a label that has no name left counts what it loses")
    func nothingLeft() throws {
        let recorded = try Recorded()
        for name in ["x", "x.counter"] {
            try recorded.stats.register(View(name, of: Measure<Double>(name, unit: .bytes), as: .lastValue))
        }
        for _ in 0..<3 { CoreMetrics.Counter(label: "x", factory: recorded.factory).increment() }
        #expect(recorded.rows() == [])
        #expect(recorded.discarded("lost") == 3)
        let problem = try #require(recorded.problems.first)
        #expect(recorded.problems.count == 1)
        #expect("\(problem)" == "the counter 'x' is not recorded: 'x' and 'x.counter' are in use by others")
    }

    @Test("two factories of one instance record into the same series")
    func twoFactories() throws {
        let recorded = try Recorded()
        let second = metricsFactory(in: recorded.stats)
        for factory in [recorded.factory, second] {
            CoreMetrics.Counter(label: "x", dimensions: [("a", "1")], factory: factory).increment()
        }
        #expect(recorded.rows() == ["x{a=1}: 2"])
    }

    @Test("dimensions of other keys are other series of the same label")
    func keys() throws {
        let recorded = try Recorded()
        for dimensions in [[], [("a", "1")], [("b", "1")], [("a", "1"), ("b", "1")], [("c", ""), ("a", "1")]] {
            CoreMetrics.Counter(label: "x", dimensions: dimensions, factory: recorded.factory).increment()
        }
        #expect(recorded.rows() == ["x: 1", "x{a=1,b=1}: 1", "x{a=1,c=}: 1", "x{a=1}: 1", "x{b=1}: 1"])
    }

    @Test("of a dimension that is given twice the last value counts")
    func twice() throws {
        let recorded = try Recorded()
        for dimensions in [[("a", "1"), ("a", "2")], [("a", "2")], [("a", "2"), ("a", "1")]] {
            CoreMetrics.Counter(label: "x", dimensions: dimensions, factory: recorded.factory).increment()
        }
        // The first and the last of them are the same dimensions in another order.
        let counts: [Int] = recorded.rows().compactMap { Int($0.suffix(1)) }
        #expect(counts.reduce(0, +) == 3)
    }

    @Test("rules apply to a label as to any view", arguments: [true, false])
    func rules(isBefore: Bool) throws {
        let recorded = try Recorded(timers: .distribution())
        let rules = ViewRules([
            ViewRule("x", removing: ["user"]), ViewRule("y", keepingOnly: ["a"]), .dropping("z"),
            ViewRule("t", buckets: .bounds([2])),
        ])
        if isBefore { try recorded.stats.apply(rules) }
        func record() {
            for user in ["1", "2"] {
                let dimensions = [("user", user), ("a", "1")]
                for label in ["x", "y", "z"] {
                    CoreMetrics.Counter(label: label, dimensions: dimensions, factory: recorded.factory).increment()
                }
                CoreMetrics.Timer(label: "t", factory: recorded.factory).recordSeconds(1)
            }
        }
        record()
        if !isBefore {
            try recorded.stats.apply(rules)
            _ = recorded.rows()
            _ = recorded.rows()
            record()
        }
        // What nobody has seen before the rules is told under what they make of it; other buckets begin anew.
        let count = isBefore ? 2 : 4
        #expect(recorded.rows() == ["t: 2.0 in [2, 0]", "x{a=1}: \(count)", "y{a=1}: \(count)"])
    }
}
