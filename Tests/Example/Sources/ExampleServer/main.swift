import Hummingbird
import Metrics
import PrometheusSink
import Weir
import WeirMetrics
import WeirServiceLifecycle

// A server whose requests Prometheus scrapes.
//
//     ExampleServer [PORT [PROMETHEUS-PORT]]
let ports = CommandLine.arguments.dropFirst().compactMap { Int($0) }

// 1. Everything that swift-metrics is told is recorded by Weir.
MetricsSystem.bootstrap(metricsFactory())
// 2. Prometheus scrapes it here.
let exporting = try startExporting(
    to: Sink(
        PrometheusSink.plugin, name: "prometheus",
        settings: ["listen": "127.0.0.1:\(ports.dropFirst().first ?? 9464)"]))

let router = Router()
router.add(middleware: MetricsMiddleware())
router.get("/users/{id}") { _, context in "user \(try context.parameters.require("id"))\n" }
router.get("/teapot") { _, _ -> String in throw HTTPError(.init(code: 418)) }
router.post("/orders") { request, _ in
    var bytes = 0
    for try await chunk in request.body { bytes += chunk.readableBytes }
    return "\(bytes)\n"
}

var application = Application(
    router: router, configuration: .init(address: .hostname("127.0.0.1", port: ports.first ?? 8080)))
// 3. When the server ends, what it recorded is delivered.
application.addServices(ExportService(exporting))
try await application.runService()
