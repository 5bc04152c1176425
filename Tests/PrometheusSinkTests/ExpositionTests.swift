import Foundation
import Testing
import Weir
import WeirExport
import WeirTestSupport

@Suite("What a scrape shows")
struct ExpositionTests {
    @Test("both formats, to the letter")
    func golden() async throws {
        let scraped = try Scraped()
        let latency = Measure<Double>(
            "http.server.duration", unit: .seconds, description: "Time to \"serve\"\na request")
        let size = Measure<Int64>("size", unit: .bytes)
        let load = Measure<Double>("load", unit: "1")
        let queue = Measure<Int64>("queue", unit: "{job}")
        let route: TagKey = "http.route"
        try scraped.stats.register(
            View("http/latency", of: latency, by: [route], as: .distribution(bounds: [0.1, 1, 1_000_000])),
            View("http/requests", of: latency, by: [route], as: .count),
            View("size", of: size, by: [route], as: .sum), View("load", of: load, as: .lastValue),
            View("queue", of: queue, as: .upDownSum))
        let tags = Tags([route: "/a\"b\\c\nd é🐟"])
        for value in [0.05, 0.1, 0.5, 2_000_000] { latency.record(value, tags, in: scraped.stats) }
        size.record(512, tags, in: scraped.stats)
        load.record(0.25, in: scraped.stats)
        queue.record(5, in: scraped.stats)
        queue.record(-7, in: scraped.stats)
        let label = #"http_route="/a\"b\\c\nd é🐟""#
        let buckets = """
            http_latency_seconds_bucket{\(label),le="0.1"} 2
            http_latency_seconds_bucket{\(label),le="1.0"} 3
            http_latency_seconds_bucket{\(label),le="1e+06"} 3
            http_latency_seconds_bucket{\(label),le="+Inf"} 4
            http_latency_seconds_sum{\(label)} 2000000.65
            http_latency_seconds_count{\(label)} 4
            """
        let openMetrics = try scraped.client.openMetrics()
        #expect(
            openMetrics.own == """
                # TYPE http_latency_seconds histogram
                # UNIT http_latency_seconds seconds
                # HELP http_latency_seconds Time to \\"serve\\"\\na request
                \(buckets)
                # TYPE http_requests counter
                # HELP http_requests Time to \\"serve\\"\\na request
                http_requests_total{\(label)} 4
                # TYPE size_bytes counter
                # UNIT size_bytes bytes
                # HELP size_bytes size
                size_bytes_total{\(label)} 512
                # TYPE load_ratio gauge
                # UNIT load_ratio ratio
                # HELP load_ratio load
                load_ratio 0.25
                # TYPE queue gauge
                # HELP queue queue
                queue -2
                # EOF

                """)
        let text = try scraped.client.get("/metrics").text
        #expect(
            text.own == """
                # TYPE http_latency_seconds histogram
                # HELP http_latency_seconds Time to "serve"\\na request
                \(buckets)
                # TYPE http_requests_total counter
                # HELP http_requests_total Time to "serve"\\na request
                http_requests_total{\(label)} 4
                # TYPE size_bytes_total counter
                # HELP size_bytes_total size
                size_bytes_total{\(label)} 512
                # TYPE load_ratio gauge
                # HELP load_ratio load
                load_ratio 0.25
                # TYPE queue gauge
                # HELP queue queue
                queue -2

                """)
        #expect(!text.contains("_created"))
        let created = try #require(openMetrics.samples("http_requests_created")[label].flatMap(Double.init))
        #expect(abs(created - Date().timeIntervalSince1970) < 3600)
        #expect(openMetrics.samples("http_latency_seconds_created").count == 1)
        #expect(openMetrics.hasPrefix("# TYPE target info\n# HELP target Who measures.\ntarget_info{"))
        #expect(text.samples("target_info").keys.first?.contains(#"service_name="test""#) == .some(true))
        try await scraped.end()
    }

    @Test("OpenMetrics has exemplars of buckets and counters, every time, and the older text has none")
    func exemplars() async throws {
        let scraped = try Scraped()
        let seconds = Measure<Double>("seconds", unit: .seconds)
        let user: TagKey = "user.id"
        try scraped.stats.register(
            View("latency", of: seconds, as: .distribution(bounds: [0.1, 1]), exemplars: .alwaysOn),
            View("exponential", of: seconds, as: .exponentialDistribution(), exemplars: .alwaysOn),
            View("calls", of: seconds, as: .count, exemplars: .alwaysOn),
            View("total", of: seconds, as: .sum, exemplars: .alwaysOn),
            View("level", of: seconds, as: .lastValue, exemplars: .alwaysOn),
            View("up/down", of: seconds, as: .upDownSum, exemplars: .alwaysOn))
        withSpan(SpanReference(traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")) {
            seconds.record(0.5, Tags([user: "a\"b\\c\nd"]), in: scraped.stats)
        }
        // It has neither a span nor a tag, so that there is nothing to tell.
        seconds.record(0.05, in: scraped.stats)
        let labels =
            #"{trace_id="4bf92f3577b34da6a3ce929d0e0e4736",span_id="00f067aa0ba902b7",user_id="a\"b\\c\nd"} 0.5 "#
        for _ in 1...2 {
            let text = try scraped.client.openMetrics()
            let lines = text.own.split(separator: "\n").filter { $0.contains(" # ") }
            try #require(lines.count == 4)
            #expect(lines[0].hasPrefix(#"latency_seconds_bucket{le="1.0"} 2 # \#(labels)"#))
            #expect(lines[1].contains("exponential_seconds_bucket{le=") && lines[1].contains("} 2 # \(labels)"))
            #expect(lines[2].hasPrefix("calls_total 2 # \(labels)"))
            #expect(lines[3].hasPrefix("total_seconds_total 0.55 # \(labels)"))
            for line in lines {
                let time = try #require(line.split(separator: " ").last.flatMap { Double($0) })
                #expect(abs(time - Date().timeIntervalSince1970) < 3600)
            }
        }
        let text = try scraped.client.get("/metrics").text
        #expect(!text.own.contains(" # ") && !text.contains("trace_id"))
        #expect(text.contains("latency_seconds_bucket{le=\"1.0\"} 2\n"))
        try await scraped.end()
    }

    @Test("an exemplar's labels are no longer than OpenMetrics lets them be")
    func exemplarLength() async throws {
        let scraped = try Scraped()
        let seconds = Measure<Double>("seconds", unit: .seconds)
        try scraped.stats.register(View("calls", of: seconds, as: .count, exemplars: .alwaysOn))
        // 128 less trace_id, span_id and their digits are 65.
        let fits = String(repeating: "é", count: 54)
        let tags = Tags([
            "length.long": String(repeating: "x", count: 55), "length.fits": fits, "length.short": "1",
            "trace.id": "mine",
        ])
        withSpan(SpanReference(traceHigh: 1, low: 2, spanID: 3, isSampled: false)) {
            seconds.record(1, tags, in: scraped.stats)
        }
        let text = try scraped.client.openMetrics()
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("calls_total 1 # {") })
        #expect(line.contains(#",length_fits="\#(fits)"} 1.0 "#))
        #expect(!line.contains("long") && !line.contains("mine") && !line.contains("short"))
        try await scraped.end()
    }

    @Test("each scrape has what was recorded up to then")
    func fresh() async throws {
        let scraped = try Scraped()
        let measure = Measure<Int64>("things", unit: "{thing}")
        try scraped.stats.register(View("things", of: measure, as: .sum))
        for round in 1...20 {
            measure.record(1, in: scraped.stats)
            #expect(try scraped.client.openMetrics().samples("things_total") == ["": "\(round)"])
        }
        try await scraped.end()
        #expect(scraped.counter("scrapes.answered") >= 19)
        #expect(scraped.counter("scrapes.late") == 0)
    }

    @Test("series that are gone are not shown")
    func gone() async throws {
        let scraped = try Scraped()
        let measure = Measure<Int64>("things", unit: "{thing}")
        let name: TagKey = "name"
        try scraped.stats.register(
            View("things", of: measure, by: [name], as: .sum, forgetsIdle: .milliseconds(1)),
            View("more", of: measure, as: .sum))
        measure.record(1, Tags([name: "a"]), in: scraped.stats)
        #expect(try scraped.client.openMetrics().samples("things_total").count == 1)
        try await eventually("an idle series is gone") {
            try scraped.client.openMetrics().samples("things_total").isEmpty
        }
        try scraped.stats.unregister("more")
        #expect(try !scraped.client.openMetrics().contains("more"))
        try await scraped.end()
    }

    @Test("views that would have one name have two, and series that would be one are added")
    func sameNames() async throws {
        let scraped = try Scraped()
        let measure = Measure<Int64>("things", unit: "{thing}")
        let name: TagKey = "name"
        try scraped.stats.register(
            View("things/one", of: measure, by: [name, "a.b", "a_b"], as: .sum),
            View("things.one", of: measure, by: [name], as: .sum), View("target/info", of: measure, as: .upDownSum))
        measure.record(1, Tags([name: ""]), in: scraped.stats)
        measure.record(2, Tags([:]), in: scraped.stats)
        measure.record(4, Tags([name: "x"]), in: scraped.stats)
        measure.record(8, Tags([name: "x", "a.b": "1", "a_b": "2"]), in: scraped.stats)
        let text = try scraped.client.openMetrics()
        let samples = text.samples("things_one_total")
        #expect(samples.count == 3)
        #expect(samples[#"name="x""#] == "4")
        #expect(samples[#"a_b="1;2",name="x""#] == "8")
        #expect(samples[""] == "3")
        let other = try #require(text.firstMatch(of: /# TYPE (things_one_x[0-9a-f]{8}) counter/)?.output.1)
        #expect(text.samples("\(other)_total") == ["": "3", #"name="x""#: "12"])
        #expect(text.firstMatch(of: /target_info_x[0-9a-f]{8} 15/) != nil)
        try await scraped.end()
        #expect(scraped.counter("series.repeated") >= 1)
        #expect(scraped.counter("series.clashed") >= 4)
    }

    @Test("a tag that is called as Prometheus's own label is not it")
    func reserved() async throws {
        let scraped = try Scraped()
        let measure = Measure<Double>("d", unit: "s")
        try scraped.stats.register(
            View("d", of: measure, by: ["le", "job"], as: .distribution(bounds: [1])),
            View("n", of: measure, by: ["le"], as: .count))
        measure.record(0.5, Tags(["le": "x", "job": "j"]), in: scraped.stats)
        let text = try scraped.client.openMetrics()
        #expect(text.samples("d_seconds_bucket").keys.contains(#"exported_le="x",job="j",le="1.0""#))
        #expect(text.samples("n_total") == [#"le="x""#: "1"])
        try await scraped.end()
    }

    @Test("an exponential distribution has buckets with bounds, the same for all its series")
    func exponential() async throws {
        let scraped = try Scraped(["exponentialBuckets": "8"])
        let measure = Measure<Double>("d", unit: "s")
        try scraped.stats.register(View("d", of: measure, by: ["n"], as: .exponentialDistribution()))
        for power in 0..<10 {
            measure.record(1.5 * Double(1 << power), Tags(["n": "a"]), in: scraped.stats)
            measure.record(0, Tags(["n": "b"]), in: scraped.stats)
        }
        let text = try scraped.client.openMetrics()
        func bounds(_ name: String) -> [String] {
            text.samples("d_seconds_bucket").keys.filter { $0.hasPrefix("n=\"\(name)\"") }
                .map { String($0.dropFirst(6)) }.sorted()
        }
        #expect(bounds("a") == bounds("b") && bounds("a").count >= 6)
        #expect(text.samples("d_seconds_count") == [#"n="a""#: "10", #"n="b""#: "10"])
        #expect(text.samples("d_seconds_bucket")[#"n="b",le="0.0""#] == "10")
        #expect(text.samples("d_seconds_bucket")[#"n="a",le="0.0""#] == "0")
        #expect(text.samples("d_seconds_sum")[#"n="a""#] == "1534.5")
        try await scraped.end()
    }

    @Test("deltas are refused in words, by the log and by each scrape")
    func deltas() async throws {
        let scraped = try Scraped { $0.temporality = .delta }
        let measure = Measure<Int64>("things", unit: "{thing}")
        try scraped.stats.register(View("things", of: measure, as: .sum))
        measure.record(1, in: scraped.stats)
        for _ in 1...2 {
            let response = try scraped.client.get("/metrics")
            #expect(response.status == 503)
            #expect(response.text.hasSuffix("give this sink `temporality: cumulative`\n"))
        }
        let sink = try #require(scraped.exporting.snapshots.first)
        #expect(sink.condition == .fatal)
        #expect(sink.lastMessage.contains("comes in deltas, which Prometheus cannot scrape"))
        _ = await scraped.exporting.shutdown(deadline: .seconds(60))
    }

    /// What does not get smaller when it is compressed.
    private func noise(_ random: inout SeededGenerator) -> String {
        String(decoding: (0..<240).map { _ in UInt8.random(in: 48..<123, using: &random) }, as: UTF8.self)
    }

    @Test("a collection in many parts is shown whole")
    func parts() async throws {
        let scraped = try Scraped(["wait": "60s"])
        let measure = Measure<Int64>("d")
        let n: TagKey = "n"
        let count = 30_000
        var random = SeededGenerator(seed: 2)
        try scraped.stats.register(View("d", of: measure, by: [n], as: .count, seriesLimit: count))
        for number in 0..<count { measure.record(1, Tags([n: "\(number)" + noise(&random)]), in: scraped.stats) }
        let text = try scraped.client.openMetrics()
        #expect(text.samples("d_total").count == count)
        #expect(text.components(separatedBy: "# TYPE d ").count == 2)
        let delivered = try #require(scraped.exporting.snapshots.first).accounts.delivered
        #expect(delivered.batches > 1)
        try await scraped.end()
    }
}
