import Synchronization
import Testing
import WeirTestSupport

@testable import WeirRecording

/// What becomes of recorded figures when rules change the views that they are recorded under.
@Suite("Views that change", .timeLimit(.minutes(2)))
struct ViewChangeTests {
    private static let route: TagKey = "change.route"
    private static let tenant: TagKey = "change.tenant"
    private let both = Tags([(Self.route, "/a"), (Self.tenant, "acme")])
    private let other = Tags([(Self.route, "/a"), (Self.tenant, "other")])
    private let routeOnly = Tags([(Self.route, "/a")])
    private let amounts = Measure<Int64>("change.amounts")
    private let times = Measure<Double>("change.times", unit: .seconds)

    private func view<Value>(_ name: String, _ measure: Measure<Value>, as aggregation: Aggregation) -> View {
        View(name, of: measure, by: [Self.route, Self.tenant], as: aggregation)
    }

    // MARK: - Levels

    @Test("an up-down sum keeps its level when a rule changes its view", arguments: [true, false])
    func levelIsCarried(isCollectedBefore: Bool) throws {
        let stats = try Stats.small()
        try stats.register(view("level", amounts, as: .upDownSum), view("fraction", times, as: .upDownSum))
        let bound = amounts.bound(to: other, in: stats)
        amounts.record(9, both, in: stats)
        amounts.record(-2, both, in: stats)
        times.record(0.5, both, in: stats)
        bound.record(4)
        if isCollectedBefore { _ = stats.readings() }
        try stats.apply(ViewRules([ViewRule("level", name: "renamed")]))
        var readings = stats.readings()
        #expect(readings["renamed", both]?.integer == 7)
        #expect(readings["renamed", other]?.integer == 4)
        #expect(readings["fraction", both]?.double == 0.5)
        // What was told under the old name ends with what it was.
        let ended = readings.ended.filter { $0.name.view == "level" }
        #expect(ended.map(\.reading.integer).sorted() == (isCollectedBefore ? [4, 7] : []))

        try stats.apply(ViewRules([ViewRule("level", removing: [Self.tenant])]))
        bound.record(-1)
        readings = stats.readings()
        #expect(readings["level", routeOnly]?.integer == 10)
        try stats.apply(ViewRules(seriesLimit: 1))
        #expect(stats.readings().live.filter { $0.key.view == "level" }.map(\.value.integer).reduce(0, +) == 10)
    }

    @Test("a series that takes another one's figures does not begin with a life of its own tags that ended")
    func startsAreOfOneLife() throws {
        let clock = TestClock()
        let stats = try Stats.small(clock: clock)
        try stats.register(view("level", amounts, as: .upDownSum))
        let bound = amounts.bound(to: routeOnly, in: stats)
        // Both keys go, one goes, both go: the series without tags is there each time, and is another one.
        let keys: [[TagKey]] = [[Self.route, Self.tenant], [Self.tenant], [Self.route, Self.tenant]]
        var lives: [(start: UInt64, tags: String)] = []
        for (index, removed) in keys.enumerated() {
            try stats.apply(ViewRules([ViewRule("level", removing: removed)]))
            bound.record(1)
            if index == 0 { _ = stats.readings() }
            clock.advance(by: 1)
            if index == 1 { stats.forget(Tags(), of: "level") }
        }
        let readings = stats.readings()
        lives += readings.ended.map { ($0.reading.start, $0.name.tags) }
        lives += readings.live.filter { $0.key.view == "level" }.map { ($0.value.start, $0.key.tags) }
        #expect(lives.count == 3)
        #expect(Set(lives.map { "\($0.tags) since \($0.start)" }).count == lives.count, "\(lives)")
    }

    @Test("what takes the place of a series that began anew in this moment begins later")
    func replacedAtReset() throws {
        let clock = TestClock()
        let stats = try Stats.small(clock: clock)
        try stats.register(view("sum", times, as: .sum))
        let bound = times.bound(to: both, in: stats)
        bound.record(1)
        clock.advance(by: 1)
        _ = stats.readings()
        bound.bound.restartSums()
        try stats.apply(ViewRules(seriesLimit: 9))
        let readings = stats.readings()
        let starts = (readings.ended.map(\.reading) + readings.live.values).map(\.start)
        #expect(starts.count == 3 && Set(starts).count == 3, "\(starts)")
    }

