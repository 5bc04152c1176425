private import CWeirCPU
internal import Foundation
internal import Synchronization

/// Median and range of the rounds.
struct Spread {
    let median: Double
    let least: Double
    let greatest: Double

    init(_ values: [Double]) {
        let sorted = values.sorted()
        median = sorted[sorted.count / 2]
        least = sorted[0]
        greatest = sorted[sorted.count - 1]
    }
}

/// Something to be done many times: `body` does it as often as it is told, in a loop of its own.
struct Bench: Sendable {
    let name: String
    let body: @Sendable (Int) -> Void
}

enum Measuring {
    /// How long one measurement takes, about.
    static let slice = Duration.milliseconds(25)

    /// What the calling thread spends in `body`. By the clock of its own running, so that it is not charged with the
    /// time in which other work has its core.
    static func nanoseconds(_ body: () -> Void) -> Double {
        let start = threadTime()
        body()
        return threadTime() - start
    }

    private static func threadTime() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }

    /// Nanoseconds an operation, with so many threads at once. One alone has a thread of its own too, so that nothing but
    /// company differs.
    static func time(_ bench: Bench, iterations: Int, threads: Int) -> Double {
        let ready = Atomics()
        let total = nanosecondsOfThreads(threads) {
            ready.wait(for: threads)
            return nanoseconds { bench.body(iterations) }
        }
        return total / Double(threads * iterations)
    }

    /// As many operations as take a slice.
    static func calibrate(_ bench: Bench) -> Int {
        var iterations = 64
        while true {
            let elapsed = nanoseconds { bench.body(iterations) }
            let wanted = slice / .nanoseconds(1)
            if elapsed > wanted / 4 { return max(1, Int(Double(iterations) * wanted / elapsed)) }
            iterations *= 4
        }
    }

    /// The baseline: `lock xadd` on a cache line that nobody else has.
    static func baseline() -> Bench {
        let word = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
        let address = UInt(bitPattern: word)
        unsafe word.storeBytes(of: 0, as: UInt64.self)
        return Bench(name: "xadd") { count in
            let word = unsafe UnsafeMutablePointer<UInt64>(bitPattern: address)!
            for _ in 0..<count { _ = unsafe weir_bench_xadd(word) }
        }
    }

    private static func nanosecondsOfThreads(_ count: Int, _ body: @escaping @Sendable () -> Double) -> Double {
        let total = Sum()
        let group = DispatchGroup()
        for _ in 0..<count {
            group.enter()
            Thread.detachNewThread {
                total.add(body())
                group.leave()
            }
        }
        group.wait()
        return total.value
    }

    private final class Sum: Sendable {
        private let sum = Mutex(0.0)
        func add(_ value: Double) { sum.withLock { $0 += value } }
        var value: Double { sum.withLock { $0 } }
    }

    /// Lets threads begin at once.
    private final class Atomics: Sendable {
        private let arrived = Atomic<Int>(0)
        func wait(for count: Int) {
            arrived.add(1, ordering: .relaxed)
            while arrived.load(ordering: .relaxed) < count {}
        }
    }
}
