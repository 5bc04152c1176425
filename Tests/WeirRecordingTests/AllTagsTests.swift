import Testing
import WeirTestSupport

@testable import WeirRecording

@Suite("Views of all tags")
struct AllTagsTests {
    private let requests = Measure<Int64>("alltags.requests")

    private var view: View { View("all", of: requests, as: .sum).keepingAllTags() }

    private func instance(_ view: View) throws -> Stats {
        let stats = try Stats.small(cells: 1 << 16)
        try stats.register(view)
        return stats
    }

    private func totals(_ stats: Stats) -> [SeriesName: Int64] { stats.readings().live.mapValues(\.integer) }

    @Test("whatever the keys, each combination of tags is a series")
    func keys() throws {
        let stats = try instance(view)
        let combinations: [Tags] = [
            Tags(), Tags(["alltags.a": "1"]), Tags(["alltags.b": "1"]), Tags(["alltags.a": "1", "alltags.b": "1"]),
        ]
        for (index, tags) in combinations.enumerated() {
            requests.record(1, tags, in: stats)
            requests.bound(to: tags, in: stats).record(Int64(index))
        }
        #expect(
            totals(stats)
                == Dictionary(
                    uniqueKeysWithValues: combinations.enumerated().map { (SeriesName("all", $1), Int64(1 + $0)) }))
    }

    @Test("keys that share a bit are told apart, and those that go are left out")
    func manyKeys() throws {
        // More keys than have a bit of their own.
        let keys = (0..<80).map { TagKey("alltags.many.\($0)") }
        let stats = try instance(View("all", of: requests, as: .sum).keepingAllTags(but: [keys[0], keys[79]]))
        for key in keys {
            requests.record(1, Tags([(key, "1")]), in: stats)
            requests.record(1, Tags([(key, "1"), (keys[79], "x"), (keys[0], "y")]), in: stats)
        }
        let totals = totals(stats)
        #expect(totals.count == 79)
        #expect(totals[SeriesName("all")] == 4)
        #expect(totals.values.filter { $0 == 2 }.count == 78)
    }

    @Test("past its limit there is one series for all that is new")
    func limit() throws {
        var limited = view
        limited.seriesLimit = 2
        let stats = try instance(limited)
        for number in 0..<5 { requests.record(1, Tags([(TagKey("alltags.\(number)"), "1")]), in: stats) }
        #expect(totals(stats)[.overflow("all")] == 3 && totals(stats).count == 3)
    }

    @Test("rules take keys out, or leave only some")
    func rules() {
        let (a, b): (TagKey, TagKey) = ("alltags.a", "alltags.b")
        #expect(ViewRule("*", removing: [a]).applied(to: view) == view.keepingAllTags(but: [a]))
        let both = [ViewRule("*", removing: [a]), ViewRule("*", removing: [b, a])].reduce(view) { $1.applied(to: $0) }
        #expect(both == view.keepingAllTags(but: [a, b]))
        let some = ViewRule("*", keepingOnly: [a, b], removing: [b]).applied(to: view)
        #expect(some.allTagsBut == nil && some.tagKeys == [a])
        let none = ViewRule("*", keepingOnly: [a]).applied(to: view.keepingAllTags(but: [a]))
        #expect(none.allTagsBut == nil && none.tagKeys == [])
    }

    @Test("is another view than one by keys, and the error says so")
    func conflict() throws {
        let stats = try instance(view)
        #expect(
            throws: StatsError.viewConflict(
                view: "all", field: "tag keys", registered: "all", requested: "[\"alltags.a\"]")
        ) { try stats.register(View("all", of: requests, by: ["alltags.a"], as: .sum)) }
        #expect(throws: StatsError.self) {
            try stats.register(View("other", of: requests, as: .sum).keepingAllTags(but: ["", "alltags.a"]))
        }
    }
}
