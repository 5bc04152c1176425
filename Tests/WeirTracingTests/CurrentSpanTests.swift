import InMemoryTracing
import Synchronization
import Testing
import Tracing

@testable import WeirRecording
@testable import WeirTracing

@Suite("The span of a service context")
struct CurrentSpanTests {
    @Test("it is the one that a service which is called would be told, whatever the tracer is")
    func injected() throws {
        let tracer = W3CTracer()
        let (outer, inner) = withTracer(tracer) {
            withSpan("outer") { span in
                (
                    TraceparentInjector.span(of: span.context),
                    withSpan("inner") { TraceparentInjector.span(of: $0.context) }
                )
            }
        }
        let (first, second) = (try #require(outer), try #require(inner))
        #expect(first.description == "00-00000000000000000000000000000001-0000000000000001-01")
        #expect(second.description == "00-00000000000000000000000000000001-0000000000000002-01")
    }

    @Test("there is none without a tracer, outside of spans, and of a tracer that says something else")
    func none() {
        #expect((TraceparentInjector.span(of: .topLevel) == nil) == true)
        withTracer(W3CTracer()) {
            #expect((TraceparentInjector.span(of: .topLevel) == nil) == true)
        }
        let other = InMemoryTracer()
        withTracer(other) {
            withSpan("span") { span in #expect((TraceparentInjector.span(of: span.context) == nil) == true) }
        }
        withTracer(W3CTracer(flags: "01; path=/")) {
            withSpan("span") { span in #expect((TraceparentInjector.span(of: span.context) == nil) == true) }
        }
    }

    @Test("measurements belong to the span of their task, and to none outside of one")
    func followed() async {
        await #expect(processExitsWith: .success) {
            let tracer = W3CTracer()
            InstrumentationSystem.bootstrap(MultiplexInstrument([TagPropagator("tenant"), tracer]))
            #expect(found() == "none")
            ServiceContext.withValue(.topLevel) { #expect(found() == "none") }
            followServiceContext()
            #expect(found() == "none")
            await withSpan("outer") { span in
                #expect(found() == "1/1")
                withSpan("inner") { _ in #expect(found() == "1/2") }
                await Task { #expect(found() == "1/1") }.value
                await Task.detached { #expect(found() == "none") }.value
                // As a library does that calls back on a thread of its own.
                let context = span.context
                await Task.detached { ServiceContext.withValue(context) { #expect(found() == "1/1") } }.value
                ServiceContext.withValue(.topLevel) { #expect(found() == "none") }
            }
            let unsampled = W3CTracer(flags: "00")
            withTracer(unsampled) {
                withSpan("other") { _ in #expect((CurrentSpan.reference?.isSampled == false) == true) }
            }
        }
    }

    @Test("a function may say which span it is, and what it records itself has none")
    func told() async {
        await #expect(processExitsWith: .success) {
            let inside = Mutex<[String]>([])
            followServiceContext { context in
                inside.withLock { $0.append("asked") }
                let own = found()
                inside.withLock { $0.append(own) }
                guard let span = context.inMemorySpanContext, let number = UInt64(span.spanID.dropFirst(5)) else {
                    return nil
                }
                return SpanReference(traceHigh: 0, low: 1, spanID: number, isSampled: true)
            }
            withTracer(InMemoryTracer()) {
                #expect(found() == "none")
                #expect(inside.withLock { $0.isEmpty })
                withSpan("first") { _ in
                    #expect(found() == "1/1")
                    withSpan("second") { _ in #expect(found() == "1/2") }
                    #expect(found() == "1/1")
                }
            }
            #expect(inside.withLock { $0 } == ["asked", "none", "asked", "none", "asked", "none"])
        }
    }
}

/// The trace and the span that a measurement which is recorded here belongs to.
private func found() -> String {
    CurrentSpan.reference.map { "\($0.traceID.low)/\($0.spanID)" } ?? "none"
}
