import Synchronization
import Testing

@testable import WeirRecording

@Suite("Exemplars")
struct ExemplarTests {
    private static let route: TagKey = "exemplar.route"
    private static let user: TagKey = "exemplar.user"
    private let latency = Measure<Double>("exemplar.latency", unit: .seconds)
    private let bytes = Measure<Int64>("exemplar.bytes", unit: .bytes)
    private let clock = TestClock()

    private func span(_ number: UInt64, isSampled: Bool = true) -> SpanReference? {
        SpanReference(traceHigh: number, low: number, spanID: number, isSampled: isSampled)
    }

    private func stats(
        _ aggregation: Aggregation, _ filter: ExemplarFilter = .traceBased, seriesLimit: Int = 100
    ) throws -> Stats {
        let stats = try Stats.small(clock: clock)
        try stats.register(
            View("v", of: latency, by: [Self.route], as: aggregation, seriesLimit: seriesLimit, exemplars: filter))
        return stats
    }

    @Test("off is the default, and keeps nothing")
    func off() throws {
        let stats = try Stats.small(clock: clock)
        try stats.register(View("v", of: latency, as: .distribution()))
        withSpan(span(1)) { latency.record(1, in: stats) }
        #expect(stats.exemplars().isEmpty)
    }

    @Test("a measurement of a sampled span is kept with time, span, and the tags that its series does not have")
    func whole() throws {
        let stats = try stats(.distribution(bounds: [1, 2]))
        let tags = Tags([(Self.route, "/users"), (Self.user, "a name that is longer than sixteen bytes")])
        clock.advance(by: 3)
        withSpan(span(7)) { latency.record(1.5, tags, in: stats) }
        let found = try #require(stats.exemplars().first)
        #expect(stats.exemplars().count == 1)
        #expect((found.value, found.time) == (1.5, 4_000_000_000))
        #expect(found.span == span(7))
        #expect(found.tags == ["exemplar.user": "a name that is longer than sixteen bytes"])
    }

    @Test(
        "of spans that are not sampled, and of none, only a filter that takes all keeps measurements",
        arguments: ExemplarFilter.allCases)
    func filters(filter: ExemplarFilter) throws {
        let stats = try stats(.distribution(bounds: [1, 2, 3]), filter)
        latency.record(0.5, in: stats)
        withSpan(span(1, isSampled: false)) { latency.record(1.5, in: stats) }
        withSpan(span(2)) { latency.record(2.5, in: stats) }
        let expected: [Double]
        switch filter {
        case .alwaysOff: expected = []
        case .traceBased: expected = [2.5]
        case .alwaysOn: expected = [0.5, 1.5, 2.5]
        }
        #expect(stats.exemplars().map(\.value) == expected)
        #expect(stats.readings()["v"]?.count == 3)
    }

    private enum Tracer {
        @TaskLocal static var current: SpanReference?
        static let measure = Measure<Int64>("exemplar.tracer")
        @TaskLocal static var stats: Stats?
    }

    @Test("a tracer is asked where there is an exemplar to be had; withSpan wins; what it records asks nobody")
    func tracer() throws {
        CurrentSpan.install {
            // Endless, were it asked again.
            if let stats = Tracer.stats { Tracer.measure.record(1, in: stats) }
            return Tracer.current
        }
        let stats = try stats(.distribution(bounds: [1, 2]))
        try stats.register(View("tracer", of: Tracer.measure, as: .count, exemplars: .traceBased))
        Tracer.$stats.withValue(stats) {
            latency.record(0.5, in: stats)
            Tracer.$current.withValue(span(5)) {
                latency.record(0.6, in: stats)
                withSpan(span(6)) { latency.record(1.5, in: stats) }
                latency.record(0.7, in: stats)
            }
        }
        #expect(stats.exemplars().map(\.span) == [span(5), span(6)])
        // Asked for 0.5 and 0.6, and not for what came into full buckets or has a span of its own.
        #expect(stats.readings()["tracer"]?.integer == .some(2))
    }

    @Test("one a bucket and collection, the first; the latest stays until there is another")
    func sampling() throws {
        let stats = try stats(.distribution(bounds: [1, 2]))
        withSpan(span(1)) { for value in [0.1, 0.2, 1.1, 1.2] { latency.record(value, in: stats) } }
        #expect(stats.exemplars().map(\.value) == [0.1, 1.1])
        withSpan(span(2)) { for value in [1.3, 1.4, 2.1] { latency.record(value, in: stats) } }
        #expect(stats.exemplars().map(\.value) == [0.1, 1.3, 2.1])
        #expect(stats.exemplars().map(\.value) == [0.1, 1.3, 2.1])
        #expect(stats.readings()["v"]?.buckets == [2, 4, 1])
    }

