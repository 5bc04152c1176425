import InMemoryTracing
import Testing
import Tracing
import WeirRecording
import WeirTracing

@Suite("Tags of a service context")
struct ServiceContextTagsTests {
    private static let tenant: TagKey = "tracing.tenant"
    private static let route: TagKey = "tracing.route"
    private static let measure = Measure<Int64>("tracing.measure")
    private let stats: Stats

    init() throws {
        stats = try Self.stats()
    }

    private static func stats() throws -> Stats {
        let stats = try Stats(cellsPerCore: 4_096)
        try stats.register(
            View("both", of: measure, by: [tenant, route], as: .sum),
            View("route", of: measure, by: [route], as: .sum))
        return stats
    }

    private static func context(_ tags: TagLiteral) -> ServiceContext { ServiceContext.topLevel.tagged(tags) }

    /// Records in this test's instance: views that keep the tenant and the route, and the route alone.
    private func record(_ value: Int64, _ tags: Tags = Tags()) { Self.measure.record(value, tags, in: stats) }

    @Test("they are set, added to, and gone when there are none")
    func values() {
        let (tenant, route) = (Self.tenant, Self.route)
        var context = ServiceContext.topLevel
        #expect(context.tags == Tags())
        context.tags = Tags([tenant: "acme"])
        context = context.tagged([route: "/"]).tagged(Tags([tenant: "zeus"]))
        #expect(context.tags == Tags([tenant: "zeus", route: "/"]))
        context.tags = Tags()
        #expect(context.isEmpty)
        #expect(ServiceContext.topLevel.tags.count == 0)
    }

    @Test("views that keep a key of the context have it, and others do not")
    func kept() {
        ServiceContext.withValue(Self.context([Self.tenant: "acme"])) { record(1, Tags([Self.route: "/"])) }
        record(2, Tags([Self.route: "/"]))
        #expect(stats.rows() == ["both -,/: 2", "both acme,/: 1", "route /: 3"])
    }

