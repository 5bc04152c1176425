import CoreMetrics
import Testing
import WeirBatch
import WeirMetrics
import WeirRecording

@testable import WeirExport

@Suite("swift-metrics: labels that gain keys, told as deltas")
struct TemporalityTests {
    /// What is told of one collection after the other.
    private struct Deltas {
        let recorded: Recorded
        var delta = Delta()

        mutating func rows() -> [String] {
            var batch = recorded.collect()
            delta.subtract(from: &batch)
            delta.commit()
            return batch.metricRows
        }
    }

    @Test("a key that comes up later makes no series of before begin anew")
    func newKey() throws {
        var deltas = Deltas(recorded: try Recorded())
        func increment(_ amount: Int, _ dimensions: (String, String)...) {
            CoreMetrics.Counter(label: "x", dimensions: dimensions, factory: deltas.recorded.factory)
                .increment(by: amount)
        }
        increment(5, ("a", "1"))
        increment(1)
        #expect(deltas.rows() == ["x: 1", "x{a=1}: 5"])
        increment(2, ("a", "1"))
        increment(7, ("b", "1"), ("a", "1"))
        #expect(deltas.rows() == ["x{a=1,b=1}: 7", "x{a=1}: 2"])
        increment(3, ("a", "1"))
        increment(4)
        increment(9, ("c", "1"))
        #expect(deltas.rows() == ["x: 4", "x{a=1}: 3", "x{c=1}: 9"])
    }

    @Test("a key that goes with its last series takes nothing with it")
    func goneKey() throws {
        var deltas = Deltas(recorded: try Recorded())
        let first = CoreMetrics.Counter(label: "x", dimensions: [("z", "1")], factory: deltas.recorded.factory)
        let second = CoreMetrics.Counter(label: "x", dimensions: [("a", "1")], factory: deltas.recorded.factory)
        first.increment(by: 5)
        second.increment(by: 1)
        #expect(deltas.rows() == ["x{a=1}: 1", "x{z=1}: 5"])
        first.increment(by: 2)
        second.increment(by: 3)
        first.destroy()
        #expect(deltas.rows() == ["x{a=1}: 3", "x{z=1}: 2 ended"])
        second.increment(by: 4)
        #expect(deltas.rows() == ["x{a=1}: 4"])
        let again = CoreMetrics.Counter(label: "x", dimensions: [("z", "1")], factory: deltas.recorded.factory)
        again.increment(by: 6)
        #expect(deltas.rows() == ["x{z=1}: 6"])
        withExtendedLifetime(first) {}
    }

    @Test("a reset is told as an end and a beginning, and the growth adds up")
    func reset() throws {
        var deltas = Deltas(recorded: try Recorded())
        let counter = CoreMetrics.Counter(label: "x", factory: deltas.recorded.factory)
        counter.increment(by: 100)
        #expect(deltas.rows() == ["x: 100"])
        counter.increment(by: 20)
        counter.reset()
        counter.increment(by: 130)
        #expect(deltas.rows() == ["x: 130", "x: 20 ended"])
        counter.reset()
        counter.reset()
        #expect(deltas.rows().reduce(0) { $0 + (Int($1.split(separator: " ")[1]) ?? 1_000) } == 0)
        counter.increment()
        #expect(deltas.rows() == ["x: 1"])
    }

    @Test("batches of before and after a key came up are one when they are merged")
    func merged() throws {
        var deltas = Deltas(recorded: try Recorded())
        func batch() -> Batch {
            var batch = deltas.recorded.collect()
            deltas.delta.subtract(from: &batch)
            deltas.delta.commit()
            return batch
        }
        CoreMetrics.Counter(label: "x", dimensions: [("a", "1")], factory: deltas.recorded.factory).increment(by: 5)
        let older = batch()
        CoreMetrics.Counter(label: "x", dimensions: [("a", "1")], factory: deltas.recorded.factory).increment(by: 2)
        CoreMetrics.Counter(label: "x", dimensions: [("b", "1")], factory: deltas.recorded.factory).increment(by: 3)
        let newer = batch()
        let merged = try #require(BatchMerge.merge(older: older, newer: newer))
        #expect(merged.metricRows == ["x{a=1}: 7", "x{b=1}: 3"])
        #expect(merged.views.filter { $0.name == "x" }.count == 1)
    }
}