    @Test(
        "every aggregation adds up as it does without exemplars",
        arguments: [
            .count, .sum, .upDownSum, .lastValue, .distribution(bounds: [1, 2]),
            .distribution(bounds: [1, 2], extremes: true, squares: true), .exponentialDistribution(),
        ] as [Aggregation])
    func sameValues(aggregation: Aggregation) throws {
        let stats = try Stats.small(clock: clock)
        let options: [ExemplarFilter] = [.alwaysOff, .alwaysOn]
        for filter in options {
            try stats.register(
                View("latency \(filter)", of: latency, as: aggregation, exemplars: filter),
                View("bytes \(filter)", of: bytes, as: aggregation, exemplars: filter))
        }
        let (doubles, integers) = (latency.bound(in: stats), bytes.bound(in: stats))
        for value in [0, 0.5, -1.5, 2, 300, .nan, .infinity] {
            latency.record(value, in: stats)
            doubles.record(value)
        }
        for value: Int64 in [0, 1, -2, 2, 300, .max, .min] {
            bytes.record(value, in: stats)
            integers.record(value)
        }
        let readings = stats.readings()
        for view in ["latency", "bytes"] {
            let off = try #require(readings["\(view) alwaysOff"])
            let on = try #require(readings["\(view) alwaysOn"])
            #expect(on.comparable == off.comparable)
        }
        // Both views reject alike.
        #expect(readings.counts.rejected.isMultiple(of: 2))
        #expect(!stats.exemplars().isEmpty)
    }

    @Test("where no span is sampled, few measurements ask for theirs, and one that is sampled is found all the same")
    func untraced() throws {
        let stats = try stats(.distribution(bounds: [1, 2]))
        let asked = Atomic<Int>(0)
        let bound = latency.bound(to: Tags(), in: stats)
        let (rare, other) = (span(9), span(8, isSampled: false))
        CurrentSpan.install {
            // One in a hundred.
            asked.add(1, ordering: .relaxed).newValue % 100 == 0 ? rare : other
        }
        defer { CurrentSpan.install { nil } }
        for _ in 0..<1_000 { bound.record(0.5) }
        // One in 32, and before that those that are free: 50 expected.
        #expect((8..<100).contains(asked.load(ordering: .relaxed)))
        for _ in 0..<100_000 { bound.record(0.5) }
        #expect(stats.exemplars().map(\.span) == [rare])
        // A bucket that others have not tried asks at once, and so does one after a collection.
        for value in [1.5, 0.5] {
            let before = asked.load(ordering: .relaxed)
            bound.record(value)
            #expect(asked.load(ordering: .relaxed) == before + 1)
        }
    }

    @Test("what a sum that only grows rejects is no exemplar of it")
    func rejected() throws {
        let stats = try stats(.sum, .alwaysOn)
        latency.record(-1, in: stats)
        #expect(stats.exemplars().isEmpty)
        latency.record(2, in: stats)
        latency.record(3, in: stats)
        #expect(stats.exemplars().map(\.value) == [2])
    }

    @Test("an exponential distribution keeps one for each power of two, of each sign, and twenty at most")
    func exponential() throws {
        let stats = try stats(.exponentialDistribution(), .alwaysOn)
        for value in [1.5, 1.6, 3, 3.5, -3, 0, 0] { latency.record(value, in: stats) }
        #expect(Set(stats.exemplars().map(\.value)) == [1.5, 3, -3, 0])
        for power in -500...500 { latency.record(Double(sign: .plus, exponent: power, significand: 1.5), in: stats) }
        #expect(stats.exemplars().count == ExemplarSlots.exponentialCount)
    }

    @Test("bound recorders, several measures at once and tags at the call are sampled alike")
    func ways() throws {
        let stats = try stats(.distribution(bounds: [1, 2, 3, 4, 5]), .alwaysOn)
        let tags = Tags([(Self.route, "/"), (Self.user, "me")])
        latency.bound(to: tags, in: stats).record(0.5)
        latency.record(1.5, tags, in: stats)
        let found = stats.exemplars()
        #expect(found.map(\.value) == [0.5, 1.5])
        #expect(found.allSatisfy { $0.tags == ["exemplar.user": "me"] })
    }

    @Test("tags of the task that no view keeps are an exemplar's, but for those that its measurement gives")
    func ambient() throws {
        let stats = try stats(.distribution(bounds: [1]), .alwaysOn)
        let request: TagKey = "exemplar.request"
        withTags(Tags([(request, "outer"), (Self.user, "task"), (Self.route, "/task")])) {
            latency.record(0.5, Tags([(Self.user, "call")]), in: stats)
        }
        let found = try #require(stats.exemplars().first)
        #expect(found.tags == ["exemplar.request": "outer", "exemplar.user": "call"])
        #expect(found.series == Tags([(Self.route, "/task")]).description)
    }

