import Testing

@testable import WeirRecording

@Suite("Tags of the task")
struct AmbientTagsTests {
    private static let tenant: TagKey = "ambient.tenant"
    private static let route: TagKey = "ambient.route"
    private let measure = Measure<Int64>("ambient.measure")

    private func stats() throws -> Stats {
        let stats = try Stats.small()
        try stats.register(
            View("both", of: measure, by: [Self.tenant, Self.route], as: .sum),
            View("route", of: measure, by: [Self.route], as: .sum))
        return stats
    }

    private func both(_ tenant: String, _ route: String) -> Tags { Tags([(Self.tenant, tenant), (Self.route, route)]) }
    private func tenant(_ value: String) -> Tags { Tags([(Self.tenant, value)]) }
    private func route(_ value: String) -> Tags { Tags([(Self.route, value)]) }

    @Test("views that keep a key of the task have it, and others do not")
    func kept() throws {
        let stats = try stats()
        withTags(tenant("acme")) { measure.record(1, route("/"), in: stats) }
        measure.record(2, route("/"), in: stats)
        let readings = stats.readings()
        #expect(readings["both", both("acme", "/")]?.integer == 1)
        #expect(readings["both", route("/")]?.integer == 2)
        #expect(readings["route", route("/")]?.integer == 3)
        #expect(readings.live.count == 3)
    }

    @Test("inner tags win over outer ones, those of the call over both, and the outer ones come back")
    func nesting() throws {
        let stats = try stats()
        withTags(both("outer", "/outer")) {
            withTags(tenant("inner, of a name that is longer than sixteen bytes")) {
                measure.record(1, in: stats)
                measure.record(2, route("/call"), in: stats)
                measure.record(4, tenant("call"), in: stats)
            }
            measure.record(8, in: stats)
        }
        measure.record(16, in: stats)
        let readings = stats.readings()
        let inner = "inner, of a name that is longer than sixteen bytes"
        #expect(readings["both", both(inner, "/outer")]?.integer == 1)
        #expect(readings["both", both(inner, "/call")]?.integer == 2)
        #expect(readings["both", both("call", "/outer")]?.integer == 4)
        #expect(readings["both", both("outer", "/outer")]?.integer == 8)
        #expect(readings["both"]?.integer == 16)
        #expect(readings["route", route("/outer")]?.integer == 13)
        #expect(readings.live.count == 8)
    }

    @Test("children of a task have its tags, and detached ones do not")
    func children() async throws {
        let stats = try stats()
        await withTags(tenant("acme")) {
            async let child: Void = measure.record(1, in: stats)
            await child
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<10 { group.addTask { measure.record(1, in: stats) } }
            }
            await Task { measure.record(1, in: stats) }.value
            await Task.detached { measure.record(100, in: stats) }.value
        }
        let readings = stats.readings()
        #expect(readings["both", tenant("acme")]?.integer == 12)
        #expect(readings["both"]?.integer == 100)
    }

    @Test("what is thrown comes through, typed, and the tags end with it")
    func throwing() throws {
        struct Failure: Error, Equatable { var number: Int }
        let stats = try stats()
        do throws(Failure) {
            _ = try withTags(tenant("acme")) { () throws(Failure) -> Int in throw Failure(number: 3) }
            Issue.record("nothing was thrown")
        } catch {
            #expect(error.number == 3)
        }
        measure.record(1, in: stats)
        #expect(stats.readings()["both"]?.integer == 1)
    }

    @Test("a recorder does not look at the task")
    func recorder() throws {
        let stats = try stats()
        let recorder = measure.bound(to: route("/"), in: stats)
        withTags(tenant("acme")) { recorder.record(1) }
        #expect(stats.readings()["both", route("/")]?.integer == 1)
    }

    @Test("keys past the sixty-third follow the task too")
    func manyKeys() throws {
        let keys = (0..<80).map { TagKey("ambient.many.\($0)") }
        let stats = try Stats.small()
        try stats.register(View("v", of: measure, by: [keys[1], keys[78], keys[79]], as: .sum))
        withTags(Tags(keys.map { ($0, $0.name) })) {
            measure.record(1, Tags([(keys[78], "call")]), in: stats)
            measure.record(1, Tags([(keys[3], "dropped")]), in: stats)
        }
        let readings = stats.readings()
        let others = [(keys[1], keys[1].name), (keys[79], keys[79].name)]
        #expect(readings["v", Tags(others + [(keys[78], "call")])]?.integer == 1)
        #expect(readings["v", Tags(others + [(keys[78], keys[78].name)])]?.integer == 1)
    }
}