    @Test("an up-down sum that a rule drops is right when it comes back")
    func droppedLevel() throws {
        let stats = try Stats.small()
        try stats.register(view("level", amounts, as: .upDownSum))
        let bound = amounts.bound(to: both, in: stats)
        bound.record(5)
        _ = stats.readings()
        try stats.apply(ViewRules([.dropping("level")]))
        bound.record(2)
        amounts.record(-1, both, in: stats)
        let hidden = stats.readings()
        #expect(hidden.liveCount("level") == 0)
        #expect(hidden.ended.map(\.reading.integer) == [5])
        stats.forget(other)
        try stats.apply(ViewRules())
        #expect(stats.readings()["level", both]?.integer == 6)
    }

    @Test("a last value that is set between two changes of rules is what it was set to, whatever it was before")
    func lastValueBetweenChanges() throws {
        let stats = try Stats.small()
        try stats.register(view("gauge", times, as: .lastValue))
        times.record(2.5, both, in: stats)
        _ = stats.readings()
        // While a collection runs, what departs waits.
        stats.collect { _, _, _ in
            try? stats.apply(ViewRules([ViewRule("gauge", name: "renamed")]))
            times.record(7.5, both, in: stats)
            try? stats.apply(ViewRules())
        }
        #expect(stats.readings()["gauge", both]?.double == 7.5)
    }

    @Test("a last value keeps its value where a rule changes its view, and has none where several fall together")
    func lastValueIsCarried() throws {
        let stats = try Stats.small()
        try stats.register(view("gauge", times, as: .lastValue), view("whole", amounts, as: .lastValue))
        let bound = amounts.bound(to: both, in: stats)
        times.record(2.5, both, in: stats)
        bound.record(3)
        _ = stats.readings()
        try stats.apply(ViewRules([ViewRule("*", name: "renamed"), ViewRule("whole", name: "all")]))
        #expect(stats.readings()["renamed", both]?.double == 2.5)
        #expect(stats.readings()["all", both]?.integer == 3)
        times.record(4.5, other, in: stats)
        try stats.apply(ViewRules([ViewRule("*", removing: [Self.tenant])]))
        #expect(stats.readings()["whole", routeOnly]?.integer == 3)
        // Which of the two was set last is not known, so neither is told.
        stats.collect { views, _, _ in
            #expect(views.filter { $0.state.view.name == "gauge" }.allSatisfy { stats.settled($0.live).count == 0 })
        }
        times.record(1, both, in: stats)
        #expect(stats.readings()["gauge", routeOnly]?.double == 1)
    }

    // MARK: - What was never told

    @Test("nothing that a rule drops or removes is told after the rule, if it was not told before")
    func untoldIsNotTold() throws {
        let stats = try Stats.small()
        try stats.register(
            view("dropped", amounts, as: .sum), view("kept", amounts, as: .sum),
            view("times", times, as: .distribution(bounds: [1, 2], extremes: true, squares: true)),
            view("wide", times, as: .exponentialDistribution()))
        amounts.record(1, both, in: stats)
        amounts.record(2, other, in: stats)
        times.record(0.5, both, in: stats)
        times.record(1.5, other, in: stats)
        times.record(-3, other, in: stats)
        try stats.apply(ViewRules([.dropping("dropped"), ViewRule("*", removing: [Self.tenant])]))
        let readings = stats.readings()
        #expect(readings.ended.isEmpty)
        #expect(readings.live.keys.allSatisfy { !$0.tags.contains("acme") && !$0.tags.contains("other") })
        #expect(readings.liveCount("dropped") == 0)
        // What was recorded is in the views that the rules made, since the first measurement.
        #expect(readings["kept", routeOnly]?.integer == 3)
        let times = try #require(readings["times", routeOnly])
        #expect(times.buckets == [2, 1, 0] && times.double == -1 && times.least == -3 && times.greatest == 1.5)
        #expect(times.squares == 11.5)
        #expect(readings["wide", routeOnly]?.count == 3)
        #expect(readings["wide", routeOnly]?.double == -1)
    }

    @Test("what was told before a rule ends in order, and growth begins anew")
    func toldEndsInOrder() throws {
        let clock = TestClock()
        let stats = try Stats.small(clock: clock)
        try stats.register(view("sum", amounts, as: .sum))
        amounts.record(5, both, in: stats)
        _ = stats.readings()
        amounts.record(2, both, in: stats)
        amounts.record(9, other, in: stats)
        clock.advance(by: 10)
        try stats.apply(ViewRules([ViewRule("sum", removing: [Self.tenant])]))
        let readings = stats.readings()
        #expect(readings.ended.map(\.name) == [SeriesName("sum", both)])
        #expect(readings.ended.map(\.reading.integer) == [7])
        #expect(readings["sum", routeOnly]?.integer == 9)
        #expect(readings.counts == RecordingCounts())
    }

