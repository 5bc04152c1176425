import Synchronization
import Testing
import WeirTestSupport

@testable import WeirRecording

@Suite("View rules")
struct ViewRuleTests {
    private static let route: TagKey = "rule.route"
    private static let tenant: TagKey = "rule.tenant"
    private let latency = Measure<Double>("rule.latency", unit: .seconds, description: "How long")

    private let both = Tags([(Self.route, "/a"), (Self.tenant, "acme")])
    private let routeOnly = Tags([(Self.route, "/a")])

    private func view(_ name: String = "http/latency", as aggregation: Aggregation = .distribution()) -> View {
        View(name, of: latency, by: [Self.route, Self.tenant], as: aggregation)
    }

    private func inForce(_ stats: Stats) -> [View] { stats.withState { $0.order.map(\.view) } }

    @Test(
        "a rule changes what it names and nothing else, before and after the view is registered",
        arguments: [true, false])
    func fields(isBefore: Bool) throws {
        let cases: [(ViewRule, (inout View) -> Void)] = [
            (ViewRule("http/*", name: "latency"), { $0.name = "latency" }),
            (ViewRule("*", description: "Seconds"), { $0.description = "Seconds" }),
            (ViewRule("http/latenc?", keepingOnly: [Self.route]), { $0.tagKeys = [Self.route] }),
            (ViewRule("http/latency", keepingOnly: ["rule.other"]), { $0.tagKeys = [] }),
            (ViewRule("http/latency", removing: [Self.route]), { $0.tagKeys = [Self.tenant] }),
            (ViewRule("*y", buckets: .bounds([1, 2])), { $0.aggregation = .distribution(bounds: [1, 2]) }),
            (
                ViewRule("*", buckets: .exponential(relativeError: 0.1)),
                { $0.aggregation = .exponentialDistribution(relativeError: 0.1) }
            ),
            (ViewRule("*", seriesLimit: 7), { $0.seriesLimit = 7 }),
            (ViewRule("*", forgetsIdle: .seconds(9)), { $0.forgetsIdle = .seconds(9) }),
            (ViewRule("grpc/*", name: "other", seriesLimit: 1), { _ in }),
        ]
        for (rule, change) in cases {
            let stats = try Stats.small(cells: 4_096)
            if isBefore { try stats.apply(ViewRules([rule])) }
            try stats.register(view())
            if !isBefore { try stats.apply(ViewRules([rule])) }
            var expected = view()
            change(&expected)
            #expect(inForce(stats) == [expected], "\(rule)")
            #expect(stats.viewNames == ["http/latency"])
            #expect(stats.viewRules == ViewRules([rule]))
        }
    }

