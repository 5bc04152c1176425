import Testing
import WeirExporterKit
import WeirExporterSupport
import WeirTestSupport

@Suite("Exponential distributions as buckets with bounds")
struct ExponentialGridTests {
    private func buckets(
        zeros: UInt64 = 0, _ positive: [Int32: UInt64], negative: [Int32: UInt64] = [:]
    ) -> ExponentialGrid.Buckets {
        func list(_ counts: [Int32: UInt64]) -> [DeliveredBucket] {
            counts.sorted { $0.key < $1.key }.map { DeliveredBucket(index: $0.key, count: $0.value) }
        }
        return ExponentialGrid.Buckets(zeroCount: zeros, positive: list(positive), negative: list(negative))
    }

    @Test("bounds are powers of the base, with the lower one of what comes first")
    func bounds() {
        let series = [buckets(zeros: 2, [0: 3, 1: 4]), buckets([3: 1])]
        let grid = ExponentialGrid(scale: 0, series: series, limit: 40)
        #expect(grid.bounds == [0, 1, 2, 4, 8, 16])
        #expect(grid.counts(series[0]) == [2, 0, 3, 4, 0, 0, 0])
        #expect(grid.counts(series[1]) == [0, 0, 0, 0, 0, 1, 0])
    }

    @Test("values below zero come first, by their upper bounds")
    func negative() {
        let series = [buckets(zeros: 1, [0: 5], negative: [0: 2, 1: 3])]
        let grid = ExponentialGrid(scale: 0, series: series, limit: 40)
        #expect(grid.bounds == [-4, -2, -1, 0, 1, 2])
        #expect(grid.counts(series[0]) == [0, 3, 2, 1, 0, 5, 0])
    }

    @Test("too many are merged, by bounds that there were before, and nothing is lost")
    func merging() {
        var random = SeededGenerator(seed: 3)
        for limit in [2, 5, 40] {
            let indexes = (0..<100).map { _ in Int32.random(in: -500...500, using: &random) }
            let series = indexes.map { buckets(zeros: 1, [$0: 2, $0 + 7: 3], negative: [$0: 4]) }
            let fine = ExponentialGrid(scale: 5, series: series, limit: .max)
            let grid = ExponentialGrid(scale: 5, series: series, limit: limit)
            #expect(grid.bounds.count <= 2 * limit + 1)
            #expect(grid.bounds == grid.bounds.sorted())
            for one in series {
                let (coarse, exact) = (grid.counts(one), fine.counts(one))
                #expect(coarse.reduce(0, +) == 10)
                // Below a bound that both have lies the same.
                for (place, bound) in grid.bounds.enumerated() {
                    guard let other = fine.bounds.firstIndex(of: bound) else { continue }
                    #expect(coarse[...place].reduce(0, +) == exact[...other].reduce(0, +))
                }
            }
        }
    }

    @Test("what lies beyond all numbers is above the last bound")
    func extremes() {
        let series = [buckets([1023: 1, 2000: 2, -3000: 4])]
        let grid = ExponentialGrid(scale: 0, series: series, limit: 40)
        #expect(grid.bounds.allSatisfy { $0.isFinite })
        #expect(grid.counts(series[0]).reduce(0, +) == 7)
        #expect(grid.counts(series[0]).last == 3)
        let coarse = ExponentialGrid(scale: -10, series: [buckets([0: 1, -1: 1, -2: 1])], limit: 40)
        #expect(coarse.bounds == [0, 0x1p-1024, 1])
        let none = ExponentialGrid(scale: 20, series: [buckets([:])], limit: 40)
        #expect(none.bounds.isEmpty)
        #expect(none.counts(buckets([:])) == [0])
        let widest = [buckets([.max: 1, .min: 1], negative: [.max: 1, .min: 1])]
        #expect(ExponentialGrid(scale: 20, series: widest, limit: 2).counts(widest[0]).reduce(0, +) == 4)
    }
}
