import InMemoryTracing
import Synchronization
import Tracing

/// A tracer that keeps its spans in memory and tells other services of them as W3C Trace Context says.
struct W3CTracer: Tracer {
    let spans = InMemoryTracer(idGenerator: .hexadecimal, recordInjections: false, recordExtractions: false)
    /// What comes behind the identifiers.
    var flags = "01"

    func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> InMemorySpan {
        spans.startSpan(
            operationName, context: context(), ofKind: kind, at: instant(), function: function, file: fileID, line: line
        )
    }

    func forceFlush() {}

    func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let span = context.inMemorySpanContext else { return }
        // As some write it: names of headers are the same in capitals.
        injector.inject("00-\(span.traceID)-\(span.spanID)-\(flags)", forKey: "Traceparent", into: &carrier)
    }

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard let parts = extractor.extract(key: "Traceparent", from: carrier)?.split(separator: "-"), parts.count == 4
        else { return }
        context.inMemorySpanContext = InMemorySpanContext(
            traceID: String(parts[1]), spanID: String(parts[2]), parentSpanID: nil)
    }
}

extension InMemoryTracer.IDGenerator {
    /// From 1, in as many digits as W3C Trace Context wants.
    static var hexadecimal: Self {
        let (traces, spans) = (Count(), Count())
        return Self(nextTraceID: { traces.next(digits: 32) }, nextSpanID: { spans.next(digits: 16) })
    }
}

private final class Count: Sendable {
    private let last = Atomic<Int>(0)

    func next(digits: Int) -> String {
        let number = String(last.add(1, ordering: .relaxed).newValue, radix: 16)
        return String(repeating: "0", count: digits - number.count) + number
    }
}
