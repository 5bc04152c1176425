import Testing

@testable import WeirRecording

@Suite("Tags that follow the task")
struct AmbientTagsTests {
    private let tenant: TagKey = "ambient.tenant"
    private let zone: TagKey = "ambient.zone"
    private let route: TagKey = "ambient.route"
    private let measure = Measure<Int64>("ambient.count")
    private let stats: Stats

    init() throws {
        stats = try .small()
        try stats.register(
            View("kept", of: measure, by: [route, tenant], as: .sum),
            View("dropped", of: measure, by: [route], as: .sum))
    }

    private func tags(_ elements: [TagKey: String]) -> Tags { Tags(elements.map { ($0.key, $0.value) }) }

    @Test("they are added where a view keeps their key, and nowhere else")
    func added() throws {
        let users = tags([route: "/users"])
        measure.record(1, users, in: stats)
        withTags([tenant: "acme", zone: "eu"]) { measure.record(10, users, in: stats) }
        let readings = stats.collection()
        #expect(readings["kept", users]?.integer == 1)
        #expect(readings["kept", tags([route: "/users", tenant: "acme"])]?.integer == 10)
        #expect(readings["dropped", users]?.integer == 11)
        #expect(readings.liveCount("kept") == 2)
    }

    @Test("those of the call win, then those of the inner scope; leaving a scope ends its tags")
    func precedence() {
        withTags([tenant: "outer"]) {
            withTags([tenant: "inner"]) {
                measure.record(1, in: stats)
                measure.record(2, tags([tenant: "call"]), in: stats)
            }
            measure.record(4, in: stats)
        }
        measure.record(8, in: stats)
        let readings = stats.collection()
        #expect(readings["kept", tags([tenant: "inner"])]?.integer == 1)
        #expect(readings["kept", tags([tenant: "call"])]?.integer == 2)
        #expect(readings["kept", tags([tenant: "outer"])]?.integer == 4)
        #expect(readings["kept"]?.integer == 8)
    }

    @Test("children of the task have them, and errors pass through")
    func children() async {
        struct Stop: Error {}
        await withTags([tenant: "parent"]) {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { measure.record(1, in: stats) } }
            }
        }
        #expect(throws: Stop.self) { try withTags([tenant: "failing"]) { throw Stop() } }
        let readings = stats.collection()
        #expect(readings["kept", tags([tenant: "parent"])]?.integer == 8)
    }

    @Test("a bound recorder has the tags that it was bound with, and no others")
    func bound() {
        let recorder = measure.bound(to: tags([route: "/bound"]), in: stats)
        withTags([tenant: "acme"]) { recorder.record(1) }
        let readings = stats.collection()
        #expect(readings["kept", tags([route: "/bound"])]?.integer == 1)
        #expect(readings.liveCount("kept") == 1)
    }
}
