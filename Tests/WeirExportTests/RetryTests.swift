import Testing
import WeirExport
import WeirTestSupport

@Suite("Retry")
struct RetryTests {
    @Test("the longest pause doubles from 500 ms to 30 s")
    func doubles() {
        var random = SeededGenerator(seed: 1)
        let second: UInt64 = 1_000_000_000
        let bounds: [UInt64] = [second / 2, second, 2 * second, 4 * second, 8 * second, 16 * second, 30 * second]
        var longest = [UInt64](repeating: 0, count: 9)
        for _ in 0..<2000 {
            var retry = Retry()
            for failure in longest.indices {
                let pause = retry.failed(random: &random)
                #expect(pause <= bounds[min(failure, 6)])
                longest[failure] = max(longest[failure], pause)
            }
        }
        // Uniform: of 2000 draws the longest comes within a hundredth of the bound.
        for (failure, pause) in longest.enumerated() { #expect(pause > bounds[min(failure, 6)] / 100 * 99) }
    }

    @Test("a server's hint is a floor, plus up to a tenth, and at most five minutes")
    func hint() {
        var random = SeededGenerator(seed: 2)
        let second: UInt64 = 1_000_000_000
        for _ in 0..<1000 {
            var retry = Retry()
            let pause = retry.failed(hint: 60 * second, random: &random)
            #expect(60 * second...66 * second ~= pause)
            let longest = retry.failed(hint: 3600 * second, random: &random)
            #expect(longest == 300 * second)
        }
    }

    @Test("success begins anew, and failures without end do not overflow")
    func startsAgain() {
        var random = SeededGenerator(seed: 3)
        var retry = Retry()
        for _ in 0..<200 {
            let pause = retry.failed(random: &random)
            #expect(pause <= 30_000_000_000)
        }
        retry.succeeded()
        #expect(retry.failures == 0)
        let pause = retry.failed(random: &random)
        #expect(pause <= 500_000_000)
    }
}
