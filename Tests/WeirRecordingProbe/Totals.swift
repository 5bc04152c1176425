import CRecordingProbe
import Synchronization
import WeirRecording

private let key: TagKey = "probe.key"
private let integers = Measure<Int64>("probe.integers")
private let doubles = Measure<Double>("probe.doubles")
private let interruptions = Measure<Int64>("probe.interruptions")

// What the handler of interrupts records with. Sendable: written before interrupts begin.
private nonisolated(unsafe) var interruptTags = Tags()
private nonisolated(unsafe) var interruptRecorder: Recorder<Int64>?
private let interruptCount = Atomic<Int64>(0)

/// Exact totals of every aggregation by every way of recording, from eight threads that are thrown from core to core
/// and interrupted in the middle of their adds, by a handler that records itself.
struct Totals {
    /// Rounds of each thread.
    let rounds: Int

    private static let threads = 8
    private static let bounds: [Double] = [0, 1, 2, 4, 8, 16]

    init(size: Int) { rounds = (probe_is_sanitized() ? 400 : 4_000) * size }

    func run(_ probe: inout Probe) {
        let aggregations: [(String, Aggregation)] = [
            ("count", .count), ("sum", .sum), ("up-down", .upDownSum), ("plain", .distribution(bounds: Self.bounds)),
            ("full", .distribution(bounds: Self.bounds, extremes: true, squares: true)),
            ("exponential", .exponentialDistribution(relativeError: 0.25, extremes: true, squares: true)),
        ]
        do {
            for (name, aggregation) in aggregations {
                try register(
                    View("i." + name, of: integers, by: [key], as: aggregation),
                    View("d." + name, of: doubles, by: [key], as: aggregation))
            }
            try register(View("interruptions", of: interruptions, by: [key], as: .sum))
        } catch {
            return probe.fail("\(error)")
        }
        unsafe interruptTags = Tags([key: "tags"])
        unsafe interruptRecorder = interruptions.bound(to: Tags([key: "bound"]))
        interruptions.record(0, unsafe interruptTags)
        interruptCount.store(0, ordering: .relaxed)

        let moves = record()
        let (expected, found) = (expectation(), readings())
        for (name, _) in aggregations {
            for kind in ["i.", "d."] {
                let wanted = expected.mapValues { $0.reading(kind + name) }
                let series = found[kind + name] ?? [:]
                probe.expect(series.keys.sorted(), wanted.keys.sorted(), "series of \(kind + name)")
                for (tag, reading) in series {
                    probe.expect(reading, wanted[tag] ?? Reading(), "\(kind + name) \(tag)")
                }
            }
        }
        let interrupted = interruptCount.load(ordering: .sequentiallyConsistent)
        for tag in ["tags", "bound"] {
            probe.expect(found["interruptions"]?[tag]?.integer ?? 0, interrupted, "interruptions by \(tag)")
        }
        print("moves: \(moves), interruptions: \(interrupted)")
        if probe_cores() > 1, moves < 8 { probe.fail("too few moves") }
        if interrupted < 1 { probe.fail("no interruptions") }
    }

    /// - Returns: How often a thread was moved.
    private func record() -> Int {
        // The threads' numbers for the kernel, as they begin.
        let numbers = (0..<Self.threads).map { _ in Number() }
        let left = Atomic<Int>(Self.threads)
        let moves = Atomic<Int>(0)
        probe_let_interrupts(false)
        let disturber = Thread {
            var core: Int32 = 0
            while left.load(ordering: .sequentiallyConsistent) > 0 {
                for number in numbers.compactMap(\.known) {
                    core = (core + 1) % max(1, probe_cores())
                    if probe_move(number, core) { moves.add(1, ordering: .relaxed) }
                }
                yield()
            }
        }
        probe_begin_interrupts({ _ in interrupt() }, 150)
        let workers = (0..<Self.threads).map { thread in
            Thread {
                // A handler must not be the first to record on a thread, since that allocates.
                interruptions.record(0, unsafe interruptTags)
                numbers[thread].tell(probe_thread())
                probe_let_interrupts(true)
                recordAll(thread)
                probe_let_interrupts(false)
                left.subtract(1, ordering: .sequentiallyConsistent)
            }
        }
        for worker in workers { worker.join() }
        probe_end_interrupts()
        disturber.join()
        return moves.load(ordering: .relaxed)
    }

