import Testing
import WeirTestSupport

@testable import WeirRecording

/// Values of tags that are too long. The limit is the process's, so that it is put back behind each test.
@Suite("Limit of a tag's value", .timeLimit(.minutes(1)), .serialized)
struct TagLimitTests {
    private static let key: TagKey = "limit.key"
    private let measure = Measure<Int64>("limit.measure")

    /// A measure with one view, of the process's own instance: tags at the call are recorded nowhere else.
    private func registered(_ name: String) throws -> Measure<Int64> {
        let measure = Measure<Int64>(name)
        try register(View(name, of: measure, by: [Self.key], as: .sum))
        return measure
    }

    private func tags(_ value: String) -> Tags { Tags([(Self.key, value)]) }

    private func withLimit(_ bytes: Int, _ body: () throws -> Void) rethrows {
        let before = TagLimit.bytes
        TagLimit.bytes = bytes
        defer { TagLimit.bytes = before }
        try body()
    }

    @Test("a value of the limit is whole, and one of a byte more is cut and ends in …")
    func boundary() {
        let whole = String(repeating: "a", count: 1_024)
        #expect(tags(whole)[Self.key] == whole)
        #expect(tags(whole + "a")[Self.key] == String(repeating: "a", count: 1_021) + "…")
    }

    @Test("a value is cut at a character's boundary, and never past the limit", arguments: 64...70)
    func characters(limit: Int) {
        withLimit(limit) {
            for letter in ["a", "é", "€", "🜁"] {
                let value = String(repeating: letter, count: 100)
                guard value.utf8.count > limit else { continue }
                guard let cut = tags(value)[Self.key] else { return #expect(Bool(false), "no tag") }
                #expect(cut.utf8.count <= limit && cut.utf8.count > limit - letter.utf8.count)
                #expect(cut.hasSuffix("…") && cut.dropLast().allSatisfy { String($0) == letter })
            }
        }
    }

    @Test("however a long value is given, its series is one", arguments: [64, 1_024])
    func ways(limit: Int) throws {
        try withLimit(limit) {
            let name = "limit.ways.\(limit)"
            let measure = try registered(name)
            let value = String(repeating: "x", count: 5_000)
            measure.record(1, (Self.key, value))
            measure.record(2, [Self.key: value + "another end"])
            measure.record(4, tags(value))
            measure.record(8, Tags().merging(tags(value)))
            withTags(tags(value)) { measure.record(16) }
            measure.bound(to: tags(value)).record(32)
            // What was told before and comes back, as from another process.
            let told = try #require(tags(value)[Self.key])
            measure.record(64, (Self.key, told))
            measure.record(128, tags(told))
            let readings = Stats.default.readings()
            #expect(readings.liveCount(name) == 1)
            #expect(readings[name, tags(value)]?.integer == 255)
            #expect(told.utf8.count == limit)
        }
    }

    @Test("a constant that is too long is cut as any other value")
    func constants() throws {
        let measure = try registered("limit.constant")
        withLimit(64) {
            measure.record(1, [Self.key: "0123456789012345678901234567890123456789012345678901234567890123456789"])
            let cut = "0123456789012345678901234567890123456789012345678901234567890…"
            #expect(Stats.default.readings()["limit.constant", tags(cut)]?.integer == 1)
        }
    }

    @Test("a value that ends in … is the series of one that was cut to it", arguments: [true, false])
    func ellipsis(isCutFirst: Bool) throws {
        let name = "limit.ellipsis.\(isCutFirst)"
        let measure = try registered(name)
        withLimit(64) {
            let values = [String(repeating: "y", count: 61) + "…", String(repeating: "y", count: 80)]
            for value in isCutFirst ? values.reversed() : values { measure.record(1, (Self.key, value)) }
            let readings = Stats.default.readings()
            #expect(readings.liveCount(name) == 1)
            #expect(readings[name, tags(values[0])]?.integer == 2)
            // Without the mark it is another one.
            measure.record(1, (Self.key, String(values[0].dropLast())))
            #expect(Stats.default.readings().liveCount(name) == 2)
        }
    }

    @Test("short values that end in … stay what they are", arguments: [1, 2, 12, 13, 14, 15, 16, 17, 20, 57, 61])
    func shortEllipsis(length: Int) throws {
        let name = "limit.short.\(length)"
        let measure = try registered(name)
        let value = String(repeating: "z", count: length) + "…"
        measure.record(1, (Self.key, value))
        measure.record(1, tags(value))
        #expect(tags(value)[Self.key] == value)
        let readings = Stats.default.readings()
        #expect(readings[name, tags(value)]?.integer == 2 && readings.liveCount(name) == 1)
    }

    @Test("a value that was cut is counted each time it is given, and no other is")
    func counted() throws {
        let measure = try registered("limit.counted")
        let before = TagLimit.cutCount
        let long = tags(String(repeating: "a", count: 1_025))
        #expect(TagLimit.cutCount == before + 1)
        measure.record(1, long)
        measure.record(1, (Self.key, String(repeating: "a", count: 1_024)))
        measure.record(1, (Self.key, String(repeating: "a", count: 30) + "…"))
        #expect(TagLimit.cutCount == before + 1)
        measure.record(1, (Self.key, String(repeating: "a", count: 2_000)))
        #expect(TagLimit.cutCount == before + 2)
    }

    @Test("rules set the limit, and rules that say nothing of it put it back where they set it")
    func rules() throws {
        let (stats, other) = (try Stats.small(), try Stats.small())
        try stats.apply(ViewRules(tagValueBytes: 100))
        #expect(TagLimit.bytes == 100)
        // Who never said anything of it changes nothing.
        try other.apply(ViewRules(seriesLimit: 10))
        #expect(TagLimit.bytes == 100)
        #expect(tags(String(repeating: "a", count: 101))[Self.key]?.utf8.count == 100)
        for (wanted, used) in [(1, 64), (Int.max, 1 << 20)] {
            try stats.apply(ViewRules(tagValueBytes: wanted))
            #expect(TagLimit.bytes == used)
        }
        try stats.apply(ViewRules())
        #expect(TagLimit.bytes == 1_024)
    }

    @Test("tags with a value of a hundred million bytes take no such memory")
    func memory() {
        let long = tags(String(repeating: "a", count: 100_000_000))
        #expect(long[Self.key]?.utf8.count == 1_024)
        #expect(long.merging(long)[Self.key] == long[Self.key])
    }

    @Test("a view's description and unit have a limit")
    func texts() throws {
        let stats = try Stats.small()
        let long = String(repeating: "d", count: 65_537)
        #expect(throws: StatsError.self) {
            try stats.register(View("described", of: measure, as: .sum, description: long))
        }
        let unit = Measure<Int64>("limit.unit", unit: MeasureUnit(long))
        #expect(throws: StatsError.self) { try stats.register(View("unit", of: unit, as: .sum)) }
        #expect(throws: StatsError.self) { try stats.apply(ViewRules([ViewRule("*", description: long)])) }
    }
}
