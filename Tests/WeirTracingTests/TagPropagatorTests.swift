import InMemoryTracing
import Testing
import Tracing
import WeirTestSupport

@testable import WeirRecording
@testable import WeirTracing

@Suite("Tags between services")
struct TagPropagatorTests {
    private static let tenant: TagKey = "propagated.tenant"
    private static let tier: TagKey = "propagated.tier"
    private static let secret: TagKey = "propagated.secret"
    private let propagator = TagPropagator(tenant, tier)

    private func tags(_ header: String, by propagator: TagPropagator? = nil) -> Tags {
        (propagator ?? self.propagator).context(of: ["baggage": header]).tags
    }

    @Test(
        "a value comes in as it went out",
        arguments: [
            "acme", "", "two words", "1+1=2", "100%", "%41", "a,b;c=d", "\"quoted\\\"", "Amélie", "👩‍👩‍👧", " blanks ",
            String(repeating: "v", count: 255), String(repeating: "é", count: 127),
        ])
    func roundTrip(value: String) throws {
        let context = ServiceContext.topLevel.tagged([Self.tenant: value, Self.tier: "gold"])
        let headers = propagator.headers(of: context)
        #expect(headers.keys.elementsEqual(["baggage"]))
        #expect(propagator.context(of: headers).tags == context.tags)
    }

    @Test("only keys that are named go out, and none by default")
    func named() {
        let context = ServiceContext.topLevel.tagged([Self.secret: "s", Self.tenant: "acme"])
        #expect(propagator.headers(of: context) == ["baggage": "propagated.tenant=acme"])
        #expect(TagPropagator().headers(of: context).isEmpty)
        #expect(TagPropagator(injecting: [], extracting: [Self.secret]).headers(of: context).isEmpty)
        #expect(propagator.headers(of: .topLevel).isEmpty)
    }

    @Test("only keys that are named come in, over the context's own")
    func taken() {
        let header = "propagated.tenant=acme,propagated.secret=s,other=o"
        #expect(tags(header) == Tags([Self.tenant: "acme"]))
        #expect(tags(header, by: TagPropagator()) == Tags())
        let context = ServiceContext.topLevel.tagged([Self.tenant: "own", Self.secret: "own"])
        let found = propagator.context(of: ["baggage": header], in: context)
        #expect(found.tags == Tags([Self.tenant: "acme", Self.secret: "own"]))
        #expect(propagator.context(of: [:], in: context).tags == context.tags)
    }

    @Test("tags of withTags go out, as they ride on the context")
    func ambient() throws {
        try withTags([Self.tenant: "acme"]) {
            let context = try #require(ServiceContext.current)
            #expect(propagator.headers(of: context) == ["baggage": "propagated.tenant=acme"])
        }
    }

    @Test("members that are no tags are handed on as they came, properties and all, behind the tags")
    func others() {
        let context = propagator.context(of: ["baggage": "a=%41 ; p=1;q , propagated.tenant=acme;p,b = 2"])
        #expect(propagator.headers(of: context) == ["baggage": "propagated.tenant=acme,a=%41 ; p=1;q,b = 2"])
        let changed = propagator.headers(of: context.tagged([Self.tenant: "zeus"]))
        #expect(changed == ["baggage": "propagated.tenant=zeus,a=%41 ; p=1;q,b = 2"])
        var without = context
        without.tags = Tags()
        #expect(propagator.headers(of: without) == ["baggage": "a=%41 ; p=1;q,b = 2"])
        let edge = TagPropagator(injecting: [Self.tenant], extracting: [], forwardingOthers: false)
        #expect(edge.headers(of: edge.context(of: ["baggage": "a=1,propagated.tenant=acme"])).isEmpty)
    }

    @Test("a caller cannot send a tag through a service that does not take it")
    func spoofed() {
        let edge = TagPropagator(injecting: [Self.tenant], extracting: [Self.tier])
        let context = edge.context(of: ["baggage": "propagated.tenant=evil,propagated.tier=gold,a=1"])
        #expect(context.tags == Tags([Self.tier: "gold"]))
        #expect(edge.headers(of: context) == ["baggage": "a=1"])
        #expect(edge.headers(of: context.tagged([Self.tenant: "acme"])) == ["baggage": "propagated.tenant=acme,a=1"])
    }

