import Testing

@testable import WeirRecording

@Suite("Views")
struct ViewTests {
    private static let key: TagKey = "view.key"
    private static let other: TagKey = "view.other"
    private let measure = Measure<Double>("view.measure", unit: .seconds, description: "A measure")

    private func tags(_ value: String) -> Tags { Tags([(Self.key, value)]) }

    private func view(_ aggregation: Aggregation = .count) -> View {
        View("view", of: measure, by: [Self.key], as: aggregation)
    }

    private func conflict(_ requested: View) throws -> (field: String, registered: String, requested: String)? {
        let stats = try Stats.small(cells: 4_096)
        try stats.register(view())
        do throws(StatsError) {
            try stats.register(requested)
            return nil
        } catch .viewConflict("view", let field, let registered, let requested) {
            return (field, registered, requested)
        } catch {
            Issue.record(error)
            return nil
        }
    }

    @Test("registering the same view again changes nothing")
    func sameAgain() throws {
        let stats = try Stats.small(cells: 4_096)
        for _ in 0..<3 { try stats.register(view(), view()) }
        #expect(stats.viewNames == ["view"])
        measure.record(1, tags("1"), in: stats)
        try stats.register(view())
        #expect(stats.readings()["view", tags("1")]?.integer == 1)
    }

    @Test("a different view of the same name is an error that names the field")
    func conflicts() throws {
        let name = "view"
        let otherUnit = Measure<Double>("view.measure", unit: .milliseconds, description: "A measure")
        let otherType = Measure<Int64>("view.measure", unit: .seconds, description: "A measure")
        let cases: [(View, String)] = [
            (View(name, of: Measure<Double>("view.another"), by: [Self.key], as: .count), "measure"),
            (View(name, of: otherUnit, by: [Self.key], as: .count), "measure's unit"),
            (View(name, of: otherType, by: [Self.key], as: .count), "measure's type"),
            (View(name, of: measure, by: [], as: .count), "tag keys"),
            (View(name, of: measure, by: [Self.key, Self.other], as: .count), "tag keys"),
            (View(name, of: measure, by: [Self.key], as: .sum), "aggregation"),
            (View(name, of: measure, by: [Self.key], as: .count, seriesLimit: 3), "series limit"),
            (View(name, of: measure, by: [Self.key], as: .count, forgetsIdle: .seconds(1)), "idle time"),
        ]
        for (requested, field) in cases {
            let found = try conflict(requested)
            #expect(found?.field == field)
            #expect(found?.registered != found?.requested)
        }
        #expect(try conflict(view()) == nil)
    }

    @Test("a measure and a view that differ in their description alone are the same, and the first one stays")
    func descriptions() throws {
        let stats = try Stats.small(cells: 4_096)
        try stats.register(view())
        let other = Measure<Double>("view.measure", unit: .seconds, description: "Another")
        #expect(other.description == "A measure")
        try stats.register(
            View("view", of: other, by: [Self.key], as: .count, description: "Other"),
            View("more", of: other, as: .count))
        other.record(1, tags("1"), in: stats)
        let readings = stats.readings()
        #expect(readings["view", tags("1")]?.integer == 1)
        #expect(readings["more"]?.integer == 1)
        stats.collect { views, _, _ in #expect(views[0].state.view.description == "A measure") }
    }

    @Test("options and bounds of a distribution are compared too")
    func distributionConflicts() throws {
        let registered = Aggregation.distribution(bounds: [1, 2])
        for requested: Aggregation in [
            .distribution(), .distribution(bounds: [1, 3]), .distribution(bounds: [1]), .sum, .upDownSum, .lastValue,
            .distribution(bounds: [1, 2], extremes: true), .distribution(bounds: [1, 2], squares: true),
            .exponentialDistribution(), .count,
        ] {
            let stats = try Stats.small(cells: 4_096)
            try stats.register(view(registered))
            #expect(throws: StatsError.self) { try stats.register(view(requested)) }
        }
    }

    @Test("two measures of one name in use are a conflict, in one call too")
    func measureConflicts() throws {
        let stats = try Stats.small(cells: 4_096)
        let otherUnit = Measure<Double>("view.measure", unit: .bytes, description: "A measure")
        let expected = StatsError.measureConflict(
            measure: "view.measure", field: "unit", registered: "'s'", requested: "'By'")
        #expect(throws: expected) {
            try stats.register(view(), View("other", of: otherUnit, as: .count))
        }
        #expect(stats.viewNames == [])
        try stats.register(view())
        #expect(throws: expected) { try stats.register(View("other", of: otherUnit, as: .count)) }
        try stats.unregister("view")
        try stats.register(View("other", of: otherUnit, as: .count))
    }

