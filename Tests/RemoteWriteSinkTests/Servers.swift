import Foundation
import WeirTestSupport

/// A real Prometheus: Debian's package `prometheus`.
final class Prometheus: Sendable {
    static let isInstalled = Installed.program("prometheus") && Installed.program("curl")

    let port: UInt16
    let server: ServerProcess

    init() async throws {
        port = try LoopbackPort.free()
        let directory = try TemporaryDirectory()
        try directory.write(Array("global: {scrape_interval: 1h}\n".utf8), to: "prometheus.yml")
        server = try ServerProcess(
            "prometheus",
            [
                "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:\(port)",
                "--web.enable-remote-write-receiver", "--enable-feature=native-histograms,exemplar-storage",
            ], in: directory)
        let port = port
        try await eventually("Prometheus is ready") { (try? get("http://127.0.0.1:\(port)/-/ready")) != nil }
    }

    /// The series that a query finds, as `name{a="b"} value`, in order.
    func query(_ text: String, at seconds: Double) throws -> [String] {
        let answer = try get("http://127.0.0.1:\(port)/api/v1/query", ["query": text, "time": "\(seconds)"])
        return try JSONDecoder().decode(Answer.self, from: answer).data.result.map(\.text).sorted()
    }

    /// The exemplars of the series that a query finds, as `name{a="b"} {trace_id="…"} value @time`, in order.
    func exemplars(_ text: String, from begin: Double, to end: Double) throws -> [String] {
        let answer = try get(
            "http://127.0.0.1:\(port)/api/v1/query_exemplars",
            ["query": text, "start": "\(begin)", "end": "\(end)"])
        return try JSONDecoder().decode(ExemplarAnswer.self, from: answer).data.flatMap { series in
            series.exemplars.map { exemplar in
                "\(seriesText(series.seriesLabels)) \(seriesText(exemplar.labels)) \(exemplar.value) @\(exemplar.timestamp)"
            }
        }.sorted()
    }

    private struct ExemplarAnswer: Decodable {
        struct Series: Decodable {
            var seriesLabels: [String: String]
            var exemplars: [Exemplar]
        }
        struct Exemplar: Decodable {
            var labels: [String: String]
            var value: String
            var timestamp: Double
        }
        var data: [Series]
    }

    private struct Answer: Decodable {
        struct Contents: Decodable { var result: [Series] }
        struct Series: Decodable {
            var metric: [String: String]
            var value: Value

            var text: String { "\(seriesText(metric)) \(value.text)" }
        }
        struct Value: Decodable {
            var text: String
            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                _ = try list.decode(Double.self)
                text = try list.decode(String.self)
            }
        }
        var data: Contents
    }
}

/// A real VictoriaMetrics: Debian's package `victoria-metrics`.
final class VictoriaMetrics: Sendable {
    static let isInstalled = Installed.program("victoria-metrics") && Installed.program("curl")

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
        _ = try get("http://127.0.0.1:\(port)/internal/force_flush")
        let lines = try get("http://127.0.0.1:\(port)/api/v1/export", ["match[]": selector])
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

/// What a server answers to a GET; a status that is no success is an error.
func get(_ url: String, _ parameters: [String: String] = [:]) throws -> Data {
    let arguments = parameters.flatMap { ["--data-urlencode", "\($0.key)=\($0.value)"] }
    let result = try Program.run("/usr/bin/env", ["curl", "-sSf", "-m", "10", "-G", url] + arguments)
    guard result.status == 0 else { throw GetFailed(url: url, errors: result.errors) }
    return Data(result.output.utf8)
}

struct GetFailed: Error {
    let url: String
    let errors: String
}

private func seriesText(_ metric: [String: String]) -> String {
    let labels = metric.filter { $0.key != "__name__" }.sorted { $0.key < $1.key }
    return "\(metric["__name__"] ?? "")" + "{\(labels.map { "\($0.key)=\"\($0.value)\"" }.joined(separator: ","))}"
}
