import Testing
import WeirTestSupport

@testable import WeirRecording

@Suite("Forgetting very many series", .timeLimit(.minutes(1)))
struct ForgettingTests {
    private static let key: TagKey = "forgetting.key"
    private static let group: TagKey = "forgetting.group"
    private let measure = Measure<Int64>("forgetting.measure")

    private func tags(_ number: Int, _ group: String = "a") -> Tags {
        Tags([(Self.key, "\(number)"), (Self.group, group)])
    }

    private func instance(_ count: Int) throws -> Stats {
        let stats = try Stats.small()
        try stats.register(View("v", of: measure, by: [Self.key, Self.group], as: .sum, seriesLimit: 1 << 20))
        for number in 0..<count { measure.record(1, tags(number), in: stats) }
        return stats
    }

    @Test("other threads make, forget and collect series between its pieces, and each series is told once")
    func pieces() throws {
        let count = 3 * Stats.seriesAtATime + 5
        let stats = try instance(count)
        var pauses = 0
        var ended = 0
        func collect() { ended += stats.readings().ended.reduce(0) { $0 + Int($1.reading.integer) } }
        let forgotten = stats.forget(Tags([(Self.group, "a")]), of: "v") {
            let (number, other) = (count + pauses, pauses)
            // One that waited for the lock would wait for ever.
            onThreads(1) { _ in
                measure.record(1, tags(number, "b"), in: stats)
                // Of the first piece, which is looked at last.
                stats.forget(tags(other))
            }
            pauses += 1
            collect()
        }
        #expect(pauses == 4)
        // The last pause comes when all is looked at.
        #expect(forgotten == count - 3)
        for _ in 0..<5 { collect() }
        #expect(ended == count)
        let readings = stats.readings()
        #expect(readings.liveCount("v") == 4 && readings["v", tags(count, "b")]?.integer == 1)
    }

    @Test("those that are left keep their order and their values", arguments: [1, 2, 3, 4_096, 5_000])
    func kept(each: Int) throws {
        let count = 9_000
        let stats = try instance(count)
        let held = stride(from: 0, to: count, by: each).map { measure.bound(to: tags($0), in: stats) }
        #expect(stats.forget(Tags(), of: "v") == count - held.count)
        for (number, recorder) in held.enumerated() { recorder.record(Int64(number)) }
        stats.withState { state in
            let view = state.order[0]
            #expect(unsafe view.series.map { unsafe $0.pointee.cell } == view.cells && view.cells.count == held.count)
            #expect(unsafe view.series.capacity <= 4 * max(held.count, 1_024))
        }
        let readings = stats.readings()
        for (number, place) in stride(from: 0, to: count, by: each).enumerated() {
            #expect(readings["v", tags(place)]?.integer == Int64(number) + 1)
        }
        withExtendedLifetime(held) {}
    }

    @Test("a view that is unregistered between its pieces ends its series once")
    func unregistered() throws {
        let count = 2 * Stats.seriesAtATime
        let stats = try instance(count)
        let forgotten = stats.forget(Tags(), of: "v") { try? stats.unregister("v") }
        #expect(forgotten == Stats.seriesAtATime)
        var ended = 0
        for _ in 0..<5 { ended += stats.readings().ended.count { $0.name.view == "v" } }
        #expect(ended == count)
    }
}
