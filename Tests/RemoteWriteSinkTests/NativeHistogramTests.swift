import Testing
import WeirTestSupport

@testable import RemoteWriteSink
@testable import WeirExporterKit

@Suite("Native histograms")
struct NativeHistogramTests {
    private func expand(_ buckets: NativeHistogram.Buckets) -> [Int64: Int64] {
        var counts: [Int64: Int64] = [:]
        var (index, count): (Int64, Int64) = (0, 0)
        var deltas = buckets.deltas[...]
        for span in buckets.spans {
            index += Int64(span.offset)
            for _ in 0..<span.length {
                count += deltas.popFirst() ?? 0
                counts[index] = count
                index += 1
            }
        }
        return counts
    }

    @Test("runs and differences say the same as indexes and counts, one further")
    func spans() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<(1000 * testScale) {
            let indexes = Set((0..<20).map { _ in Int32.random(in: -40...40, using: &random) }).sorted()
            let buckets = indexes.map { DeliveredBucket(index: $0, count: .random(in: 1...9, using: &random)) }
            let found = expand(NativeHistogram.buckets(buckets, shift: 0))
            #expect(found == Dictionary(uniqueKeysWithValues: buckets.map { (Int64($0.index) + 1, Int64($0.count)) }))
            let coarser = expand(NativeHistogram.buckets(buckets, shift: 1))
            #expect(coarser.values.reduce(0, +) == found.values.reduce(0, +))
            #expect(coarser.keys.allSatisfy { key in found.keys.contains { ($0 - 1) >> 1 == key - 1 } })
        }
    }
}
