public import Instrumentation
public import WeirRecording

/// From now on, what is recorded follows `ServiceContext`: tags ride on it, and exemplars name the span that it is in.
///
/// To be called once, early. Of several calls the last one says how spans are found.
///
/// ```swift
/// InstrumentationSystem.bootstrap(MultiplexInstrument([tracer, TagPropagator(tenant)]))
/// followServiceContext()
/// ```
///
/// A span is found as a service that is called would find it: the instrument in force injects the context, and what it
/// sets as `traceparent` (W3C Trace Context) is read. A tracer that speaks something else is asked by
/// ``followServiceContext(span:)``. Only a measurement that may become an exemplar asks, on the thread that records: one of a
/// view with exemplars, whose bucket has none yet in this interval.
public func followServiceContext() {
    followServiceContext { TraceparentInjector.span(of: $0) }
}

/// From now on, what is recorded follows `ServiceContext`, and a function says which span it is in.
///
/// ```swift
/// followServiceContext { context in
///     SpanReference(traceparent: context.myTracer.traceparent)
/// }
/// ```
///
/// - Parameter span: The span of a context, `nil` where it is in none. Called on the thread that records, within a
///   measurement that may become an exemplar: it must not block. What it records itself has no span.
public func followServiceContext(span: @escaping @Sendable (ServiceContext) -> SpanReference?) {
    AmbientTags.ride(on: ContextTags.self)
    CurrentSpan.install { ServiceContext.current.flatMap(span) }
}

/// Keeps the one header that says which span a context is in.
struct TraceparentInjector: Injector {
    /// The span that services called in this context would be told.
    static func span(of context: ServiceContext) -> SpanReference? {
        var header: String?
        InstrumentationSystem.instrument.inject(context, into: &header, using: TraceparentInjector())
        return header.flatMap { SpanReference(traceparent: $0) }
    }

    func inject(_ value: String, forKey key: String, into header: inout String?) {
        if key.lowercased() == "traceparent" { header = value }
    }
}