    @Test("what cannot be a view is refused, and why is said")
    func validation() throws {
        let stats = try Stats.small(cells: 4_096)
        let key = Self.key
        func refuses(
            _ view: View, sourceLocation: SourceLocation = #_sourceLocation, _ isExpected: (StatsError) -> Bool
        ) {
            do throws(StatsError) {
                try stats.register(view)
                Issue.record("accepted", sourceLocation: sourceLocation)
            } catch {
                #expect(isExpected(error), "\(error)", sourceLocation: sourceLocation)
            }
        }
        for name in ["", String(repeating: "n", count: 256), "a\nb", "é", "\0"] {
            refuses(View(name, of: measure, as: .count)) {
                if case .invalidName("view", name, _) = $0 { true } else { false }
            }
        }
        for name in ["", "1a", "a b", "é", String(repeating: "n", count: 256), ".a", "a\0"] {
            refuses(View("v", of: Measure<Double>(name), as: .count)) {
                if case .invalidName("measure", name, _) = $0 { true } else { false }
            }
        }
        for limit in [0, -1, .min, .max, 1 << 24 + 1] {
            refuses(View("v", of: measure, as: .count, seriesLimit: limit)) {
                if case .invalidSetting("v", "series limit", "\(limit)", _) = $0 { true } else { false }
            }
        }
        for time: Duration in [.zero, .seconds(-1), .seconds(Int64.min)] {
            refuses(View("v", of: measure, as: .count, forgetsIdle: time)) {
                if case .invalidSetting("v", "idle time", _, _) = $0 { true } else { false }
            }
        }
        for error in [0, 0.0009, 0.41, -1, .nan, .infinity] {
            refuses(View("v", of: measure, as: .exponentialDistribution(relativeError: error))) {
                if case .invalidSetting("v", "relative error", _, _) = $0 { true } else { false }
            }
        }
        for bounds: [Double] in [
            [.nan], [.infinity], [-.infinity, 0], [1, 1], [2, 1], [-0.0, 0.0], (0...1_024).map(Double.init),
        ] {
            refuses(View("v", of: measure, as: .distribution(bounds: bounds))) {
                if case .invalidBounds("v", _) = $0 { true } else { false }
            }
        }
        for keys: [TagKey] in [[key, key], [""], ["a\u{1}b"]] {
            refuses(View("v", of: measure, by: keys, as: .count)) {
                if case .invalidTagKey("v", _, _) = $0 { true } else { false }
            }
        }
        refuses(View("v", of: measure, by: (0...64).map { TagKey("many.\($0)") }, as: .count)) {
            if case .invalidSetting("v", "number of tag keys", "65", _) = $0 { true } else { false }
        }
        #expect(stats.viewNames == [])
        #expect(throws: StatsError.unknownView(name: "v")) { try stats.unregister("v") }
    }

