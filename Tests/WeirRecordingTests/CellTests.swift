import CWeirCPU
import Synchronization
import Testing
import WeirTestSupport

@testable import WeirRecording

/// What cells and ledgers hold together, whatever is emptied, moved or full.
@Suite("Cells", .serialized, .timeLimit(.minutes(5)))
struct CellTests {
    /// Whether halves are taken here: by sequences that the kernel restarts, or by exchanges.
    private static var areEmptied: Bool { weir_cpu_restart() || !weir_cpu_is_rseq() }

    @Test("a counter that begins anew has nothing left of what it was")
    func freshCells() throws {
        let stats = try Stats.small()
        let money = Measure<Double>("cells.money")
        try stats.register(View("money", of: money, as: .sum), View("level", of: money, as: .upDownSum))
        let recorder = money.bound(in: stats)
        func told(after great: Double, _ amounts: [Double]) -> Double? {
            recorder.record(great)
            recorder.restartSums()
            for amount in amounts { recorder.record(amount) }
            defer { recorder.restartSums() }
            return stats.collection()["money"]?.double
        }
        #expect(told(after: 1e17, [Double](repeating: 1, count: 10)) == 10)
        let small = try #require(told(after: 1e9, [Double](repeating: 1e-6, count: 1_000_000)))
        #expect(abs(small - 1) < 1e-9)
        #expect(told(after: 1e280, [0.1]) == 0.1)
        #expect(told(after: 1e280, []) == 0)
        // What was told ended with what it was.
        let ended = stats.readings().ended.filter { $0.name.view == "money" }
        #expect(ended.isEmpty || ended.allSatisfy { $0.reading.double >= 0 })
    }

    @Test("a total keeps small amounts beside great ones, however many collections there are")
    func exactTotals() throws {
        guard Self.areEmptied else { return }
        let stats = try Stats.small()
        let amount = Measure<Double>("cells.amount")
        try stats.register(
            View("amount", of: amount, as: .upDownSum),
            View("spread", of: amount, as: .distribution(bounds: [1], squares: true)))
        let recorder = amount.bound(in: stats)
        for great in [1e18, 1e100] {
            recorder.record(great)
            _ = stats.collection()
            for _ in 0..<10 {
                recorder.record(20)
                _ = stats.collection()
            }
        }
        recorder.record(-1e100)
        _ = stats.collection()
        recorder.record(-1e18)
        let reading = stats.collection()
        #expect(reading["amount"]?.double == 400)
        #expect(reading["spread"]?.double == 400)
    }