    // MARK: - Recorders

    @Test("a recorder follows any number of changes and keeps its fast path")
    func recorderFollows() throws {
        let stats = try Stats.small()
        try stats.register(view("sum", amounts, as: .sum), view("times", times, as: .distribution(bounds: [1])))
        let bound = amounts.bound(to: both, in: stats)
        let timer = times.bound(to: both, in: stats)
        var recorded: Int64 = 0
        var told: Int64 = 0
        for change in 0..<60 {
            try stats.apply(change % 2 == 0 ? ViewRules([ViewRule("*", removing: [Self.tenant])]) : ViewRules())
            bound.record(3)
            timer.record(0.5)
            recorded += 3
            told += stats.readings().ended.filter { $0.name.view == "sum" }.reduce(0) { $0 + $1.reading.integer }
            #expect(bound.bound.limit.load(ordering: .relaxed) == -1, "\(change)")
            #expect(unsafe timer.bound.distribution.load(ordering: .relaxed) != nil, "\(change)")
        }
        let readings = stats.readings()
        #expect(told + (readings["sum", both]?.integer ?? 0) == recorded)
        #expect(readings["times", both]?.count == 1)
        #expect(readings.counts == RecordingCounts())
        try stats.unregister("sum")
        bound.record(3)
        #expect(stats.readings().counts.gone == 1)
    }

    // MARK: - While others record

    @Test("no measurement is lost while rules change, whichever way it is recorded")
    func nothingIsLost() throws {
        let stats = try Stats.small(cells: 1 << 20)
        let events = Measure<Int64>("change.events")
        try stats.register(
            view("sum", amounts, as: .sum), view("count", events, as: .count), view("level", amounts, as: .upDownSum),
            view("times", times, as: .distribution(bounds: [1, 2])))
        let tags = [both, other]
        let recorders = tags.map { amounts.bound(to: $0, in: stats) }
        let timers = tags.map { times.bound(to: $0, in: stats) }
        let isDone = Atomic(false)
        let recorded = Atomic<Int>(0)
        let told = Mutex<[String: Int64]>([:])
        let changes = 300 * testScale
        @Sendable func collect() -> Readings {
            let readings = stats.collection()
            told.withLock { told in
                for (name, reading) in readings.ended where name.view != "level" {
                    let view = name.view == "other" ? "sum" : name.view
                    told[view, default: 0] += reading.buckets.isEmpty ? reading.integer : Int64(reading.count)
                }
            }
            return readings
        }
        onThreads(4) { thread in
            if thread == 0 {
                for change in 0..<changes {
                    let rules = [
                        ViewRules([ViewRule("*", removing: [Self.tenant])]), ViewRules(),
                        ViewRules([ViewRule("sum", name: "other"), ViewRule("times", seriesLimit: 9)]),
                    ]
                    try? stats.apply(rules[change % 3])
                    if change % 5 == 0 { _ = collect() }
                }
                isDone.store(true, ordering: .relaxed)
            } else {
                var rounds = 0
                while !isDone.load(ordering: .relaxed) {
                    let which = rounds & 1
                    amounts.record(1, tags[which], in: stats)
                    recorders[which].record(1)
                    events.record(1, tags[which], in: stats)
                    times.record(1.5, tags[which], in: stats)
                    timers[which].record(0.5)
                    rounds += 1
                }
                recorded.add(rounds, ordering: .relaxed)
            }
        }
        // Two more, so that what was on its way when a view went has arrived.
        var live = collect()
        for _ in 0..<200 where stats.hasDepartures { live = collect() }
        live = collect()
        let rounds = Int64(recorded.load(ordering: .relaxed))
        func total(_ views: Set<String>) -> Int64 {
            live.live.filter { views.contains($0.key.view) }.reduce(0) { sum, entry in
                sum + (entry.value.buckets.isEmpty ? entry.value.integer : Int64(entry.value.count))
            } + views.reduce(0) { $0 + (told.withLock { $0 }[$1] ?? 0) }
        }
        #expect(total(["sum", "other"]) == 2 * rounds)
        #expect(total(["count"]) == rounds)
        #expect(total(["times"]) == 2 * rounds)
        #expect(total(["level"]) == 2 * rounds)
        #expect(live.counts == RecordingCounts())
    }
}