    @Test("buckets are those of distributions alone, and keep what else they keep")
    func bucketsOfOthers() throws {
        let stats = try Stats.small(cells: 4_096)
        try stats.apply(ViewRules([ViewRule("*", buckets: .bounds([5]))]))
        try stats.register(
            view("count", as: .count), view("exponential", as: .exponentialDistribution(extremes: true)),
            view("last", as: .lastValue))
        #expect(
            inForce(stats).map(\.aggregation)
                == [.count, .distribution(bounds: [5], extremes: true), .lastValue])
    }

    @Test("all rules that match apply in their order, and a limit for all goes before them")
    func composition() throws {
        let stats = try Stats.small(cells: 4_096)
        try stats.apply(
            ViewRules(
                [
                    ViewRule("http/*", description: "first", removing: [Self.route]),
                    ViewRule("*", description: "second"),
                    ViewRule("http/few", seriesLimit: 3),
                ], seriesLimit: 50))
        let own = View("own", of: latency, as: .count, seriesLimit: 60)
        try stats.register(view(), view("http/few"), own)
        let ruled = inForce(stats)
        #expect(ruled.map(\.description) == ["second", "second", "second"])
        #expect(ruled.map(\.seriesLimit) == [50, 3, 60])
        #expect(ruled.map(\.tagKeys) == [[Self.tenant], [Self.tenant], []])
    }

    @Test("series fall together where a tag key goes, and a view that stays as it was goes on")
    func recording() throws {
        let stats = try Stats.small()
        let other = Tags([(Self.route, "/a"), (Self.tenant, "other")])
        try stats.register(view(as: .count), view("http/kept", as: .count))
        let recorder = latency.bound(to: both, in: stats)
        latency.record(1, both, in: stats)
        latency.record(1, other, in: stats)
        recorder.record(1)
        try stats.apply(ViewRules([ViewRule("http/latency", name: "renamed", removing: [Self.tenant])]))
        latency.record(1, both, in: stats)
        latency.record(1, other, in: stats)
        recorder.record(1)
        let readings = stats.readings()
        // Nobody has seen the old name yet, so what was recorded under it is told under the new one.
        #expect(readings["renamed", routeOnly]?.integer == 6)
        #expect(readings["http/kept", both]?.integer == 4)
        #expect(readings["http/latency", both] == nil)
        #expect(readings.ended.isEmpty)
        // The code's own words still work.
        #expect(stats.forget(routeOnly, of: "renamed") == 0)
        try stats.register(view(as: .count))
        try stats.apply(ViewRules())
        #expect(inForce(stats) == [view(as: .count), view("http/kept", as: .count)])
        try stats.unregister("http/latency")
        #expect(stats.viewNames == ["http/kept"])
    }

    @Test("a view that is left out records nothing, can be unregistered, and comes back with other rules")
    func dropping() throws {
        let stats = try Stats.small()
        try stats.apply(ViewRules([.dropping("http/*")]))
        try stats.register(view("a", as: .count), view(as: .count), view("z", as: .count))
        #expect(stats.viewNames == ["a", "http/latency", "z"])
        latency.record(1, both, in: stats)
        #expect(stats.readings().liveCount("http/latency") == 0)
        #expect(throws: StatsError.self) { try stats.register(view(as: .sum)) }
        try stats.register(view(as: .count))
        try stats.apply(ViewRules())
        #expect(inForce(stats).map(\.name) == ["a", "http/latency", "z"])
        latency.record(1, both, in: stats)
        #expect(stats.readings()["http/latency", both]?.integer == 1)
        try stats.apply(ViewRules([.dropping("http/*")]))
        try stats.unregister("http/latency")
        try stats.apply(ViewRules())
        #expect(inForce(stats).map(\.name) == ["a", "z"])
    }

    @Test("a name that is taken is not taken from its view, whichever is registered first", arguments: [true, false])
    func nameTaken(isFirst: Bool) throws {
        let stats = try Stats.small(cells: 4_096)
        let told = Mutex<[ViewRuleProblem]>([])
        try stats.apply(ViewRules([ViewRule("from", name: "to")])) { problem in told.withLock { $0.append(problem) } }
        try stats.register(isFirst ? view("from") : view("to"))
        #expect(inForce(stats).map(\.name) == ["to"])
        try stats.register(isFirst ? view("to") : view("from"))
        try stats.register(view("third"))
        #expect(inForce(stats).map(\.name) == (isFirst ? ["from", "to", "third"] : ["to", "from", "third"]))
        #expect(told.withLock { $0 } == [.nameTaken(view: "from", name: "to")])
    }

    @Test("a view that goes and comes back gets its given name again, and a registration in vain leaves nothing")
    func nameAgain() throws {
        let stats = try Stats.small(cells: 4_096)
        let told = Mutex<[ViewRuleProblem]>([])
        try stats.apply(ViewRules([ViewRule("from", name: "to")])) { problem in told.withLock { $0.append(problem) } }
        for _ in 0..<3 {
            try stats.register(view("from"))
            #expect(inForce(stats).map(\.name) == ["to"])
            #expect(throws: StatsError.self) { try stats.register(view("new"), view("from", as: .count)) }
            #expect(stats.viewNames == ["from"])
            try stats.unregister("from")
        }
        #expect(told.withLock { $0 } == [])
    }

    @Test("one name for many is the first one's")
    func nameForMany() throws {
        let stats = try Stats.small(cells: 4_096)
        let told = Mutex<[ViewRuleProblem]>([])
        try stats.register(view("a"), view("b"))
        try stats.apply(ViewRules([ViewRule("?", name: "one")])) { problem in told.withLock { $0.append(problem) } }
        #expect(inForce(stats).map(\.name) == ["one", "b"])
        #expect(told.withLock { $0 } == [.nameTaken(view: "b", name: "one")])
    }

    @Test("rules that no view could follow are refused, and those of before stay")
    func refused() throws {
        let stats = try Stats.small(cells: 4_096)
        let good = ViewRules([ViewRule("*", seriesLimit: 5)])
        try stats.apply(good)
        try stats.register(view())
        for rule in [
            ViewRule("*", name: ""), ViewRule("*", name: "\n"), ViewRule("*", seriesLimit: 0),
            ViewRule("*", buckets: .bounds([2, 1])), ViewRule("*", buckets: .exponential(relativeError: 3)),
            ViewRule("*", forgetsIdle: .zero),
        ] {
            #expect(throws: StatsError.self) { try stats.apply(ViewRules([ViewRule("*"), rule])) }
        }
        #expect(stats.viewRules == good)
        #expect(inForce(stats).map(\.seriesLimit) == [5])
    }

    @Test("a limit that cannot be is told and not followed")
    func unusableLimit() throws {
        let stats = try Stats.small(cells: 4_096)
        let told = Mutex<[ViewRuleProblem]>([])
        try stats.apply(ViewRules(seriesLimit: 0)) { problem in told.withLock { $0.append(problem) } }
        try stats.register(view())
        #expect(inForce(stats) == [view()])
        #expect(told.withLock { $0.count } == 1)
    }

    @Test("where there is no room for the new views the old ones go on")
    func noRoom() throws {
        let stats = try Stats.small(cells: 512)
        try stats.register((0..<200).map { view("v\($0)", as: .count) })
        var taken: [Int] = []
        while let cell = stats.stripes.allocate(1) { taken.append(cell) }
        latency.record(1, both, in: stats)
        #expect(throws: StatsError.tooMany(kind: "cells", limit: stats.stripes.capacity)) {
            try stats.apply(ViewRules([ViewRule("*", seriesLimit: 9)]))
        }
        #expect(stats.viewRules == ViewRules())
        #expect(inForce(stats).count == 200)
        #expect(inForce(stats).allSatisfy { $0.seriesLimit == View.defaultSeriesLimit })
        for cell in taken { stats.stripes.release(cell, length: 1) }
    }

    @Test(
        "patterns match as shells' do",
        arguments: [
            ("", "", true), ("", "a", false), ("*", "", true), ("*", "a/b", true), ("a*", "a", true),
            ("a*c", "abbc", true), ("a*c", "abcb", false), ("*a*b*", "xxaxxbxx", true), ("?", "", false),
            ("?", "ä", true), ("a?c", "abc", true), ("**", "x", true), ("a*b?c", "aXbbbYc", true), ("abc", "ab", false),
            ("*.[a]", "x.[a]", true), ("http/*", "grpc/http/x", false),
        ])
    func patterns(pattern: String, name: String, matches: Bool) {
        #expect(NamePattern(pattern).matches(name) == matches)
    }

    @Test("a pattern agrees with one that tries everything, and takes no longer for being hostile")
    func patternModel() {
        func matches(_ pattern: Substring, _ name: Substring) -> Bool {
            guard let first = pattern.first else { return name.isEmpty }
            if first == "*" {
                return matches(pattern.dropFirst(), name) || (!name.isEmpty && matches(pattern, name.dropFirst()))
            }
            return !name.isEmpty && (first == "?" || first == name.first)
                && matches(pattern.dropFirst(), name.dropFirst())
        }
        var random = SeededGenerator(seed: 5)
        for _ in 0..<2_000 * testScale {
            let pattern = String(
                (0..<Int.random(in: 0...7, using: &random)).map { _ in "ab*?".randomElement(using: &random)! })
            let name = String(
                (0..<Int.random(in: 0...9, using: &random)).map { _ in "ab".randomElement(using: &random)! })
            #expect(NamePattern(pattern).matches(name) == matches(pattern[...], name[...]), "\(pattern) \(name)")
        }
        let hostile = String(repeating: "*a", count: 200) + "b"
        #expect(!NamePattern(hostile).matches(String(repeating: "a", count: 1_000)))
    }
}
