import Foundation
import Testing
import Weir
import WeirTestSupport

/// Others say whether what is shown is right: Prometheus's own linter, and the official parsers.
@Suite("What others make of a scrape")
struct JudgeTests {
    /// With quotation marks in pairs: within an exemplar this parser loses its way after an odd number of them, which
    /// Prometheus itself does not.
    private static let awkward = ["\"quotes\"back\\line\nfeed", "}{,=é🐟 # {", "tab\t\\n "]

    /// An application with everything in it that can be.
    private func scraped() throws -> Scraped {
        let scraped = try Scraped(resource: ["service.name": "a \"b\"\\c\nd", "empty": "", "héllo": "wörld 🐟"])
        let seconds = Measure<Double>("seconds", unit: .seconds, description: "With \\ and \"quotes\"\nand lines")
        let count = Measure<Int64>("count", unit: "{thing}")
        let examples = Measure<Double>("examples", unit: .seconds)
        let weird: TagKey = "weird/key.é"
        let other: TagKey = "le"
        try scraped.stats.register(
            View(
                "seconds/explicit", of: seconds, by: [weird, other],
                as: .distribution(bounds: [0.000_01, 0.5, 1, 1e6, 1e10])),
            View("seconds/below", of: seconds, by: [weird], as: .distribution(bounds: [-1, 0, 1])),
            View("latency", of: seconds, as: .distribution()),
            View("seconds/exponential", of: seconds, by: [weird], as: .exponentialDistribution()),
            View("seconds/sum", of: seconds, by: [weird], as: .sum),
            View("seconds/up.down", of: seconds, by: [weird], as: .upDownSum),
            View("seconds/last", of: seconds, by: [weird], as: .lastValue),
            View("count/count", of: count, by: [weird, other], as: .count),
            View("2nd/count total", of: count, by: [weird], as: .sum),
            View("count/info", of: count, as: .upDownSum), View("count/bucket", of: count, as: .lastValue),
            View("x/created", of: count, as: .lastValue), View("empty", of: Measure<Int64>("nothing"), as: .sum),
            View("examples/seconds", of: examples, as: .distribution(bounds: [0.25, 2]), exemplars: .alwaysOn),
            View("examples/count", of: examples, as: .count, exemplars: .alwaysOn))
        for (value, number) in zip(Self.awkward, [0.25, 1, 3]) {
            withSpan(SpanReference(traceHigh: 1, low: 2, spanID: 3, isSampled: true)) {
                examples.record(number, Tags([weird: value]), in: scraped.stats)
            }
        }
        let values = ["", "plain", "quote\"", "back\\slash", "line\nfeed", "tab\t", "é🐟", "}{,=", "\\n", " "]
        for value in values {
            for number in [0, 0.25, 0.5, 1, 3, 1e7] {
                seconds.record(number, Tags([weird: value, other: value]), in: scraped.stats)
            }
            seconds.record(-3.5, Tags([weird: value + "-"]), in: scraped.stats)
            count.record(3, Tags([weird: value]), in: scraped.stats)
        }
        return scraped
    }

    @Test(
        "promtool finds nothing to say about the older text",
        .enabled(if: Installed.program("promtool"), "Debian: prometheus"))
    func promtool() async throws {
        let scraped = try scraped()
        let directory = try TemporaryDirectory()
        let text = try scraped.client.get("/metrics").text
        try Data(text.utf8).write(to: URL(filePath: directory.path + "/text"))
        let checked = try Program.shell("promtool check metrics <\"$0\" 2>&1", directory.path + "/text")
        // Names that a user chose badly are the user's: those of the views above that mean to be.
        let lines = checked.output.split(separator: "\n").filter { line in
            !["count_info", "count_bucket", "x_created", "count_count", "_2nd"].contains { line.hasPrefix($0) }
        }
        #expect(lines.isEmpty && checked.status != 1)
        try await scraped.end()
    }

