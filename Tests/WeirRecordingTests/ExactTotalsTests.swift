import CWeirCPU
import Foundation
import Testing
import WeirTestSupport

@testable import WeirRecording

/// Nothing is lost and nothing counted twice, whatever the kernel does to the threads that record.
@Suite("Totals of many threads", .serialized)
struct ExactTotalsTests {
    private static let method: TagKey = "exact.method"
    private static let route: TagKey = "exact.route"
    private static let threads = 8
    private static let rounds = 40_000 * testScale

    @Test("the path that was asked for is the one that runs")
    func path() {
        let environment = ProcessInfo.processInfo.environment
        if environment["WEIR_CPU"] == "atomic" { #expect(!weir_cpu_is_rseq()) }
        if let expected = environment["WEIR_EXPECT_PATH"] {
            #expect(expected == (weir_cpu_is_rseq() ? "rseq" : "atomic"))
        }
    }

    @Test("all ways to record add up exactly while threads are moved between cores and interrupted")
    func totals() throws {
        let stats = try Stats.small()
        let count = Measure<Int64>("exact.count"), time = Measure<Double>("exact.time", unit: .seconds)
        let keys = [Self.method, Self.route]
        try stats.register(
            View("n", of: count, by: keys, as: .count), View("sum", of: count, by: keys, as: .sum),
            View("updown", of: count, as: .upDownSum), View("seconds", of: time, by: keys, as: .upDownSum),
            View("buckets", of: time, by: keys, as: .distribution(bounds: [1, 2, 4], extremes: true, squares: true)),
            View("plain", of: time, as: .distribution(bounds: [0.5, 1.5, 2.5])),
            View("wide", of: time, as: .exponentialDistribution()))
        let tags = (0..<4).map { Tags([(Self.method, "m\($0 % 2)"), (Self.route, "/a/route/that/is/long/\($0)")]) }
        let bound = tags.map { time.bound(to: $0, in: stats) }
        let boundCount = tags.map { count.bound(to: $0, in: stats) }

        let disturber = Disturber()
        onThreads(Self.threads) { thread in
            for round in 0..<Self.rounds {
                let which = (round &+ thread) & 3
                // Values that Doubles add exactly in any order.
                let value = Double(round & 3) + 0.5
                switch round % 4 {
                case 0: count.record(3, tags[which], in: stats)
                case 1: boundCount[which].record(3)
                case 2: time.record(value, tags[which], in: stats)
                default: bound[which].record(value)
                }
            }
        }
        disturber.stop()

        let readings = stats.collection()
        let half = Int64(Self.threads * Self.rounds / 2)
        func total(_ view: String, _ value: (Reading) -> Int64) -> Int64 {
            readings.live.filter { $0.key.view == view }.reduce(0) { $0 + value($1.value) }
        }
        #expect(total("n") { $0.integer } == half)
        #expect(total("sum") { $0.integer } == 3 * half)
        #expect(total("updown") { $0.integer } == 3 * half)
        // Rounds 2 and 3 of four are of Doubles: 2.5 and 3.5, as often as each other.
        #expect(total("seconds") { Int64($0.double) } == 3 * half)
        for view in ["buckets", "plain", "wide"] {
            #expect(total(view) { Int64($0.count) } == half, "\(view)")
            #expect(total(view) { Int64($0.double) } == 3 * half, "\(view)")
        }
        #expect(total("buckets") { Int64($0.squares * 4) } == half / 2 * 25 + half / 2 * 49)
        for (name, reading) in readings.live where name.view == "buckets" {
            #expect(reading.least == 2.5 && reading.greatest == 3.5)
        }
        #expect(readings.counts == RecordingCounts())
    }

    @Test("threads that make the same series at once make one")
    func concurrentCreation() throws {
        let stats = try Stats.small()
        let count = Measure<Int64>("exact.created")
        try stats.register(View("created", of: count, by: [Self.method], as: .sum, seriesLimit: 10_000))
        onThreads(Self.threads) { _ in
            for series in 0..<2_000 { count.record(1, Tags([(Self.method, "value \(series)")]), in: stats) }
        }
        let readings = stats.collection()
        #expect(readings.liveCount("created") == 2_000)
        #expect(readings.live.values.allSatisfy { $0.integer == Int64(Self.threads) })
    }
}
