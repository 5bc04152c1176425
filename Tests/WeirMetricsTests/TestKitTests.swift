import CoreMetrics
import MetricsTestKit
import Testing
import WeirBatch
import WeirMetrics
import WeirRecording
import WeirTestSupport

/// Whatever a program does with its metrics, Weir's factory says what swift-metrics' own, which keeps all values, says.
@Suite("swift-metrics: beside its own test kit")
struct TestKitTests {
    private static let dimensions: [[(String, String)]] = [
        [], [("a", "1")], [("a", "2")], [("b", "1"), ("a", "1")], [("a", "1"), ("b", "1")],
        [("a longer key than a word", "a longer value than two words hold")],
    ]

    @Test("the same calls on both give the same totals", arguments: 1...5)
    func totals(seed: UInt64) throws {
        let recorded = try Recorded(timers: .distribution(bounds: [1]), recorders: .distribution(bounds: [5]))
        let kit = TestMetrics()
        let both = MultiplexMetricsHandler(factories: [recorded.factory, kit])
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            let dimensions = Self.dimensions.randomElement(using: &generator)!
            let suffix = Int.random(in: 0..<2, using: &generator)
            let value = Int.random(in: 0..<10, using: &generator)
            switch Int.random(in: 0..<7, using: &generator) {
            case 0:
                CoreMetrics.Counter(label: "counter\(suffix)", dimensions: dimensions, factory: both)
                    .increment(by: value)
            case 1: Meter(label: "meter\(suffix)", dimensions: dimensions, factory: both).set(value)
            case 2:
                Meter(label: "meter\(suffix)", dimensions: dimensions, factory: both).increment(by: Double(value))
            case 3:
                Meter(label: "meter\(suffix)", dimensions: dimensions, factory: both).decrement(by: Double(value))
            case 4:
                CoreMetrics.Recorder(label: "recorder\(suffix)", dimensions: dimensions, factory: both).record(value)
            case 5:
                CoreMetrics.Gauge(label: "gauge\(suffix)", dimensions: dimensions, factory: both).record(value)
            default:
                CoreMetrics.Timer(label: "timer\(suffix)", dimensions: dimensions, factory: both)
                    .recordSeconds(value)
            }
        }
        #expect(recorded.rows() == rows(of: kit))
    }

    private func rows(of kit: TestMetrics) -> [String] {
        func name(_ label: String, _ dimensions: [(String, String)]) -> String {
            let tags = dimensions.map { "\($0.0)=\($0.1)" }.sorted().joined(separator: ",")
            return tags.isEmpty ? label : "\(label){\(tags)}"
        }
        func distribution(_ values: [Double], _ bound: Double) -> String {
            let below = values.count { $0 <= bound }
            return "\(values.reduce(0, +)) in [\(below), \(values.count - below)]"
        }
        var rows = kit.counters.map { "\(name($0.label, $0.dimensions)): \($0.totalValue)" }
        rows += kit.meters.compactMap { meter in
            meter.lastValue.map { "\(name(meter.label, meter.dimensions)): \($0)" }
        }
        rows += kit.recorders.map { recorder in
            let value = recorder.aggregate ? distribution(recorder.values, 5) : "\(recorder.values.last ?? .nan)"
            return "\(name(recorder.label, recorder.dimensions)): \(value)"
        }
        rows += kit.timers.map { timer in
            "\(name(timer.label, timer.dimensions)): \(distribution(timer.values.map { Double($0) / 1e9 }, 1))"
        }
        return rows.sorted()
    }

    @Test("what is destroyed is gone from both, and what is reset has nothing in either")
    func ends() throws {
        let recorded = try Recorded()
        let kit = TestMetrics()
        let both = MultiplexMetricsHandler(factories: [recorded.factory, kit])
        let kept = CoreMetrics.Counter(label: "kept", factory: both)
        let gone = CoreMetrics.Counter(label: "gone", factory: both)
        kept.increment(by: 4)
        gone.increment(by: 3)
        gone.destroy()
        kept.reset()
        _ = recorded.rows()
        #expect(kit.counters.map(\.label) == ["kept"])
        #expect(kit.counterTotal(label: "kept") == 0)
        #expect(recorded.rows() == ["kept: 0"])
        withExtendedLifetime(gone) {}
    }
}