    @Test("what is set last wins, by withTags and by contexts alike, and tags of a measurement over both")
    func order() {
        let (tenant, route) = (Self.tenant, Self.route)
        withTags([tenant: "outer", route: "/outer"]) {
            let context = (ServiceContext.current ?? .topLevel).tagged([tenant: "context"])
            ServiceContext.withValue(context) {
                record(1)
                record(2, Tags([tenant: "call"]))
                withTags([tenant: "inner"]) {
                    record(4)
                    record(8, Tags([route: "/call"]))
                    #expect(ServiceContext.current?.tags == Tags([tenant: "inner", route: "/outer"]))
                }
                record(16)
            }
            record(32)
        }
        record(64)
        #expect(
            stats.rows() == [
                "both -,-: 64", "both call,/outer: 2", "both context,/outer: 17", "both inner,/call: 8",
                "both inner,/outer: 4", "both outer,/outer: 32", "route -: 64", "route /call: 8", "route /outer: 55",
            ])
    }

    @Test("a context that takes the place of another takes its tags with it")
    func replaced() {
        withTags([Self.tenant: "acme"]) {
            ServiceContext.withValue(.topLevel) { record(1) }
            ServiceContext.withValue(nil) { record(2) }
            ServiceContext.withValue(Self.context([Self.route: "/"])) { record(4) }
            record(8)
        }
        #expect(stats.rows() == ["both -,-: 3", "both -,/: 4", "both acme,-: 8", "route -: 11", "route /: 4"])
    }

    @Test("children of a task have them, and detached ones what their context has")
    func children() async {
        await ServiceContext.withValue(Self.context([Self.tenant: "acme"])) {
            await withTags([Self.route: "/"]) {
                async let child: Void = record(1)
                await child
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<10 { group.addTask { record(1) } }
                }
                await Task { record(1) }.value
                await Task.detached { record(100) }.value
                let context = ServiceContext.current
                await Task.detached { ServiceContext.withValue(context) { record(1_000) } }.value
            }
        }
        #expect(stats.rows() == ["both -,-: 100", "both acme,/: 1012", "route -: 100", "route /: 1012"])
    }

    @Test("they stay beside the spans of a tracer, whose contexts have them")
    func spans() async {
        let tracer = InMemoryTracer()
        await withTracer(tracer) {
            await withTags([Self.tenant: "acme"]) {
                await withSpan("outer") { span in
                    #expect(span.context.tags == Tags([Self.tenant: "acme"]))
                    withTags([Self.route: "/"]) { withSpan("inner") { _ in record(1) } }
                    await Task.yield()
                    record(2)
                }
            }
            withSpan("alone", context: Self.context([Self.tenant: "zeus"])) { _ in record(4) }
        }
        #expect(stats.rows().filter { $0.hasPrefix("both") } == ["both acme,-: 2", "both acme,/: 1", "both zeus,-: 4"])
        #expect(tracer.finishedSpans.map(\.operationName) == ["inner", "outer", "alone"])
        #expect(tracer.finishedSpans.map(\.context.tags.count) == [2, 1, 1])
    }

    @Test("an operation on an actor stays on it, and what it throws comes through")
    func isolation() async throws {
        struct Failure: Error, Equatable { var number: Int }
        actor Counter {
            var count = 0
            func run(_ record: @Sendable () -> Void) async throws {
                try await withTags([ServiceContextTagsTests.tenant: "acme"]) {
                    count += 1
                    await Task.yield()
                    record()
                    count += 1
                    if count == 4 { throw Failure(number: count) }
                }
            }
        }
        ServiceContext.withValue(Self.context([Self.route: "/"])) {}
        let counter = Counter()
        try await counter.run { record(1) }
        await #expect(throws: Failure(number: 4)) { try await counter.run { record(1) } }
        do throws(Failure) {
            try withTags([Self.tenant: "acme"]) { () throws(Failure) in throw Failure(number: 3) }
            Issue.record("nothing was thrown")
        } catch {
            #expect(error.number == 3)
        }
        record(4)
        #expect(stats.rows() == ["both -,-: 4", "both acme,-: 2", "route -: 6"])
    }

    @Test("keys past the sixty-third follow the context too")
    func manyKeys() throws {
        let keys = (0..<80).map { TagKey("tracing.many.\($0)") }
        let stats = try Stats(cellsPerCore: 4_096)
        try stats.register(View("v", of: Self.measure, by: [keys[1], keys[78], keys[79]], as: .sum))
        ServiceContext.withValue(ServiceContext.topLevel.tagged(Tags(keys.map { ($0, $0.name) }))) {
            Self.measure.record(1, Tags([(keys[78], "call")]), in: stats)
            Self.measure.record(1, Tags([(keys[3], "dropped")]), in: stats)
        }
        let (first, last) = (keys[1].name, keys[79].name)
        #expect(stats.rows() == ["v \(first),call,\(last): 1", "v \(first),\(keys[78].name),\(last): 1"])
    }

    @Test("tags that followed the task before there was a context are below its own, and above nothing")
    func before() async {
        await #expect(processExitsWith: .success) {
            let stats = try Self.stats()
            let (tenant, route, measure) = (Self.tenant, Self.route, Self.measure)
            withTags([tenant: "task", route: "/task"]) {
                #expect((ServiceContext.current == nil) == true)
                // The first tags of a context: from here on withTags sets its own there, too.
                ServiceContext.withValue(Self.context([tenant: "context"])) {
                    measure.record(1, in: stats)
                    withTags([route: "/inner"]) { measure.record(2, in: stats) }
                }
                ServiceContext.withValue(.topLevel) { measure.record(4, in: stats) }
                withTags([route: "/inner"]) {
                    measure.record(8, in: stats)
                    let found = ServiceContext.current?.tags ?? Tags()
                    #expect(found == Tags([tenant: "task", route: "/inner"]))
                }
                measure.record(16, Tags([tenant: "call"]), in: stats)
            }
            measure.record(32, in: stats)
            let found = stats.rows().filter { $0.hasPrefix("both") }
            #expect(
                found == [
                    "both -,-: 32", "both call,/task: 16", "both context,/inner: 2", "both context,/task: 1",
                    "both task,/inner: 8", "both task,/task: 4",
                ])
        }
    }

    @Test("threads that set the first tags at once lose nothing")
    func firstOnes() async {
        await #expect(processExitsWith: .success) {
            let stats = try Self.stats()
            let (tenant, measure) = (Self.tenant, Self.measure)
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        for _ in 0..<1_000 {
                            ServiceContext.withValue(Self.context([tenant: "\(number)"])) {
                                measure.record(1, in: stats)
                            }
                            withTags([tenant: "\(number)"]) { measure.record(1, in: stats) }
                        }
                    }
                }
            }
            let found = stats.rows().filter { $0.hasPrefix("both") }
            #expect(found == (0..<8).map { "both \($0),-: 2000" })
        }
    }
}
