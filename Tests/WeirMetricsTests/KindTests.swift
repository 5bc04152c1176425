import CoreMetrics
import Metrics
import Testing
import WeirBatch
import WeirMetrics
import WeirRecording

@Suite("swift-metrics: every kind")
struct KindTests {
    @Test("a counter adds, by its dimensions in any order")
    func counter() throws {
        let recorded = try Recorded()
        let one = CoreMetrics.Counter(
            label: "requests", dimensions: [("a", "1"), ("b", "2")], factory: recorded.factory)
        let same = CoreMetrics.Counter(
            label: "requests", dimensions: [("b", "2"), ("a", "1")], factory: recorded.factory)
        let other = CoreMetrics.Counter(label: "requests", dimensions: [("a", "2")], factory: recorded.factory)
        one.increment()
        same.increment(by: 4)
        other.increment(by: 7)
        _ = CoreMetrics.Counter(label: "untouched", factory: recorded.factory)
        #expect(recorded.rows() == ["requests{a=1,b=2}: 5", "requests{a=2}: 7", "untouched: 0"])
        let view = try #require(recorded.collect().view("requests"))
        #expect(view.aggregation == .sum && view.isMonotonic && view.number == .int64)
    }

    @Test("a counter of fractions adds them")
    func floatingPointCounter() throws {
        let recorded = try Recorded()
        let counter = FloatingPointCounter(label: "litres", factory: recorded.factory)
        counter.increment(by: 0.25)
        counter.increment(by: 0.5)
        counter.increment()
        #expect(recorded.rows() == ["litres: 1.75"])
        let view = try #require(recorded.collect().view("litres"))
        #expect(view.aggregation == .sum && view.isMonotonic && view.number == .double)
    }

    @Test("a gauge has the last value, and none before it was set")
    func gauge() throws {
        let recorded = try Recorded()
        let gauge = CoreMetrics.Gauge(label: "level", dimensions: [("tank", "1")], factory: recorded.factory)
        #expect(recorded.rows() == [])
        gauge.record(3)
        gauge.record(2.5)
        #expect(recorded.rows() == ["level{tank=1}: 2.5"])
        gauge.record(-4)
        #expect(recorded.rows() == ["level{tank=1}: -4.0"])
    }

    @Test("a meter is set, goes up and goes down")
    func meter() throws {
        let recorded = try Recorded()
        let meter = Meter(label: "connections", factory: recorded.factory)
        meter.increment()
        meter.increment(by: 2.5)
        meter.decrement()
        #expect(recorded.rows() == ["connections: 2.5"])
        meter.set(10)
        meter.decrement(by: 0.5)
        #expect(recorded.rows() == ["connections: 9.5"])
        meter.set(1.5)
        #expect(recorded.rows() == ["connections: 1.5"])
        // To go up by less than nothing, or by nothing at all, is not to move.
        meter.increment(by: -1.0)
        meter.decrement(by: -1.0)
        meter.increment(by: 0.0)
        meter.increment(by: Double.nan)
        meter.decrement(by: Double.infinity)
        meter.set(Double.nan)
        #expect(recorded.rows() == ["connections: 1.5"])
        #expect(recorded.discarded("rejected") == 5)
    }

    @Test("a recorder that aggregates is a distribution, one that does not is a gauge")
    func recorder() throws {
        let recorded = try Recorded()
        let sizes = CoreMetrics.Recorder(label: "sizes", factory: recorded.factory)
        for value in [0.5, 1, 5] { sizes.record(value) }
        sizes.record(20)
        let last = CoreMetrics.Recorder(label: "last", aggregate: false, factory: recorded.factory)
        last.record(1)
        last.record(2)
        #expect(recorded.rows() == ["last: 2.0", "sizes: 26.5 in [2, 1, 1]"])
    }

    @Test("a whole number that is no Double is in the bucket of its exact value")
    func wholeNumbers() throws {
        let bound = Int64(1) << 53
        let recorded = try Recorded(recorders: .distribution(bounds: [Double(-bound), Double(bound)]))
        let sizes = CoreMetrics.Recorder(label: "sizes", factory: recorded.factory)
        for value in [-bound, -bound + 1, bound, bound + 1, bound + 2] { sizes.record(value) }
        #expect(try #require(recorded.collect().view("sizes")).bucketCounts == [1, 2, 2])
    }

    @Test("a timer is a distribution in seconds, whatever it is told the time in")
    func timer() throws {
        let recorded = try Recorded(timers: .distribution(bounds: [0.001, 1, 60]))
        let timer = CoreMetrics.Timer(label: "duration", factory: recorded.factory)
        timer.recordNanoseconds(500_000)
        timer.recordMilliseconds(250)
        timer.recordSeconds(2)
        timer.record(duration: .seconds(120))
        let batch = recorded.collect()
        #expect(batch.metricRows == ["duration: 122.2505 in [1, 1, 1, 1]"])
        #expect(try #require(batch.view("duration")).unit == "s")
    }

