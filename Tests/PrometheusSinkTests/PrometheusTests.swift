import Foundation
import Testing
import Weir
import WeirConfiguration
import WeirExport
import WeirTestSupport

/// A real Prometheus that scrapes an application.
@Suite("A real Prometheus", .serialized, .enabled(if: Installed.program("prometheus"), "Debian: prometheus"))
struct PrometheusTests {
    /// Prometheus, at work until it is let go.
    private struct Server {
        let process: ServerProcess
        let port: UInt16

        init(scraping application: UInt16, more: String = "") async throws {
            let directory = try TemporaryDirectory()
            let configuration = """
                global: {scrape_interval: 200ms, scrape_timeout: 200ms}
                scrape_configs:
                  - job_name: app
                    static_configs: [{targets: ["127.0.0.1:\(application)"]}]
                \(more)
                """
            try Data(configuration.utf8).write(to: URL(filePath: directory.path + "/p.yml"))
            port = try LoopbackPort.free()
            process = try ServerProcess(
                "prometheus",
                [
                    "--config.file=p.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:\(port)",
                    "--log.level=warn", "--enable-feature=exemplar-storage",
                ], in: directory)
            try await process.waitUntilListening(on: port)
        }

        /// The traces of the exemplars that a query finds, by the bounds of their buckets.
        func traces(_ expression: String) throws -> [String: Set<String>] {
            let query = expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            let now = Date().timeIntervalSince1970
            let response = try Client(port: port).get(
                "/api/v1/query_exemplars?query=\(query)&start=\(now - 3600)&end=\(now + 60)")
            guard response.status == 200 else { return [:] }
            let answer = try JSONDecoder().decode(ExemplarAnswer.self, from: Data(response.text.unchunked.utf8))
            var traces: [String: Set<String>] = [:]
            for series in answer.data {
                for exemplar in series.exemplars {
                    // Not all versions undo what is escaped in an exemplar: what stands behind it is the same in all.
                    let user = exemplar.labels["user_id"]?.split(separator: " ").last ?? ""
                    let text = "\(exemplar.labels["trace_id"] ?? "") \(user) \(exemplar.value)"
                    traces[series.seriesLabels["le"] ?? "", default: []].insert(text)
                }
            }
            return traces
        }

        /// The answer to an instant query: values by labels.
        func query(_ expression: String) throws -> [[String: String]: Double] {
            let query = expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            let response = try Client(port: port).get("/api/v1/query?query=\(query)")
            // It listens before it answers.
            guard response.status == 200 else { return [:] }
            let answer = try JSONDecoder().decode(Answer.self, from: Data(response.text.unchunked.utf8))
            var values: [[String: String]: Double] = [:]
            for result in answer.data.result {
                var labels = result.metric
                for own in ["__name__", "job", "instance"] { labels[own] = nil }
                values[labels] = Double(result.value[1].text)
            }
            return values
        }
    }

    private struct ExemplarAnswer: Decodable {
        struct Series: Decodable {
            let seriesLabels: [String: String]
            let exemplars: [Exemplar]
        }

        struct Exemplar: Decodable {
            let labels: [String: String]
            let value: String
        }

        let data: [Series]
    }

    private struct Answer: Decodable {
        struct Data: Decodable {
            let result: [Series]
        }

        struct Series: Decodable {
            let metric: [String: String]
            let value: [TextOrNumber]
        }

        struct TextOrNumber: Decodable {
            let text: String

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                text = try (try? container.decode(String.self)) ?? "\(container.decode(Double.self))"
            }
        }

