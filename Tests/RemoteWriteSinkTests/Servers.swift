import Foundation
import WeirTestSupport

extension PrometheusServer {
    /// The series that a query finds, as `name{a="b"} value`, in order.
    func texts(_ expression: String, at seconds: Double) throws -> [String] {
        try query(expression, at: seconds).map { "\(seriesText($0.labels)) \($0.value)" }.sorted()
    }

    /// The exemplars of the series that a query finds, as `name{a="b"} {trace_id="…"} value @time`, in order.
    func exemplarTexts(_ expression: String, from begin: Double, to end: Double) throws -> [String] {
        try exemplars(expression, from: begin, to: end).flatMap { series, exemplars in
            exemplars.map { "\(seriesText(series)) \(seriesText($0.labels)) \($0.value) @\($0.timestamp)" }
        }.sorted()
    }
}

/// A real VictoriaMetrics: Debian's package `victoria-metrics`.
final class VictoriaMetrics: Sendable {
    static let isInstalled = Installed.program("victoria-metrics") && Curl.isInstalled

    let port: UInt16
    let server: ServerProcess

    init() async throws {
        port = try LoopbackPort.free()
        server = try ServerProcess(
            "victoria-metrics", ["-httpListenAddr=127.0.0.1:\(port)", "-storageDataPath=data", "-retentionPeriod=1y"])
        try await server.waitUntilListening(on: port)
    }

    /// All samples of the series that a selector finds, as `name{a="b"} [1, 2]`, in order; nil is the end of a series.
    func export(_ selector: String) throws -> [String] {
        _ = try Curl.get("http://127.0.0.1:\(port)/internal/force_flush")
        let lines = try Curl.get("http://127.0.0.1:\(port)/api/v1/export", ["match[]": selector])
        return try lines.split(separator: UInt8(ascii: "\n")).map { line in
            let series = try JSONDecoder().decode(Series.self, from: Data(line))
            return "\(seriesText(series.metric)) \(series.values.map { $0.map { "\($0)" } ?? "nil" })"
        }.sorted()
    }

    private struct Series: Decodable {
        var metric: [String: String]
        var values: [Double?]
    }
}

private func seriesText(_ metric: [String: String]) -> String {
    let labels = metric.filter { $0.key != "__name__" }.sorted { $0.key < $1.key }
    return "\(metric["__name__"] ?? "")" + "{\(labels.map { "\($0.key)=\"\($0.value)\"" }.joined(separator: ","))}"
}
