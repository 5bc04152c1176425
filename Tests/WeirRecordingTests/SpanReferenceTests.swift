import Testing

@testable import WeirRecording

@Suite("References to spans")
struct SpanReferenceTests {
    private static let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test("a traceparent is read, and written as it was")
    func traceparent() throws {
        let span = try #require(SpanReference(traceparent: Self.good))
        #expect(span.traceID.high == 0x4bf9_2f35_77b3_4da6)
        #expect(span.traceID.low == 0xa3ce_929d_0e0e_4736)
        #expect(span.spanID == 0x00f0_67aa_0ba9_02b7)
        #expect(span.isSampled)
        #expect(span.description == Self.good)
        #expect(span.traceID.description == "4bf92f3577b34da6a3ce929d0e0e4736")
    }

    @Test("of the flags only the lowest bit counts")
    func flags() throws {
        func isSampled(_ flags: String) -> Bool? {
            SpanReference(traceparent: Self.good.dropLast(2) + flags)?.isSampled
        }
        #expect((isSampled("00"), isSampled("01"), isSampled("02"), isSampled("ff")) == (false, true, false, true))
    }

    @Test("later versions may have more behind the flags, this one may not")
    func versions() {
        #expect(SpanReference(traceparent: "cc" + Self.good.dropFirst(2)) != nil)
        #expect(SpanReference(traceparent: "cc" + Self.good.dropFirst(2) + "-what-comes") != nil)
        #expect(SpanReference(traceparent: "cc" + Self.good.dropFirst(2) + ".what-comes") == nil)
        #expect(SpanReference(traceparent: Self.good + "-what-comes") == nil)
        #expect(SpanReference(traceparent: Self.good + "-") == nil)
        #expect(SpanReference(traceparent: "ff" + Self.good.dropFirst(2)) == nil)
    }

    @Test(
        "anything else is no span",
        arguments: [
            "", "00", "-", String(repeating: "-", count: 55), String(repeating: "0", count: 100_000),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-011",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "+0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n",
            "00-４bf92f3577b34da6a3ce929d0e0e47-00f067aa0ba902b7-01",
        ])
    func refused(_ text: String) {
        #expect(SpanReference(traceparent: text) == nil)
    }

    @Test("no span is all zero")
    func zeros() {
        #expect(SpanReference(traceHigh: 0, low: 0, spanID: 1, isSampled: true) == nil)
        #expect(SpanReference(traceHigh: 1, low: 0, spanID: 0, isSampled: true) == nil)
        #expect(SpanReference(traceHigh: 0, low: 1, spanID: 1, isSampled: false) != nil)
    }

    @Test("a span follows the task, an inner one hides it, and none hides it too")
    func following() async throws {
        let outer = try #require(SpanReference(traceparent: Self.good))
        let inner = try #require(SpanReference(traceHigh: 1, low: 2, spanID: 3, isSampled: false))
        await withSpan(outer) {
            async let child = CurrentSpan.inTask
            let found = await child
            #expect(found == .some(outer))
            withSpan(inner) { #expect(CurrentSpan.inTask == .some(inner)) }
            withSpan(nil) { #expect(CurrentSpan.inTask == nil) }
            #expect(CurrentSpan.inTask == .some(outer))
        }
        #expect(CurrentSpan.inTask == nil)
    }
}
