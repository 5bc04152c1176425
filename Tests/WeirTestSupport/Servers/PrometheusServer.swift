package import Foundation

/// A real Prometheus (Debian: `prometheus`), at work until it is let go.
package final class PrometheusServer: Sendable {
    package static let isInstalled = Installed.program("prometheus") && Installed.program("curl")

    package let port: UInt16
    package let process: ServerProcess

    /// - Parameters:
    ///   - applications: Ports of this machine that it scrapes, five times a second.
    ///   - configuration: YAML that is put behind, at the level of what is scraped.
    ///   - arguments: Further ones.
    package init(
        scraping applications: [UInt16] = [], configuration: String = "", _ arguments: String...
    ) async throws {
        let directory = try TemporaryDirectory()
        let targets = applications.map { "\"127.0.0.1:\($0)\"" }.joined(separator: ", ")
        let text = """
            global: {scrape_interval: 200ms, scrape_timeout: 200ms}
            scrape_configs:
              - job_name: app
                static_configs: [{targets: [\(targets)]}]
            \(configuration)
            """
        try directory.write(Array(text.utf8), to: "prometheus.yml")
        port = try LoopbackPort.free()
        process = try ServerProcess(
            "prometheus",
            [
                "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:\(port)",
                "--log.level=warn",
            ] + arguments, in: directory)
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

    /// What it answers to a GET; a status that is no success is an error.
    package func get(_ path: String, _ parameters: [String: String] = [:]) throws -> Data {
        let fields = parameters.flatMap { ["--data-urlencode", "\($0.key)=\($0.value)"] }
        let result = try Program.run(
            "/usr/bin/env", ["curl", "-sSf", "-m", "10", "-G", "http://127.0.0.1:\(port)\(path)"] + fields)
        guard result.status == 0 else { throw NoAnswer(errors: result.errors) }
        return Data(result.output.utf8)
    }

    package struct NoAnswer: Error, Equatable {
        package let errors: String
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
