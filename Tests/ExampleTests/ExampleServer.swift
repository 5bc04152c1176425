import Foundation
import WeirTestSupport

/// The server and the Prometheus that scrapes it.
struct ExampleServer {
    static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../.build-example/debug/ExampleServer").standardized.path
    static let isBuilt = PrometheusServer.isInstalled && Installed.file(file)

    let port: UInt16
    let process: ServerProcess
    let prometheus: PrometheusServer

    init() async throws {
        let scraped = try LoopbackPort.free()
        port = try LoopbackPort.free()
        process = try ServerProcess(Self.file, ["\(port)", "\(scraped)"])
        try await process.waitUntilListening(on: port)
        prometheus = try await PrometheusServer(scraping: [scraped])
    }

    /// Numbers by route, method and status.
    func numbers(_ name: String) throws -> [String: Int] {
        let found = try prometheus.query(
            "sum by (http_route, http_request_method, http_response_status_code) (\(name))")
        let numbers = found.map { sample in
            let labels = ["http_request_method", "http_route", "http_response_status_code"]
            return (labels.map { sample.labels[$0] ?? "-" }.joined(separator: " "), Int(sample.value) ?? -1)
        }
        return Dictionary(uniqueKeysWithValues: numbers)
    }
}