    @Test("where one view is in conflict none is registered")
    func allOrNone() throws {
        let stats = try Stats.small(cells: 4_096)
        try stats.register(view())
        #expect(throws: StatsError.self) {
            try stats.register(View("new", of: measure, as: .count), view(.sum))
        }
        #expect(stats.viewNames == ["view"])
    }

    @Test("the least and the greatest of every setting work")
    func extremesOfSettings() throws {
        let stats = try Stats.small()
        let keys = (0..<64).map { TagKey("many.\($0)") }
        try stats.register(
            View("keys", of: measure, by: keys, as: .count),
            View("bounds", of: measure, as: .distribution(bounds: (0..<1_024).map(Double.init))),
            View("none", of: measure, as: .distribution(bounds: [])),
            View("one", of: measure, by: keys, as: .count, seriesLimit: 1),
            View("most", of: measure, as: .count, seriesLimit: 1 << 24, forgetsIdle: .seconds(Int64.max)),
            View("fine", of: measure, as: .exponentialDistribution(relativeError: 0.001)),
            View(String(repeating: "n", count: 255), of: measure, as: .sum))
        measure.record(500.5, Tags(keys.map { ($0, $0.name) }), in: stats)
        let readings = stats.readings()
        #expect(readings.live.count == 7)
        #expect(readings["bounds"]?.buckets[501] == 1)
        #expect(readings["none"]?.buckets == [1])
        #expect(readings["fine"]?.count == 1)
    }

    @Test("an idle time of any length is taken as it is")
    func idleTimes() throws {
        let clock = TestClock()
        let stats = try Stats.small(clock: clock)
        // The greatest Durations whose seconds fit into 64 bits of nanoseconds, and those around them.
        let times: [Duration] = [
            Duration(secondsComponent: 18_446_744_073, attosecondsComponent: 709_551_615_000_000_000),
            Duration(secondsComponent: 18_446_744_073, attosecondsComponent: 999_999_999_999_999_999),
            .seconds(18_446_744_074), .seconds(Int64.max), Duration(attoseconds: 1),
        ]
        for (index, time) in times.enumerated() {
            try stats.register(View("v\(index)", of: measure, as: .count, forgetsIdle: time))
        }
        measure.record(1, in: stats)
        _ = stats.readings()
        clock.advance(by: 1)
        _ = stats.readings()
        #expect(stats.readings().live.keys.map(\.view).sorted() == ["v0", "v1", "v2", "v3"])
    }

    @Test("unregistering ends the series, with its last values, once")
    func unregistering() throws {
        let clock = TestClock()
        let stats = try Stats.small(clock: clock)
        try stats.register(view(.sum), View("stays", of: measure, as: .count))
        measure.record(2, tags("1"), in: stats)
        measure.record(3, tags("1"), in: stats)
        clock.advance(by: 5)
        try stats.unregister("view")
        measure.record(7, tags("1"), in: stats)
        let readings = stats.readings()
        #expect(readings.ended.count == 1)
        #expect(readings.ended.first?.name == SeriesName("view", tags("1")))
        #expect(readings.ended.first?.reading.double == 5)
        #expect(readings.ended.first?.reading.end == clock.time)
        #expect(readings["stays"]?.integer == 3)
        #expect(stats.readings().ended.isEmpty)
        // And comes back empty.
        try stats.register(view(.sum))
        #expect(stats.readings().liveCount("view") == 0)
        measure.record(1, tags("1"), in: stats)
        #expect(stats.readings()["view", tags("1")]?.double == 1)
    }

    @Test(
        "a recorder of a view that is gone is harmless, and counted",
        arguments: [Aggregation.sum, .count, .distribution(), .lastValue, .exponentialDistribution(), .upDownSum])
    func goneRecorder(aggregation: Aggregation) throws {
        let stats = try Stats.small()
        try stats.register(view(aggregation))
        let recorder = measure.bound(to: tags("1"), in: stats)
        recorder.record(1)
        try stats.unregister("view")
        for _ in 0..<3 { recorder.record(5) }
        var readings = stats.readings()
        #expect(readings.counts.gone == 3)
        #expect(readings.ended.count == 1)
        // The cells are not used again while the recorder lives.
        try stats.register(view(aggregation))
        measure.record(1, tags("2"), in: stats)
        recorder.record(1)
        readings = stats.readings()
        #expect(readings.counts.gone == 3)
        #expect(readings.liveCount("view") == 2)
    }

    @Test("a recorder follows views that are registered later")
    func following() throws {
        let stats = try Stats.small()
        let recorder = measure.bound(to: tags("1"), in: stats)
        recorder.record(1)
        for number in 0..<20 {
            try stats.register(
                View("v\(number)", of: measure, by: [Self.key], as: number == 0 ? .distribution() : .count))
            recorder.record(1)
        }
        measure.record(1, tags("1"), in: stats)
        let readings = stats.readings()
        for number in 1..<20 {
            #expect(readings["v\(number)", tags("1")]?.integer == Int64(20 - number) + 1)
        }
        #expect(readings["v0", tags("1")]?.count == 21)
    }

    @Test("more views of a measure than a recorder can follow all count what the measure records")
    func manyViews() throws {
        let stats = try Stats.small()
        try stats.register((0..<200).map { View("v\($0)", of: measure, by: $0 % 2 == 0 ? [Self.key] : [], as: .count) })
        for _ in 0..<3 { measure.record(1, Tags([Self.key: "1", Self.other: "2"]), in: stats) }
        let readings = stats.readings()
        #expect(readings.live.count == 200)
        #expect(readings.live.values.allSatisfy { $0.integer == 3 })
    }

    @Test("values that are no numbers to add are rejected and change nothing")
    func rejected() throws {
        let stats = try Stats.small()
        let integers = Measure<Int64>("view.integers")
        try stats.register(
            view(.sum), View("up-down", of: measure, by: [Self.key], as: .upDownSum),
            View("int", of: integers, as: .sum), View("int-up-down", of: integers, as: .upDownSum))
        let one = tags("1")
        let recorder = measure.bound(to: one, in: stats)
        for value in [Double.nan, .infinity, -.infinity, .signalingNaN] {
            measure.record(value, one, in: stats)
            recorder.record(value)
        }
        #expect(stats.readings().counts.rejected == 8)
        measure.record(-1, one, in: stats)
        recorder.record(-1)
        #expect(stats.readings().counts.rejected == 10)
        for value in [-0.0, 0, .leastNonzeroMagnitude] {
            measure.record(value, one, in: stats)
            recorder.record(value)
        }
        for value in [Int64.min, -1, 0, .max, .max] { integers.record(value, in: stats) }
        let readings = stats.readings()
        #expect(readings.counts.rejected == 12)
        #expect(readings["view", one]?.double == 2 * .leastNonzeroMagnitude)
        #expect(readings["up-down", one]?.double == -2)
        // Sums of Int64 never wrap and never trap: this one is twice as great.
        #expect(readings["int"]?.integer == .max)
        #expect(readings["int-up-down"]?.integer == Int64.max - 2)
    }

    @Test("a measure without a view changes nothing, not even what is rejected")
    func unviewed() throws {
        let stats = try Stats.small(cells: 4_096)
        measure.record(1, in: stats)
        measure.record(.nan, in: stats)
        measure.record(.infinity, tags("1"), in: stats)
        #expect(stats.readings().counts == RecordingCounts())
    }

    @Test("distributions put every Double where it belongs", arguments: [false, true])
    func everyDouble(full: Bool) throws {
        let stats = try Stats.small()
        // Squares have to be finite too.
        let greatest = full ? 0x1p480.nextDown : 0x1p960.nextDown
        try stats.register(
            View(
                "d", of: measure,
                as: .distribution(bounds: [-1, 0, 0x1p-1030, 1, 1e100], extremes: full, squares: full)),
            View("e", of: measure, as: .exponentialDistribution(relativeError: 0.1, extremes: full, squares: full)))
        let values: [Double] = [
            -greatest, -1, -0.5, -.leastNonzeroMagnitude, -0.0, 0, .leastNonzeroMagnitude, 0x1p-1030, 1,
            1.0.nextUp, 1e100, greatest,
        ]
        for value in values { measure.record(value, in: stats) }
        let readings = stats.readings()
        #expect(readings["d"]?.buckets == [2, 4, 2, 1, 2, 1])
        #expect(readings["e"]?.zeros == 2)
        #expect(readings["e"]?.negative.values.reduce(0, +) == 4)
        #expect(readings["e"]?.positive.values.reduce(0, +) == 6)
        if full {
            for view in ["d", "e"] {
                #expect(readings[view]?.least == -greatest)
                #expect(readings[view]?.greatest == greatest)
                #expect(readings[view]?.squares.isFinite == true)
            }
        }
        for value in [-greatest.nextUp, greatest.nextUp, .greatestFiniteMagnitude] { measure.record(value, in: stats) }
        #expect(stats.readings().counts.rejected == 6)
    }
}