    @Test(
        "bounds of a timer follow the unit that it prefers, and are in seconds",
        arguments: [
            (nil, 0.001, 10), (TimeUnit.seconds, 0.001, 10), (.milliseconds, 0.001, 10), (.microseconds, 1e-6, 10),
            (.nanoseconds, 1e-8, 1), (.minutes, 1, 7_200), (.hours, 60, 172_800), (.days, 3_600, 2_592_000),
        ])
    func units(unit: TimeUnit?, least: Double, greatest: Double) throws {
        let recorded = try Recorded()
        let timer =
            unit.map {
                CoreMetrics.Timer(label: "duration", preferredDisplayUnit: $0, factory: recorded.factory)
            } ?? CoreMetrics.Timer(label: "duration", factory: recorded.factory)
        timer.recordSeconds(1)
        let view = try #require(recorded.collect().view("duration"))
        #expect(view.bounds.first == least && view.bounds.last == greatest && view.unit == "s")
        #expect(view.bounds == view.bounds.sorted() && view.doubles == [1])
        // What comes later is too late for this label, and for nothing else.
        let late = CoreMetrics.Timer(label: "duration", preferredDisplayUnit: .days, factory: recorded.factory)
        late.recordSeconds(1)
        #expect(try #require(recorded.collect().view("duration")).bounds == view.bounds)
    }

    @Test("labels are described, where they are")
    func descriptions() throws {
        let recorded = try Recorded(descriptions: ["requests": "Requests that were answered"])
        CoreMetrics.Counter(label: "requests", factory: recorded.factory).increment()
        CoreMetrics.Counter(label: "errors", factory: recorded.factory).increment()
        let batch = recorded.collect()
        #expect(try #require(batch.view("requests")).description == "Requests that were answered")
        #expect(try #require(batch.view("errors")).description == "")
    }

    @Test("a counter that is reset ends with what it had, and begins anew")
    func reset() throws {
        let recorded = try Recorded()
        let counter = CoreMetrics.Counter(label: "whole", dimensions: [("a", "1")], factory: recorded.factory)
        let fractions = FloatingPointCounter(label: "fractions", factory: recorded.factory)
        let other = CoreMetrics.Counter(label: "whole", factory: recorded.factory)
        counter.increment(by: 5)
        fractions.increment(by: 0.1)
        fractions.increment(by: 0.2)
        other.increment(by: 3)
        let before = try #require(recorded.collect().view("whole")).startTimes
        counter.increment()
        counter.reset()
        counter.increment(by: 2)
        fractions.reset()
        let batch = recorded.collect()
        #expect(
            batch.metricRows == [
                "fractions: 0.0", "fractions: \(0.1 + 0.2) ended", "whole: 3", "whole{a=1}: 2", "whole{a=1}: 6 ended",
            ])
        let view = try #require(batch.view("whole"))
        #expect(view.startTimes[0] > before[0] && view.startTimes[1] == before[1])
        #expect(recorded.rows() == ["fractions: 0.0", "whole: 3", "whole{a=1}: 2"])
    }

    @Test("what is no number to add changes nothing, and is counted")
    func rejected() throws {
        let recorded = try Recorded(timers: .distribution(bounds: [1]))
        CoreMetrics.Counter(label: "counter", factory: recorded.factory).increment(by: -1)
        let fractions = FloatingPointCounter(label: "fractions", factory: recorded.factory)
        fractions.increment(by: -0.5)
        fractions.increment(by: Double.nan)
        fractions.increment(by: Double.infinity)
        let gauge = CoreMetrics.Gauge(label: "gauge", factory: recorded.factory)
        gauge.record(Double.nan)
        let recorder = CoreMetrics.Recorder(label: "recorder", factory: recorded.factory)
        recorder.record(-Double.infinity)
        let timer = CoreMetrics.Timer(label: "timer", factory: recorded.factory)
        timer.recordNanoseconds(Int64(-1))
        timer.recordNanoseconds(Int64.min)
        #expect(
            recorded.rows() == ["counter: 0", "fractions: 0.0", "recorder: 0.0 in [0, 0, 0]", "timer: 0.0 in [0, 0]"])
        #expect(recorded.discarded("rejected") == 8)
    }

    @Test("the greatest numbers there are trap nothing")
    func greatest() throws {
        let recorded = try Recorded(timers: .distribution(bounds: [1]))
        let counter = CoreMetrics.Counter(label: "counter", factory: recorded.factory)
        counter.increment(by: Int64.max)
        #expect(recorded.rows() == ["counter: \(Int64.max)"])
        // The nearest that there is, from both together.
        counter.increment(by: Int64.max)
        #expect(recorded.rows() == ["counter: \(Int64.max)"])
        counter.reset()
        let fractions = FloatingPointCounter(label: "fractions", factory: recorded.factory)
        fractions.increment(by: Double.greatestFiniteMagnitude)
        fractions.increment(by: Double.greatestFiniteMagnitude)
        CoreMetrics.Timer(label: "timer", factory: recorded.factory).recordNanoseconds(Int64.max)
        CoreMetrics.Recorder(label: "recorder", factory: recorded.factory).record(Int64.min)
        Meter(label: "meter", factory: recorded.factory).set(Int64.max)
        let rows = recorded.rows()
        #expect(rows.contains("counter: 0") && rows.contains("fractions: 0.0"))
        #expect(recorded.discarded("rejected") == 2)
        #expect(rows.contains("timer: \(Double(Int64.max) / 1e9) in [0, 1]"))
        #expect(rows.contains("recorder: \(Double(Int64.min)) in [1, 0, 0]"))
        #expect(rows.contains("meter: \(Double(Int64.max))"))
    }

    @Test("the process's own factory is what metrics without one record into")
    func taskLocal() throws {
        let recorded = try Recorded()
        withMetricsFactory(recorded.factory) {
            CoreMetrics.Counter(label: "requests", dimensions: [("a", "1")]).increment()
            Meter(label: "meter").set(3)
        }
        #expect(recorded.rows() == ["meter: 3.0", "requests{a=1}: 1"])
    }
}
