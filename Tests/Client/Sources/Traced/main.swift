import InMemoryTracing
import Tracing
import Weir
import WeirTracing

let latency = Measure<Double>("http.server.duration", unit: .seconds)
let tenant: TagKey = "tenant"
try register(View("http/latency", of: latency, by: [tenant], as: .distribution()))
let exporting = try startExporting(every: .seconds(10), to: .stdout())

// Once, early: whatever tracer the program has, tags beside it, and Weir follows both.
let tracer = InMemoryTracer()
InstrumentationSystem.bootstrap(MultiplexInstrument([tracer, TagPropagator(tenant)]))
followServiceContext()

/// The headers of a request, as an HTTP library has them.
struct Headers: Injector, Extractor {
    func inject(_ value: String, forKey key: String, into headers: inout [String: String]) { headers[key] = value }
    func extract(key: String, from headers: [String: String]) -> String? { headers[key] }
}

// What an instrumented server does with a request.
var context = ServiceContext.topLevel
InstrumentationSystem.instrument.extract(["baggage": "tenant=acme"], into: &context, using: Headers())
try await withSpan("GET /users", context: context) { span in
    latency.record(0.012)  // tenant="acme": the caller said so
    try await withTags([tenant: "zeus"]) {
        try await Task.sleep(for: .milliseconds(1))
        latency.record(0.012)  // tenant="zeus", and so it goes to the services that are called here
        var headers: [String: String] = [:]
        InstrumentationSystem.instrument.inject(ServiceContext.current ?? context, into: &headers, using: Headers())
        print(headers["baggage"] ?? "no baggage")
    }
    ServiceContext.withValue(span.context.tagged([tenant: "hera"])) {
        latency.record(0.012)  // tenant="hera"
    }
}
await exporting.shutdown(deadline: .seconds(5))
