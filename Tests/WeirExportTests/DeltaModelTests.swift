import Foundation
import Synchronization
import Testing
import WeirBatch
import WeirTestSupport

@testable import WeirExport
@testable import WeirRecording

/// Deltas against cumulative collections of the same instance, while it is recorded into.
@Suite("All deltas added up", .serialized)
struct DeltaModelTests {
    private static let key: TagKey = "delta.key"
    private let integers = Measure<Int64>("delta.integers")
    private let doubles = Measure<Double>("delta.doubles")

    private func view(_ name: String, _ number: Int, variant: Int) -> View {
        let keys = variant == 0 ? [] : [Self.key]
        let limit = variant == 1 ? 4 : 100
        return switch number {
        case 0: View(name, of: integers, by: keys, as: .count, seriesLimit: limit)
        case 1: View(name, of: integers, by: keys, as: .sum, seriesLimit: limit)
        case 2: View(name, of: doubles, by: keys, as: .sum, seriesLimit: limit)
        case 3: View(name, of: doubles, by: keys, as: .upDownSum, seriesLimit: limit)
        case 4: View(name, of: integers, by: keys, as: .lastValue, seriesLimit: limit)
        case 5:
            View(
                name, of: integers, by: keys, as: .distribution(bounds: [2, 5], extremes: true, squares: true),
                seriesLimit: limit)
        default:
            View(
                name, of: doubles, by: keys, as: .exponentialDistribution(relativeError: 0.1, extremes: true),
                seriesLimit: limit)
        }
    }

    /// A feed, what its batches merge to, and the cumulative values that it should have told.
    private struct Checked {
        let reader: FeedReader
        let isDue: (Int) -> Bool
        var merged: Batch?
    }

    @Test("are what a cumulative batch says, at any point, while series and views come and go", arguments: 0..<4)
    func adds(seed: UInt64) throws {
        let stats = Stats(stripes: try StripeSet(cells: 1 << 18), clock: StatsClock())
        let collector = Collector(stats: stats)
        let pace = Pace()
        let steps = 100 * testScale
        let outcome = Mutex<Result<Void, any Error>>(.success(()))
        onThreads(3) { thread in
            var random = SeededGenerator(seed: seed * 10 + UInt64(thread))
            guard thread == 0 else {
                // In bursts, of which some fall into a collection.
                var step = 0
                while let next = pace.wait(after: step) {
                    step = next
                    for _ in 0..<200 { record(in: stats, &random) }
                }
                return
            }
            outcome.withLock { outcome in
                outcome = Result { try collect(collector, stats, steps: steps, pace, &random) }
            }
            pace.end()
        }
        try outcome.withLock { try $0.get() }
    }

    private func record(in stats: Stats, _ random: inout SeededGenerator) {
        let tags = Tags([(Self.key, "\(Int.random(in: 0..<12, using: &random))")])
        let value = Int64.random(in: 0...9, using: &random)
        if Bool.random(using: &random) {
            integers.record(value, tags, in: stats)
        } else {
            doubles.record(Double(value), tags, in: stats)
        }
    }

    private func collect(
        _ collector: Collector, _ stats: Stats, steps: Int, _ pace: Pace, _ random: inout SeededGenerator
    ) throws {
        var feeds = [
            Checked(reader: try FeedReader(.delta)) { _ in true },
            Checked(reader: try FeedReader(.delta)) { $0 % 5 == 4 },
            Checked(reader: try FeedReader(.delta, match: ["v0", "v5", "v6"])) { $0 % 3 == 2 },
        ]
        var collection = Collected()
        // Every life's last cumulative values, and where they came.
        var seen: [Life: (told: Told, step: Int)] = [:]
        for step in 0..<steps + 60 {
            pace.advance()
            if step < steps { try disturb(stats, &random) }
            collector.collect(into: &collection.source)
            if step == 0 { collection.beginning = collection.source.startTime }
            let now = try collection.source.lives()
            for (life, told) in now { seen[life] = (told, step) }
            for index in feeds.indices {
                guard feeds[index].isDue(step) else {
                    #expect(feeds[index].reader.pass(collection.source) == 0)
                    continue
                }
                // One that is cut into parts cannot be merged as a whole, and is read as its parts.
                let told = try feeds[index].reader.tell(&collection)
                try #require(told.count == 1)
                if let before = feeds[index].merged {
                    let merged: Batch = try #require(BatchMerge.merge(older: before, newer: told[0]))
                    feeds[index].merged = merged
                } else {
                    feeds[index].merged = told[0]
                }
                let missing = try check(feeds[index], seen, step)
                // Nothing has ended for a while.
                if step >= steps + 50 { #expect(missing == 0) }
            }
        }
    }

    /// Adds, removes and forgets.
    private func disturb(_ stats: Stats, _ random: inout SeededGenerator) throws {
        let number = Int.random(in: 0..<7, using: &random)
        let name = "v\(number)"
        switch Int.random(in: 0..<8, using: &random) {
        case 0 where stats.viewNames.contains(name):
            try stats.unregister(name)
        case 0, 1:
            guard !stats.viewNames.contains(name) else { return }
            try stats.register(view(name, number, variant: Int.random(in: 0...2, using: &random)))
        case 2, 3:
            stats.forget(Tags([(Self.key, "\(Int.random(in: 0..<12, using: &random))")]))
        default: break
        }
    }

    /// Compares, and returns how many series are about to end: they are not in this collection, and what they came to is
    /// told later.
    private func check(_ feed: Checked, _ seen: [Life: (told: Told, step: Int)], _ step: Int) throws -> Int {
        let merged = try #require(feed.merged).lives()
        var missing = 0
        for (life, last) in seen where feed.reader.feed.definition.filter.matches(life.view) {
            if last.told.end == 0, last.step < step {
                missing += 1
                continue
            }
            let moved = { (other: Life, told: Told) in other.isMoved(from: life) && told.end == last.told.end }
            let told = merged[life] ?? merged.first(where: moved)?.value
            #expect(told == last.told, "\(life) at step \(step)")
        }
        return missing
    }
}

/// Lets recorders go on when a collection begins, so that they do not keep cores busy in between.
private final class Pace: Sendable {
    private let condition = NSCondition()
    private let step = Mutex<Int?>(0)

    func advance() { change { $0 = $0.map { $0 + 1 } } }

    func end() { change { $0 = nil } }

    private func change(_ body: (inout Int?) -> Void) {
        condition.lock()
        step.withLock { body(&$0) }
        condition.broadcast()
        condition.unlock()
    }

    /// The step that has begun since; nil at the end.
    func wait(after seen: Int) -> Int? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            let step = step.withLock { $0 }
            if step != seen { return step }
            condition.wait()
        }
    }
}

extension Life {
    /// Whether it is another one, but for a start that had to be moved behind the end of a collection.
    func isMoved(from life: Life) -> Bool { view == life.view && tags == life.tags && start > life.start }
}
