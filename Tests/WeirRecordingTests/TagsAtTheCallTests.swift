import Testing
import WeirTestSupport

@testable import WeirRecording

/// Tags that are given with a measurement find the series that `Tags` of the same keys and values find.
@Suite("Tags at the call")
struct TagsAtTheCallTests {
    private static let keys: [TagKey] = (0..<4).map { TagKey("call.\($0)") }
    private var keys: [TagKey] { Self.keys }

    /// A measure with one view, a plain sum, by all keys: what shortcuts lead to.
    private func measure(_ name: String, by extra: [TagKey] = []) throws -> Measure<Int64> {
        let measure = Measure<Int64>("call.\(name)")
        try register(View("call.\(name)", of: measure, by: keys + extra, as: .sum))
        return measure
    }

    private func sum(_ name: String, _ tags: Tags) -> Int64? {
        Stats.default.readings()["call.\(name)", tags]?.integer
    }

    @Test("small strings are laid out as they are read")
    func smallStrings() {
        _ = keys
        #expect(SmallString.isKnown)
    }

    @Test("values of any length, in any order of keys", arguments: Array(0...18) + [24, 25, 40, 1_000])
    func lengths(length: Int) throws {
        let measure = try measure("length.\(length)")
        let (a, b) = (String(repeating: "a", count: length), String(repeating: "é", count: length / 2))
        let tags = Tags([keys[0]: a, keys[1]: b])
        measure.record(1, (keys[0], a), (keys[1], b))
        measure.record(2, (keys[1], b), (keys[0], a))
        measure.record(4, tags)
        measure.record(8, [keys[0]: a, keys[1]: b])
        // A short value that is not in the string's own words.
        var large = a
        large.reserveCapacity(64)
        measure.record(16, (keys[0], large), (keys[1], b))
        measure.record(32, (keys[0], String(("x" + a + "x").dropFirst().dropLast())), (keys[1], b))
        #expect(sum("length.\(length)", tags) == 63)
        let readings = Stats.default.readings()
        #expect(readings.liveCount("call.length.\(length)") == 1)
    }

    @Test("values that differ in one byte are different series, wherever it is")
    func oneByte() throws {
        let measure = try measure("byte")
        let values = (0..<24).map { place in
            String((0..<24).map { $0 == place ? "b" : "a" as Character })
        }
        for (number, value) in values.enumerated() { measure.record(Int64(number + 1), (keys[0], value)) }
        for (number, value) in values.enumerated() {
            #expect(sum("byte", Tags([keys[0]: value])) == Int64(number + 1))
        }
    }

    @Test("of a key that is given twice the last value counts, and keys that cannot be used are left out")
    func settled() throws {
        let measure = try measure("settled")
        let tags = Tags([keys[0]: "new", keys[1]: "1"])
        measure.record(1, (keys[0], "old"), (keys[1], "1"), (keys[0], "new"))
        measure.record(2, (keys[0], "a value that is longer than its words"), (keys[0], "new"), (keys[1], "1"))
        measure.record(4, ("", "left out"), (keys[1], "1"), (keys[0], "new"))
        #expect(sum("settled", tags) == 7)
    }

    @Test("keys past the sixty-third, which share a bit, are told apart")
    func manyKeys() throws {
        let many = (0..<80).map { TagKey("call.many.\($0)") }
        let measure = try measure("many", by: Array(many[70..<74]))
        let tags = Tags([many[71]: "1", many[72]: "2"])
        measure.record(1, (many[71], "1"), (many[72], "2"))
        measure.record(2, (many[72], "2"), (many[79], "not kept"), (many[71], "1"))
        measure.record(4, tags)
        measure.record(8, (many[72], "1"), (many[71], "2"))
        #expect(sum("many", tags) == 7)
        #expect(sum("many", Tags([many[71]: "2", many[72]: "1"])) == 8)
    }

    @Test("a series that was forgotten is not recorded into by a shortcut")
    func forgotten() throws {
        let measure = try measure("forgotten")
        let tags = Tags([keys[0]: "x"])
        for _ in 0..<3 { measure.record(1, tags) }
        #expect(forget(tags, of: "call.forgotten") == 1)
        #expect(sum("forgotten", tags) == nil)
        measure.record(5, tags)
        measure.record(5, (keys[0], "x"))
        #expect(sum("forgotten", tags) == 10)
    }

    @Test("a measure that gets a second view records into both, and into one again")
    func secondView() throws {
        let measure = try measure("second")
        let tags = Tags([keys[0]: "x"])
        measure.record(1, tags)
        try register(View("call.second.count", of: measure, by: [keys[0]], as: .count))
        measure.record(1, tags)
        measure.record(1, (keys[0], "x"))
        #expect(Stats.default.readings()["call.second.count", tags]?.integer == 2)
        try unregister("call.second.count")
        measure.record(1, tags)
        #expect(sum("second", tags) == 4)
        try unregister("call.second")
        measure.record(1, tags)
        #expect(sum("second", tags) == nil)
    }

    @Test("what is negative is rejected, and what is no number")
    func rejected() throws {
        let measure = Measure<Double>("call.rejected")
        try register(View("call.rejected", of: measure, by: [keys[0]], as: .sum))
        let tags = Tags([keys[0]: "x"])
        for value in [1, -0.0, 0.5, -1, .nan, .infinity, -.infinity] {
            measure.record(value, tags)
            measure.record(value, (keys[0], "x"))
        }
        #expect(Stats.default.readings()["call.rejected", tags]?.double == 3)
    }
}
