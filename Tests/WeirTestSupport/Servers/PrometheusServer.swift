internal import Foundation

/// A real Prometheus (Debian: `prometheus`), at work until it is let go.
package final class PrometheusServer: Sendable {
    package static let isInstalled = Installed.program("prometheus") && Curl.isInstalled

    package let port: UInt16
    package let process: ServerProcess

    /// It takes remote writes, and keeps exemplars and native histograms.
    ///
    /// - Parameters:
    ///   - applications: Ports of this machine that it scrapes, five times a second.
    ///   - more: YAML that is put behind what says so.
    package init(scraping applications: [UInt16] = [], more: String = "") async throws {
        let directory = try TemporaryDirectory()
        let targets = applications.map { "\"127.0.0.1:\($0)\"" }.joined(separator: ", ")
        let text = """
            global: {scrape_interval: 200ms, scrape_timeout: 200ms}
            scrape_configs:
              - job_name: app
                static_configs: [{targets: [\(targets)]}]
            \(more)
            """
        try directory.write(Array(text.utf8), to: "prometheus.yml")
        port = try LoopbackPort.free()
        process = try ServerProcess(
            "prometheus",
            [
                "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:\(port)",
                "--log.level=warn", "--web.enable-remote-write-receiver",
                "--enable-feature=native-histograms,exemplar-storage",
            ], in: directory)
        // It listens before it answers.
        try await eventually("Prometheus is ready") { (try? self.get("/-/ready")) != nil }
    }

    /// What a query found of one series: its labels, `__name__` among them, and its value as Prometheus writes it.
    package struct Sample: Sendable, Equatable {
        package var labels: [String: String]
        package var value: String
    }

    /// - Parameter seconds: The moment that is asked about, since 1970. Now, where it is nil.
    package func query(_ expression: String, at seconds: Double? = nil) throws -> [Sample] {
        var parameters = ["query": expression]
        if let seconds { parameters["time"] = "\(seconds)" }
        let answer = try JSONDecoder().decode(Answer.self, from: get("/api/v1/query", parameters))
        return answer.data.result.map { Sample(labels: $0.metric, value: $0.value.text) }
    }

    /// A measurement that it keeps beside a series.
    package struct Exemplar: Sendable, Decodable {
        package var labels: [String: String]
        package var value: String
        /// Seconds since 1970.
        package var timestamp: Double
    }

    /// The exemplars of the series that a query finds, by the series' labels.
    package func exemplars(
        _ expression: String, from begin: Double, to end: Double
    ) throws -> [[String: String]: [Exemplar]] {
        let answer = try get(
            "/api/v1/query_exemplars", ["query": expression, "start": "\(begin)", "end": "\(end)"])
        let series = try JSONDecoder().decode(ExemplarAnswer.self, from: answer).data
        return Dictionary(series.map { ($0.seriesLabels, $0.exemplars) }) { $0 + $1 }
    }

    private func get(_ path: String, _ parameters: [String: String] = [:]) throws -> Data {
        try Curl.get("http://127.0.0.1:\(port)\(path)", parameters)
    }

    private struct ExemplarAnswer: Decodable {
        struct Series: Decodable {
            var seriesLabels: [String: String]
            var exemplars: [Exemplar]
        }
        var data: [Series]
    }

    private struct Answer: Decodable {
        struct Contents: Decodable { var result: [Series] }
        struct Series: Decodable {
            var metric: [String: String]
            var value: Value
        }
        /// A time and a text.
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