    /// What a thread records in a round: values of both signs, whose halves add up exactly.
    private func number(_ thread: Int, _ round: Int) -> Int64 { Int64((round * 7 + thread) % 40) - 4 }

    private func tag(_ thread: Int, _ round: Int) -> Int { (thread + round) & 7 }

    private static let names = (0..<8).map {
        $0 % 2 == 0 ? "tag \($0)" : "a tag that is longer than sixteen bytes \($0)"
    }

    private func recordAll(_ thread: Int) {
        let names = Self.names
        let tags = names.map { Tags([(key, $0)]) }
        let boundIntegers = tags.map { integers.bound(to: $0) }
        let boundDoubles = tags.map { doubles.bound(to: $0) }
        for round in 0..<rounds {
            let (integer, tag) = (number(thread, round), tag(thread, round))
            let double = Double(integer) / 2
            integers.record(integer, tags[tag])
            doubles.record(double, tags[tag])
            boundIntegers[tag].record(integer)
            boundDoubles[tag].record(double)
            integers.record(integer, (key, names[tag]))
            doubles.record(double, (key, names[tag]))
            integers.record(integer, [key: names[tag]])
            doubles.record(double, [key: names[tag]])
            integers.record(integer, [key: "constant"])
            doubles.record(double, [key: "constant"])
            WeirRecording.record([integers.of(integer), doubles.of(double)], tags[tag])
            WeirRecording.record([doubles.of(double), integers.of(integer)], [key: names[tag]])
        }
    }

    /// The same without threads, stripes or series: how often each number was recorded under each tag.
    private func expectation() -> [String: Expectation] {
        var expected: [String: Expectation] = [:]
        for thread in 0..<Self.threads {
            for round in 0..<rounds {
                let number = number(thread, round)
                expected[Self.names[tag(thread, round)], default: Expectation()].counts[number, default: 0] += 6
                expected["constant", default: Expectation()].counts[number, default: 0] += 1
            }
        }
        return expected
    }

    private struct Expectation {
        var counts: [Int64: Int] = [:]

        func reading(_ view: String) -> Reading {
            var reading = Reading()
            let isDouble = view.hasPrefix("d.")
            let aggregation = String(view.dropFirst(2))
            for (number, count) in counts {
                let value = isDouble ? Double(number) / 2 : Double(number)
                switch aggregation {
                case "count": reading.integer += Int64(count)
                case "sum" where number < 0: continue
                default:
                    if isDouble {
                        reading.double += value * Double(count)
                    } else {
                        reading.integer += number * Int64(count)
                    }
                }
                if aggregation == "plain" || aggregation == "full" {
                    if reading.buckets.isEmpty { reading.buckets = .init(repeating: 0, count: bounds.count + 1) }
                    reading.buckets[bounds.count { $0 < value }] += UInt64(count)
                }
                if aggregation == "exponential" {
                    if value == 0 {
                        reading.zeros += UInt64(count)
                    } else if value > 0 {
                        reading.positive[index(value), default: 0] += UInt64(count)
                    } else {
                        reading.negative[index(-value), default: 0] += UInt64(count)
                    }
                }
                if aggregation == "full" || aggregation == "exponential" {
                    reading.least = min(reading.least, value)
                    reading.greatest = max(reading.greatest, value)
                    reading.squares += value * value * Double(count)
                }
            }
            return reading
        }

        /// Of a bucket of scale 1, whose ends are powers of the square root of two: squares are compared, exactly.
        private func index(_ value: Double) -> Int32 {
            var (index, upper): (Int32, Double) = (-8, 0x1p-7)
            while value * value > upper { (index, upper) = (index + 1, upper * 2) }
            return index
        }
    }
}

private func interrupt() {
    interruptCount.add(1, ordering: .sequentiallyConsistent)
    interruptions.record(1, unsafe interruptTags)
    unsafe interruptRecorder?.record(1)
}

/// A thread's number for the kernel, which another thread asks for.
private final class Number: Sendable {
    private let number = Atomic<Int32>(0)

    var known: Int32? {
        let number = number.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    func tell(_ thread: Int32) { number.store(thread, ordering: .relaxed) }
}
