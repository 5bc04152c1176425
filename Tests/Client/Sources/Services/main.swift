import CoreMetrics
import Logging
import ServiceLifecycle
import Weir
import WeirMetrics
import WeirServiceLifecycle

/// An application whose libraries record through swift-metrics, and whose services end together.
struct Requests: Service {
    func run() async throws {
        for status in ["200", "200", "404"] {
            CoreMetrics.Counter(label: "http.server.requests", dimensions: [("status", status)]).increment()
            CoreMetrics.Timer(label: "http.server.duration", preferredDisplayUnit: .milliseconds)
                .recordMilliseconds(12)
        }
        try await gracefulShutdown()
        CoreMetrics.Gauge(label: "http.server.connections").record(0)
    }
}

MetricsSystem.bootstrap(metricsFactory(descriptions: ["http.server.requests": "Requests that were answered"]))
let exporting = try startExporting(to: .stdout())
let group = ServiceGroup(
    services: [ExportService(exporting, deadline: .seconds(5)), Requests()], logger: Logger(label: "client"))
async let ended: Void = group.run()
await group.triggerGracefulShutdown()
try await ended