        let data: Data
    }

    @Test("what is read back from it is what was recorded")
    func readsBack() async throws {
        let scraped = try Scraped(resource: ["service.name": "shop", "service.version": "1.2"])
        let seconds = Measure<Double>("seconds", unit: .seconds)
        let things = Measure<Int64>("things", unit: "{thing}")
        let key: TagKey = "weird/key"
        try scraped.stats.register(
            View("latency", of: seconds, by: [key], as: .distribution(bounds: [0.1, 1, 1e6])),
            View("exponential", of: seconds, by: [key], as: .exponentialDistribution()),
            View("things", of: things, by: [key], as: .sum), View("calls", of: seconds, by: [key], as: .count),
            View("level", of: seconds, by: [key], as: .lastValue))
        let names = ["plain", "quote\"", "back\\slash", "line\nfeed", "é🐟", "}{,=\"", "\\n"]
        for (number, name) in names.enumerated() {
            let tags = Tags([key: name])
            for value in [0.05, 0.5, 0.5, 7] { seconds.record(value + Double(number), tags, in: scraped.stats) }
            things.record(Int64(number) * 1_000_000_007, tags, in: scraped.stats)
        }
        let prometheus = try await Server(scraping: scraped.client.port)
        try await eventually("all series are there") { try prometheus.query("things_total").count == names.count }
        for (number, name) in names.enumerated() {
            let labels = ["weird_key": name]
            let offset = Double(number)
            #expect(try prometheus.query("things_total")[labels] == .some(offset * 1_000_000_007))
            #expect(try prometheus.query("calls_total")[labels] == .some(4))
            #expect(try prometheus.query("level_seconds")[labels] == .some(7 + offset))
            #expect(try prometheus.query("latency_seconds_count")[labels] == .some(4))
            let sum = try #require(try prometheus.query("latency_seconds_sum")[labels])
            #expect(abs(sum - (8.05 + 4 * offset)) < 1e-9)
            let buckets = try prometheus.query("latency_seconds_bucket")
            let below = [("0.1", 0.1), ("1.0", 1), ("1e+06", 1e6), ("+Inf", .infinity)]
            for (bound, limit) in below {
                let count = [0.05, 0.5, 0.5, 7].filter { $0 + offset <= limit }.count
                #expect(buckets[["weird_key": name, "le": bound]] == .some(Double(count)))
            }
            #expect(try prometheus.query("exponential_seconds_count")[labels] == .some(4))
        }
        // A bucket of the exponential distribution is a few per cent wide.
        let median = try prometheus.query("histogram_quantile(0.5, exponential_seconds_bucket{weird_key=\"plain\"})")
        #expect(median.values.allSatisfy { abs($0 - 0.5) < 0.1 } && median.count == 1)
        #expect(try prometheus.query("things_created").count == names.count)
        let target = try #require(try prometheus.query("target_info").keys.first)
        #expect(target["service_name"] == .some("shop") && target["service_version"] == .some("1.2"))
        #expect(try prometheus.query("up") == [[:]: 1])
        try await scraped.end()
        try await eventually("its end is seen") { try prometheus.query("up") == [[:]: 0] }
    }

    @Test("a bucket leads to a trace")
    func exemplars() async throws {
        let scraped = try Scraped()
        let seconds = Measure<Double>("seconds", unit: .seconds)
        try scraped.stats.register(
            View("latency", of: seconds, as: .distribution(bounds: [0.1, 1]), exemplars: .traceBased),
            View("calls", of: seconds, as: .count, exemplars: .traceBased))
        func record(_ value: Double, _ number: UInt64, isSampled: Bool = true) {
            withSpan(SpanReference(traceHigh: 0, low: number, spanID: number, isSampled: isSampled)) {
                seconds.record(value, Tags(["user.id": "a\"b\\c\nd \(number)"]), in: scraped.stats)
            }
        }
        let prometheus = try await Server(scraping: scraped.client.port)
        func trace(_ number: Int, _ value: String) -> String {
            "\(String(repeating: "0", count: 31))\(number) \(number) \(value)"
        }
        record(0.05, 1)
        record(0.5, 9, isSampled: false)
        record(3, 2)
        try await eventually("both are there") {
            try prometheus.traces("latency_seconds_bucket") == ["0.1": [trace(1, "0.05")], "+Inf": [trace(2, "3")]]
        }
        #expect(try prometheus.traces("calls_total") == ["": [trace(1, "0.05")]])
        record(0.5, 3)
        record(5, 4)
        try await eventually("later ones are there, too") {
            try prometheus.traces("latency_seconds_bucket") == [
                "0.1": [trace(1, "0.05")], "1.0": [trace(3, "0.5")], "+Inf": [trace(2, "3"), trace(4, "5")],
            ]
        }
        #expect(try prometheus.query("up") == [[:]: 1])
        try await scraped.end()
    }

    @Test("many series, all of them with their values, scrape after scrape")
    func many() async throws {
        let scraped = try Scraped()
        let count = min(10_000 * testScale, 100_000)
        let things = Measure<Int64>("things")
        try scraped.stats.register(View("things", of: things, by: ["n", "kind"], as: .sum, seriesLimit: count + 1))
        for number in 0..<count {
            things.record(Int64(number), Tags(["n": "\(number)", "kind": "\(number % 7)"]), in: scraped.stats)
        }
        let prometheus = try await Server(
            scraping: scraped.client.port,
            more: "    scrape_interval: \(2 + testScale / 10)s\n    scrape_timeout: \(2 + testScale / 10)s")
        let sum = Double(count) * Double(count - 1) / 2
        try await eventually("the sum of all is right", within: 120) {
            try prometheus.query("sum(things_total)") == [[:]: sum]
        }
        #expect(try prometheus.query("count(things_total)") == [[:]: Double(count)])
        for number in 0..<count {
            things.record(1, Tags(["n": "\(number)", "kind": "\(number % 7)"]), in: scraped.stats)
        }
        try await eventually("the sum of all has grown", within: 120) {
            try prometheus.query("sum(things_total)") == [[:]: sum + Double(count)]
        }
        try await scraped.end()
    }

    @Test("a series that is gone ends there, too")
    func stale() async throws {
        let scraped = try Scraped()
        let things = Measure<Int64>("things")
        try scraped.stats.register(View("things", of: things, as: .sum))
        things.record(1, in: scraped.stats)
        let prometheus = try await Server(scraping: scraped.client.port)
        try await eventually("it is there") { try prometheus.query("things_total") == [[:]: 1] }
        try scraped.stats.unregister("things")
        try await eventually("it is gone") { try prometheus.query("things_total").isEmpty }
        try await scraped.end()
    }

    @Test("the sample of the README, in a process of its own, which is killed and comes back")
    func readme() async throws {
        let port = try LoopbackPort.free()
        let yaml = try ReadmeSample.yaml(of: "PrometheusExporter", ["127.0.0.1:9464": "127.0.0.1:\(port)"])
        let stats = try Stats(cellsPerCore: 1 << 20)
        let things = Measure<Int64>("things")
        try stats.register(View("things", of: things, as: .sum))
        things.record(41, in: stats)
        let exporting = try startExporting(
            configuration: Configuration(yaml: yaml, file: "README.md", environment: [:]), from: stats)
        let prometheus = try await Server(scraping: port)
        try await eventually("it is there") { try prometheus.query("things_total") == [[:]: 41] }
        things.record(1, in: stats)
        try await eventually("it is fresh") { try prometheus.query("things_total") == [[:]: 42] }
        // Nothing is delivered that nobody asks for; still there is soon another to be asked.
        let process = try #require(childProcesses(running: "libPrometheusExporter.so").first)
        kill(process, SIGKILL)
        things.record(1, in: stats)
        try await eventually("another has taken its place") { try prometheus.query("things_total") == [[:]: 43] }
        #expect(!childProcesses(running: "libPrometheusExporter.so").contains(process))
        let report = await exporting.shutdown(deadline: .seconds(60))
        #expect(report.isComplete)
        #expect(exporting.snapshots.allSatisfy { $0.accounts.imbalance == nil })
    }
}

extension String {
    /// A body without the lengths of its chunks, of which JSON has no line.
    fileprivate var unchunked: String {
        guard !hasPrefix("{") else { return self }
        return components(separatedBy: "\r\n").filter { !$0.allSatisfy(\.isHexDigit) }.joined()
    }
}