    /// Prints each sample of a file as JSON, sorted labels and all.
    private static let script = """
        import json, sys
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
        from prometheus_client.parser import text_string_to_metric_families as text
        parse = {"openmetrics": openmetrics, "text": text}[sys.argv[1]]
        samples = []
        for family in parse(open(sys.argv[2], newline="").read()):
            for sample in family.samples:
                assert sample.timestamp is None
                example = sample.exemplar
                samples.append([
                    family.type, family.unit, sample.name, dict(sorted(sample.labels.items())), sample.value,
                    example and [dict(example.labels), example.value, float(example.timestamp)]])
        print(json.dumps(samples))
        """

    private func parse(_ format: String, _ text: String) throws -> [[Any]] {
        let directory = try TemporaryDirectory()
        try Data(text.utf8).write(to: URL(filePath: directory.path + "/text"))
        try Data(Self.script.utf8).write(to: URL(filePath: directory.path + "/script.py"))
        let parsed = try Program.shell(
            "cd \"$0\" && python3 script.py \"$1\" text 2>&1", directory.path, format)
        try #require(parsed.status == 0, "\(parsed.output.suffix(2000))")
        return try #require(
            try JSONSerialization.jsonObject(with: Data(parsed.output.utf8), options: .fragmentsAllowed) as? [[Any]])
    }

    @Test(
        "the official parser reads OpenMetrics, with what was recorded in it",
        .enabled(if: Installed.pythonModules("prometheus_client"), "pip: prometheus_client 0.26.0"))
    func openMetrics() async throws {
        let scraped = try scraped()
        let samples = try parse("openmetrics", scraped.client.openMetrics())
        func values(_ name: String) -> [(labels: [String: String], value: Double)] {
            samples.filter { $0[2] as? String == name }.map { sample in
                (sample[3] as? [String: String] ?? [:], sample[4] as? Double ?? .nan)
            }
        }
        for value in ["plain", "quote\"", "back\\slash", "line\nfeed", "tab\t", "é🐟", "}{,=", "\\n", " "] {
            let total = values("_2nd_count_total").filter { $0.labels["weird_key__"] == value }
            #expect(total.map(\.value) == [3])
            let buckets = values("seconds_explicit_bucket").filter { $0.labels["exported_le"] == value }
            #expect(buckets.map(\.value) == [1, 3, 4, 5, 6, 6])
            #expect(buckets.map { $0.labels["le"] } == ["1e-05", "0.5", "1.0", "1e+06", "1e+10", "+Inf"])
        }
        func exemplars(_ name: String) -> [[Any]] {
            samples.filter { $0[2] as? String == name }.compactMap { $0[5] as? [Any] }
        }
        let examples = exemplars("examples_seconds_bucket")
        #expect(examples.compactMap { $0[1] as? Double } == [0.25, 1, 3])
        for (example, value) in zip(examples, Self.awkward) {
            let labels = try #require(example[0] as? [String: String])
            #expect(labels["weird_key__"] == .some(value) && labels["span_id"] == .some("0000000000000003"))
            #expect(labels["trace_id"] == .some("00000000000000010000000000000002") && labels.count == 3)
        }
        #expect(exemplars("examples_count_total").compactMap { $0[1] as? Double } == [0.25])
        let info = try #require(values("target_info").first)
        #expect(info.labels["service_name"] == .some("a \"b\"\\c\nd") && info.labels["h_llo"] == .some("wörld 🐟"))
        #expect(info.labels["empty"] == nil && info.value == 1)
        let created = values("seconds_explicit_created") + values("_2nd_count_created")
        #expect(created.count == 20 + 10)
        #expect(created.allSatisfy { abs($0.value - Date().timeIntervalSince1970) < 3600 })
        #expect(samples.contains { $0[0] as? String == "histogram" && $0[1] as? String == "seconds" })
        try await scraped.end()
    }

    @Test(
        "the official parser reads the older text",
        .enabled(if: Installed.pythonModules("prometheus_client"), "pip: prometheus_client 0.26.0"))
    func text() async throws {
        let scraped = try scraped()
        let samples = try parse("text", scraped.client.get("/metrics").text)
        #expect(samples.filter { $0[2] as? String == "_2nd_count_total" }.count == 10)
        #expect(samples.filter { $0[2] as? String == "seconds_sum_total" }.count == 20)
        // OpenMetrics has no sum where there are bounds below zero; the older text has.
        #expect(samples.filter { $0[2] as? String == "seconds_below_sum" }.count == 20)
        try await scraped.end()
    }
}