    @Test("an exemplar's tags are bounded, and those that fit are kept")
    func bounded() throws {
        let stats = try stats(.sum, .alwaysOn)
        let long = TagKey("exemplar.long")
        latency.record(1, Tags([(long, String(repeating: "x", count: 300)), (Self.user, "me")]), in: stats)
        #expect(stats.exemplars().map(\.tags) == [["exemplar.user": "me"]])
        let keys = (0..<100).map { TagKey("exemplar.many.\($0)") }
        _ = stats.exemplars()
        latency.record(1, Tags(keys.map { ($0, "value") }), in: stats)
        let found = try #require(stats.exemplars().first)
        #expect(found.tags.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count } <= 256)
        #expect(found.tags.count > 5)
    }

    @Test("in the overflow series an exemplar says which series it would have been")
    func overflow() throws {
        let stats = try stats(.sum, .alwaysOn, seriesLimit: 1)
        latency.record(1, Tags([(Self.route, "/first")]), in: stats)
        latency.record(2, Tags([(Self.route, "/second")]), in: stats)
        let found = stats.exemplars()
        #expect(found.map(\.value) == [1, 2])
        #expect(found.map(\.tags) == [[:], ["exemplar.route": "/second"]])
    }

    @Test("a series that ends takes its exemplars along, once, and one that comes back has none")
    func forgetting() throws {
        let stats = try stats(.sum, .alwaysOn)
        let tags = Tags([(Self.route, "/")])
        latency.record(1, tags, in: stats)
        #expect(stats.forget(tags) == 1)
        let ended = stats.exemplars(ofEnded: true)
        #expect(ended.map(\.value) == [1])
        #expect(stats.exemplars(ofEnded: true).isEmpty)
        latency.bound(to: tags, in: stats).record(5)
        #expect(stats.exemplars().map(\.value) == [5])
        let recorder = latency.bound(to: tags, in: stats)
        try stats.unregister("v")
        recorder.record(7)
        #expect(stats.exemplars().isEmpty)
        #expect(stats.readings().counts.gone == 1)
    }

    @Test("what is new is of the time between two collections, whatever the clock did")
    func times() throws {
        let stats = try stats(.distribution(bounds: [1, 2]), .alwaysOn)
        clock.advance(by: 100)
        latency.record(0.5, in: stats)
        clock.set(to: 1)
        latency.record(1.5, in: stats)
        #expect(stats.exemplars(of: 50_000_000_000...60_000_000_000).map(\.time) == [60_000_000_000, 50_000_000_000])
        // And keeps it.
        #expect(stats.exemplars(of: 70_000_000_000...80_000_000_000).map(\.time) == [60_000_000_000, 50_000_000_000])
    }

    @Test("a rule turns exemplars on and off, and a view that differs in them is another one")
    func rules() throws {
        let stats = try stats(.sum, .alwaysOff)
        try stats.apply(ViewRules([ViewRule("v", exemplars: .alwaysOn)]))
        latency.record(1, in: stats)
        #expect(stats.exemplars().map(\.value) == [1])
        try stats.apply(ViewRules([ViewRule("*", exemplars: .alwaysOff)]))
        latency.record(1, in: stats)
        #expect(stats.exemplars().isEmpty)
        #expect(throws: StatsError.self) {
            try stats.register(View("v", of: latency, by: [Self.route], as: .sum, exemplars: .alwaysOn))
        }
    }
}

extension Reading {
    /// Without the one number that is not equal to itself.
    fileprivate var comparable: Reading {
        var copy = self
        if copy.least.isNaN { copy.least = 0 }
        if copy.greatest.isNaN { copy.greatest = 0 }
        return copy
    }
}

/// An exemplar as a test wants it.
struct FoundExemplar: Equatable {
    var series: String
    var value: Double
    var time: UInt64
    var span: SpanReference?
    var tags: [String: String]
}

extension Stats {
    /// One collection's exemplars, by view, series and bucket.
    func exemplars(
        of interval: ClosedRange<UInt64> = 0...UInt64.max, ofEnded isEnded: Bool = false
    ) -> [FoundExemplar] {
        var found: [FoundExemplar] = []
        // What ended is reported when nobody on any thread can record into it any more.
        repeat {
            collect { views, _, _ in
                for view in views {
                    let series = isEnded ? view.ended : view.live
                    takeExemplars(series, interval) { row, record in
                        let tags = Tags(series.tags(at: row).map { ($0.key, $0.value) })
                        found.append(
                            FoundExemplar(
                                series: tags.description, value: record.value, time: record.time, span: record.span,
                                tags: Dictionary(uniqueKeysWithValues: record.filteredTags.map { ($0.key, $0.value) })))
                    }
                }
            }
        } while isEnded && withState { state in unsafe state.gate.retiredCount + state.ended.count > 0 }
        return found
    }
}