    @Test(
        "a header is taken wholly or not at all",
        arguments: [
            "propagated.tenant=acme,propagated.tier=%4", "propagated.tenant=acme,other", "propagated.tenant=acme,a=\"",
            "propagated.tenant=acme,propagated.tier=%00", "propagated.tenant=acme,propagated.tier=%0D%0A",
            "propagated.tenant=acme,propagated.tier=%7f",
            "propagated.tenant=acme,propagated.tier=" + String(repeating: "v", count: 256),
            // As many bytes when they are decoded.
            "propagated.tenant=acme,propagated.tier=" + String(repeating: "%ff", count: 86),
            "propagated.tenant=acme,a=" + String(repeating: "v", count: 8_192),
            "propagated.tenant=acme" + String(repeating: ",a=1", count: 180),
        ])
    func whole(header: String) {
        let before = propagator.context(of: ["baggage": "propagated.tenant=before,o=1"])
        let after = propagator.context(of: ["baggage": header], in: before)
        #expect(after.tags == Tags([Self.tenant: "before"]))
        #expect(propagator.headers(of: after) == ["baggage": "propagated.tenant=before,o=1"])
    }

    @Test("of a key that comes twice the last value counts, and what is not UTF-8 is replaced")
    func twice() {
        #expect(tags("propagated.tenant=a,propagated.tenant=b;p") == Tags([Self.tenant: "b"]))
        #expect(tags("propagated.tenant=%ff%41") == Tags([Self.tenant: "\u{FFFD}A"]))
    }

    @Test("tags that no service would take are left out, and what does not fit")
    func leftOut() throws {
        let long = String(repeating: "v", count: 256)
        for value in [long, "line\nbreak", "\u{0}", "\u{7F}"] {
            let context = ServiceContext.topLevel.tagged([Self.tenant: value, Self.tier: "gold"])
            #expect(propagator.headers(of: context) == ["baggage": "propagated.tier=gold"])
        }
        let keys = (0..<200).map { TagKey("propagated.many.\($0)") }
        let every = TagPropagator(injecting: keys, extracting: keys)
        let many = every.headers(of: ServiceContext.topLevel.tagged(Tags(keys.map { ($0, "v") })))
        let members = try #require(Baggage(many["baggage"] ?? ""))
        #expect(members.members.count == 180)
        // 50 of 255 bytes are more than a header holds.
        let wide = every.headers(
            of: ServiceContext.topLevel.tagged(Tags(keys.prefix(50).map { ($0, long.dropLast() + "") })))
        let header = try #require(wide["baggage"])
        #expect(header.utf8.count <= 8_192)
        let found = every.context(of: wide).tags
        #expect(found.count == 29)
        #expect(found.elements.allSatisfy { $0.value.utf8.count == 255 })
    }

    @Test("keys whose names no header can have go out encoded, keys that cannot be used not at all")
    func oddKeys() {
        let odd: TagKey = "tenant name, é"
        let other = TagPropagator(odd, TagKey(""), TagKey("line\n"))
        let context = ServiceContext.topLevel.tagged([odd: "acme"])
        #expect(other.headers(of: context) == ["baggage": "tenant%20name%2C%20%C3%A9=acme"])
        #expect(other.context(of: other.headers(of: context)).tags == context.tags)
    }

    @Test("beside a tracer, each has its headers")
    func multiplexed() {
        let tracer = InMemoryTracer()
        let both = MultiplexInstrument([tracer, propagator])
        withTracer(tracer) {
            withSpan("call", context: ServiceContext.topLevel.tagged([Self.tenant: "acme"])) { span in
                let headers = both.headers(of: span.context)
                #expect(
                    headers == [
                        "in-memory-trace-id": "trace-1", "in-memory-span-id": "span-1",
                        "baggage": "propagated.tenant=acme",
                    ])
                let found = both.context(of: headers)
                #expect((found.inMemorySpanContext?.traceID == "trace-1") == true)
                #expect(found.tags == Tags([Self.tenant: "acme"]))
            }
        }
    }

    @Test("random headers trap nothing, and what came of one goes out and comes in as the same")
    func random() {
        var generator = SeededGenerator(seed: 20_26)
        var (taken, nothing) = (0, 0)
        for _ in 0..<(10_000 * testScale) {
            let header = randomHeader(
                names: ["propagated.tenant", "propagated.tier", "other"], using: &generator)
            let context = propagator.context(of: ["baggage": header])
            if context.tags.count > 0 { taken += 1 } else { nothing += 1 }
            let again = propagator.context(of: propagator.headers(of: context))
            #expect(again.tags == context.tags, "\(header)")
            #expect(propagator.headers(of: again) == propagator.headers(of: context), "\(header)")
        }
        #expect(taken > 1_000 * testScale, "\(taken) had tags")
        #expect(nothing > 1_000 * testScale, "\(nothing) had none")
    }

    @Test("names that callers send make no keys, of which a process has a bounded number")
    func noKeys() async {
        await #expect(processExitsWith: .success) {
            let propagator = TagPropagator(Self.tenant)
            let first = unsafe TagKey("first").info.pointee.number
            for number in 0..<1_000 { _ = propagator.context(of: ["baggage": "name\(number)=1,propagated.tenant=a"]) }
            let second = unsafe TagKey("second").info.pointee.number
            #expect(second == first + 1)
        }
    }
}