    @Test("what is recorded while halves are turned is in them once", arguments: [1, 4])
    func turning(threads: Int) throws {
        let stats = try Stats.small()
        let amount = Measure<Double>("cells.turned")
        try stats.register(
            View("amount", of: amount, as: .sum), View("spread", of: amount, as: .distribution(bounds: [2])),
            View("level", of: amount, as: .upDownSum))
        let recorder = amount.bound(in: stats)
        let rounds = 50_000 * testScale
        let running = Atomic(threads)
        let disturber = Disturber()
        var last = 0.0
        onThreads(threads + 1) { thread in
            guard thread < threads else {
                var seen = 0.0
                while running.load(ordering: .acquiring) > 0 {
                    let now = stats.collection()["amount"]?.double ?? 0
                    // It only grows, and so must what is told of it.
                    #expect(now >= seen)
                    seen = now
                }
                return
            }
            for round in 0..<rounds {
                if round & 1 == 0 { recorder.record(1) } else { amount.record(3, Tags.none, in: stats) }
            }
            running.subtract(1, ordering: .releasing)
        }
        disturber.stop()
        last = Double(threads * rounds * 2)
        for view in ["amount", "spread", "level"] { #expect(stats.collection()[view]?.double == last, "\(view)") }
    }

    @Test("an integer that its cell cannot hold is in its ledger, and comes out of it again")
    func integersDoNotWrap() throws {
        let stats = try Stats.small()
        let count = Measure<Int64>("cells.count")
        try stats.register(
            View("sum", of: count, as: .sum), View("level", of: count, as: .upDownSum),
            View("spread", of: count, as: .distribution(bounds: [0], extremes: true)))
        let recorder = count.bound(in: stats)
        recorder.record(.max)
        recorder.record(1)
        count.record(.max, Tags.none, in: stats)
        let full = stats.collection()
        for view in ["sum", "level", "spread"] { #expect(full[view]?.integer == .max, "\(view)") }
        recorder.record(.min)
        recorder.record(-.max)
        // A negative one is not in a sum that only grows.
        #expect(stats.collection()["sum"]?.integer == .max)
        #expect(stats.collection()["level"]?.integer == 0)
        #expect(stats.collection()["spread"]?.integer == 0)
        recorder.record(.min)
        recorder.record(-1)
        #expect(stats.collection()["level"]?.integer == .min)
        recorder.record(.max)
        recorder.record(3)
        #expect(stats.collection()["level"]?.integer == 1)
    }

    @Test("integers of many threads never wrap, and a sum that only grows is never told less than before")
    func integersOfThreads() throws {
        let stats = try Stats.small()
        let count = Measure<Int64>("cells.great")
        try stats.register(View("sum", of: count, as: .sum), View("level", of: count, as: .upDownSum))
        let recorder = count.bound(in: stats)
        let (threads, rounds) = (4, 2_000 * testScale)
        let running = Atomic(threads)
        onThreads(threads + 1) { thread in
            guard thread < threads else {
                var seen: Int64 = 0
                while running.load(ordering: .acquiring) > 0 {
                    let now = stats.collection()["sum"]?.integer ?? 0
                    #expect(now >= seen)
                    seen = now
                }
                return
            }
            for round in 0..<rounds { recorder.record(Int64.max - Int64(round)) }
            for round in 0..<rounds { recorder.record(Int64.min + Int64(round)) }
            for _ in 0..<rounds { recorder.record(3) }
            running.subtract(1, ordering: .releasing)
        }
        // Each greatest and its least make -1, and each 3 stays.
        #expect(stats.collection()["level"]?.integer == Int64(threads * rounds * 2))
        recorder.restartSums()
        _ = stats.collection()
        recorder.record(5)
        #expect(stats.collection()["sum"]?.integer == 5 && stats.collection()["level"]?.integer == 5)
    }

    @Test("what would make a sum infinite is rejected, and a last value takes it")
    func finiteRule() throws {
        let stats = try Stats.small()
        let amount = Measure<Double>("cells.finite")
        try stats.register(
            View("sum", of: amount, as: .upDownSum), View("n", of: amount, as: .count),
            View("last", of: amount, as: .lastValue),
            View("squares", of: amount, as: .distribution(bounds: [0], squares: true)))
        let great = Double.greatestFiniteMagnitude
        let recorder = amount.bound(in: stats)
        recorder.record(great)
        amount.record(-great, Tags.none, in: stats)
        recorder.record(.infinity)
        amount.record(.nan, Tags.none, in: stats)
        recorder.record(0x1p480)
        for _ in 0..<1_000 { recorder.record(0x1p479) }
        let reading = stats.collection()
        #expect(reading["n"]?.integer == 1_003)
        #expect(reading["last"]?.double == 0x1p479)
        #expect(reading["sum"]?.double == 1_002 * 0x1p479)
        #expect(reading["squares"]?.squares.isFinite == true && reading["squares"]?.count == 1_000)
        // Two that the sum and the distribution refused, one that the squares did, and two that are no numbers.
        #expect(reading.counts.rejected == 2 * 2 + 1 + 2)
        let gauge = Measure<Double>("cells.gauge")
        try stats.register(View("gauge", of: gauge, as: .lastValue))
        let handle = gauge.bound(in: stats)
        handle.record(great)
        handle.addToLast(great)
        #expect(stats.collection()["gauge"]?.double == great)
    }
}

@Suite("An exact sum", .timeLimit(.minutes(1)))
struct ExactSumTests {
    @Test("is that of whole numbers of any three magnitudes, in any order")
    func threeMagnitudes() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<2_000 {
            // Whole numbers of some bits at three places that are far apart: added up exactly place by place.
            var whole: [Int: Int64] = [:]
            var sum = ExactSum()
            let places = (0..<3).map { _ in Int.random(in: -900...900, using: &random) }
            for _ in 0..<Int.random(in: 1...60, using: &random) {
                let place = places.randomElement(using: &random)!
                let number = Int64.random(in: -1_000_000...1_000_000, using: &random)
                whole[place, default: 0] += number
                sum.add(Double(sign: .plus, exponent: place, significand: Double(number)))
            }
            for (place, number) in whole { sum.add(-Double(sign: .plus, exponent: place, significand: Double(number))) }
            #expect(sum.isZero && sum == ExactSum(), "\(whole)")
        }
    }

    @Test("gives back what was added between two of them")
    func differences() {
        var random = SeededGenerator(seed: 8)
        for _ in 0..<2_000 {
            var sum = ExactSum()
            sum.add(Double(sign: .plus, exponent: .random(in: -200...200, using: &random), significand: 1.5))
            sum.add(Double(sign: .minus, exponent: .random(in: -200...200, using: &random), significand: 1.25))
            let before = sum
            let amount = Double(sign: .plus, exponent: .random(in: -200...200, using: &random), significand: 1.75)
            sum.add(amount)
            #expect(sum.difference(from: before) == amount)
            #expect(before.difference(from: sum) == -amount)
            #expect(sum.difference(from: sum) == 0)
        }
    }
}
