import Foundation
import RemoteWriteSink
import Testing
import Weir
import WeirBatch
import WeirConfiguration
import WeirExport
import WeirTestSupport

@Suite("Remote write to Prometheus", .enabled(if: PrometheusServer.isInstalled), .serialized)
struct PrometheusTests {
    /// Runs a shop of five collections into a sink.
    private func run(_ sink: Sink) async throws -> (Exporting, Minute) {
        let begin = Int(Date().timeIntervalSince1970) - 60
        let source = Minute(5, begin: begin) { number, builder in
            shop(number, &builder, source: UInt64(begin) * 1_000_000_000)
        }
        let exporting = try startExporting(
            every: .milliseconds(50), to: [sink], collecting: source,
            resource: ["service.name": "shop", "service.instance.id": "till-1"])
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 5 }
        return (exporting, source)
    }

    @Test("what Prometheus shows is what was recorded, series end where they end, and all at the end mark")
    func readBack() async throws {
        let prometheus = try await PrometheusServer()
        let (exporting, source) = try await run(.remoteWrite(prometheus.port))
        let report = await exporting.shutdown(deadline: .seconds(20))
        #expect(report.isComplete, "\(report)")
        let accounts = exporting.snapshots[0].accounts
        #expect(accounts.imbalance == nil && accounts.delivered.batches == accounts.offered.batches)
        func requests(_ number: Double) throws -> [String] {
            try prometheus.texts("http_requests_total", at: Double(source.begin) + number)
        }
        #expect(
            try requests(2) == [
                #"http_requests_total{exported_job="x",http_route="/gone",instance="till-1",job="shop"} 2"#,
                #"http_requests_total{http_route="/a",instance="till-1",job="shop"} 200"#,
            ])
        #expect(
            try requests(2.9).first
                == #"http_requests_total{exported_job="x",http_route="/gone",instance="till-1",job="shop"} 3"#)
        #expect(try requests(4) == [#"http_requests_total{http_route="/a",instance="till-1",job="shop"} 400"#])
        #expect(
            try prometheus.texts(#"{__name__=~"room.*|http_latency.*|rpc.*"}"#, at: Double(source.begin) + 5) == [
                #"http_latency_seconds_bucket{instance="till-1",job="shop",le="+Inf"} 8"#,
                #"http_latency_seconds_bucket{instance="till-1",job="shop",le="0.5"} 5"#,
                #"http_latency_seconds_bucket{instance="till-1",job="shop",le="1.0"} 7"#,
                #"http_latency_seconds_count{instance="till-1",job="shop"} 8"#,
                #"http_latency_seconds_sum{instance="till-1",job="shop"} 12.5"#,
                #"room_temperature_celsius{instance="till-1",job="shop"} 5.5"#,
                #"rpc_latency_milliseconds_bucket{instance="till-1",job="shop",le="+Inf"} 7"#,
                #"rpc_latency_milliseconds_bucket{instance="till-1",job="shop",le="0.0"} 1"#,
                #"rpc_latency_milliseconds_bucket{instance="till-1",job="shop",le="1.0"} 1"#,
                #"rpc_latency_milliseconds_bucket{instance="till-1",job="shop",le="2.0"} 6"#,
                #"rpc_latency_milliseconds_bucket{instance="till-1",job="shop",le="4.0"} 6"#,
                #"rpc_latency_milliseconds_bucket{instance="till-1",job="shop",le="8.0"} 7"#,
                #"rpc_latency_milliseconds_count{instance="till-1",job="shop"} 7"#,
                #"rpc_latency_milliseconds_sum{instance="till-1",job="shop"} 15"#,
            ])
        #expect(try prometheus.texts("target_info", at: Double(source.begin) + 5).count == 1)
        // The end mark is a millisecond after the last collection.
        let end = Double(source.begin) + Double(accounts.offered.batches) + 0.5
        #expect(try prometheus.texts(#"{__name__=~"room.*|http.*|rpc.*"}"#, at: end) == [])
    }

    @Test("the README's configuration runs as it is written, as a plugin in a process of its own, and all arrives")
    func readme() async throws {
        let prometheus = try await PrometheusServer()
        let yaml = try ReadmeSample.yaml(
            of: "RemoteWriteExporter", ["127.0.0.1:9090": "127.0.0.1:\(prometheus.port)"])
        let stats = try Stats(cellsPerCore: 1 << 20)
        let (requests, latency) = (Measure<Int64>("requests"), Measure<Double>("latency", unit: .seconds))
        let route: TagKey = "http.route"
        try stats.register(
            View("readme/requests", of: requests, by: [route], as: .sum),
            View("readme/latency", of: latency, as: .distribution(bounds: [0.25])))
        let exporting = try startExporting(
            configuration: Configuration(yaml: yaml, file: "README.md", environment: [:]), from: stats)
        for number in 1...1000 {
            requests.record(2, Tags([(route, number % 4 == 0 ? "/a" : "/b")]), in: stats)
            latency.record(number <= 300 ? 0.25 : 0.5, in: stats)
        }
        let report = await exporting.shutdown(deadline: .seconds(60))
        #expect(report.isComplete && exporting.snapshots[0].accounts.imbalance == nil, "\(report)")
        // The series have ended with the process, so that only a look back sees them.
        func last(_ name: String, by label: String) throws -> [String] {
            try prometheus.texts(
                "sum by (\(label)) (last_over_time(\(name)[5m]))", at: Date().timeIntervalSince1970 + 1)
        }
        #expect(
            try last("readme_requests_total", by: "http_route") == [
                #"{http_route="/a"} 500"#, #"{http_route="/b"} 1500"#,
            ])
        #expect(try last("readme_latency_seconds_bucket", by: "le") == [#"{le="+Inf"} 1000"#, #"{le="0.25"} 300"#])
        #expect(try last("readme_latency_seconds_sum", by: "job").map { $0.split(separator: " ").last } == ["425"])
    }

    @Test("exponential distributions are native histograms where that is asked for")
    func native() async throws {
        let prometheus = try await PrometheusServer()
        let (exporting, source) = try await run(.remoteWrite(prometheus.port, ["histograms": "native"]))
        let time = Double(source.begin) + 5
        #expect(
            try prometheus.texts("histogram_count(rpc_latency_milliseconds)", at: time) == [
                #"{instance="till-1",job="shop"} 7"#
            ])
        #expect(
            try prometheus.texts("histogram_sum(rpc_latency_milliseconds)", at: time) == [
                #"{instance="till-1",job="shop"} 15"#
            ])
        // Of 7, one is 0, five are in (1, 2], one is in (4, 8].
        for (range, fraction) in [("1, 2", 5.0 / 7), ("4, 8", 1.0 / 7)] {
            let found = try prometheus.texts("histogram_fraction(\(range), rpc_latency_milliseconds)", at: time)
            let value = try #require(found.first?.split(separator: " ").last.flatMap { Double($0) })
            #expect(abs(value - fraction) < 1e-9)
        }
        await exporting.shutdown(deadline: .seconds(20))
        #expect(exporting.snapshots[0].accounts.imbalance == nil)
    }

    @Test("exemplars are with the series of their buckets", arguments: ["classic", "native"])
    func exemplars(_ histograms: String) async throws {
        let prometheus = try await PrometheusServer()
        let source = Minute(2) { number, builder in
            let begin = UInt64(builder.batch.endTime)
            func exemplars(_ rows: inout BatchBuilder.Rows) {
                rows.exemplar(1.5, time: begin - 500_000_000, span: UInt64(number), tags: [("user.id", "me")])
                rows.exemplar(20, time: begin, tags: [("long", String(repeating: "x", count: 200)), ("id", "y")])
            }
            builder.view("hits", .count, keys: []) { rows in
                rows.row(start: 1, Int64(number))
                exemplars(&rows)
            }
            builder.view("latency", .distribution, .double, unit: "s", keys: [], bounds: [0.5, 2]) { rows in
                rows.row(start: 1, sum: 1, buckets: [1, 1, 1])
                exemplars(&rows)
            }
            builder.view("rpc", .exponentialDistribution, .double, unit: "s", keys: [], scale: 0) { rows in
                rows.row(start: 1, sum: 3, positive: [(0, UInt64(number)), (4, 1)])
                exemplars(&rows)
            }
        }
        let exporting = try startExporting(
            every: .milliseconds(50), to: [.remoteWrite(prometheus.port, ["histograms": histograms])],
            collecting: source, resource: ["service.name": "shop", "service.instance.id": "till-1"])
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 2 }
        let report = await exporting.shutdown(deadline: .seconds(20))
        #expect(report.isComplete && exporting.snapshots[0].accounts.imbalance == nil)
        let begin = Double(source.begin)
        func found(_ query: String) throws -> [String] {
            try prometheus.exemplarTexts(query, from: begin, to: begin + 2).map {
                $0.replacingOccurrences(of: String(repeating: "0", count: 15), with: "…")
                    .replacingOccurrences(of: #"instance="till-1",job="shop""#, with: "")
            }
        }
        func untraced(_ number: Int) -> String { #"{id="y"} 20 @\#(begin + Double(number))"# }
        func traced(_ number: Int) -> String {
            #"{span_id="…\#(number)",trace_id="…\#(number)…\#(number)",user_id="me"} 1.5 @\#(begin + Double(number) - 0.5)"#
        }
        // A number has the newest alone.
        #expect(try found("hits_total") == ["hits_total{} \(untraced(1))", "hits_total{} \(untraced(2))"])
        func bucket(_ bound: String) throws -> [String] {
            try found(#"latency_seconds_bucket{le="\#(bound)"}"#).compactMap { $0.components(separatedBy: "} {").last }
        }
        #expect(try bucket("2.0") == [traced(1), traced(2)].map { String($0.dropFirst()) })
        #expect(try bucket("+Inf") == [untraced(1), untraced(2)].map { String($0.dropFirst()) })
        #expect(try bucket("0.5") == [])
        let rpc = try found(histograms == "native" ? "rpc_seconds" : #"rpc_seconds_bucket{le="2.0"}"#)
        // Of a native histogram that it does not know yet, Prometheus takes the exemplars for a stranger's.
        let expected = histograms == "native" ? [traced(2), untraced(2)] : [traced(1), traced(2)]
        #expect(rpc.count == 2)
        for text in expected { #expect(rpc.contains { $0.hasSuffix(text) }, "\(rpc)") }
    }

    @Test(
        "samples that Prometheus calls out of order or too old are dropped at once and counted as that",
        arguments: [(window: "0s", says: "HTTP 400"), (window: "1m", says: "too old")])
    func outOfOrder(_ server: (window: String, says: String)) async throws {
        let prometheus = try await PrometheusServer(
            more: "storage: {tsdb: {out_of_order_time_window: \(server.window)}}")
        let now = Int(Date().timeIntervalSince1970)
        let fill: @Sendable (Int, inout BatchBuilder) -> Void = { number, builder in
            builder.view("steps", .sum, keys: []) { rows in rows.row(start: 1, Int64(number)) }
        }
        let first = Minute(1, begin: now - 10, fill)
        let exporting = try startExporting(
            every: .seconds(3600), to: [.remoteWrite(prometheus.port)], collecting: first)
        await exporting.shutdown(deadline: .seconds(20))
        let earlier = Minute(1, begin: now - 600, fill)
        let late = try startExporting(every: .seconds(3600), to: [.remoteWrite(prometheus.port)], collecting: earlier)
        let report = await late.shutdown(deadline: .seconds(20))
        let accounts = late.snapshots[0].accounts
        #expect(accounts.imbalance == nil && accounts.dropped[.outOfOrder].batches == 1)
        #expect(late.snapshots[0].deliveries.rejected == 1 && late.snapshots[0].deliveries.retried == 0)
        #expect(report.sinks.first?.lost == ["outOfOrder": 1])
        #expect(report.sinks.first?.lastFailure.contains(server.says) == true, "\(report)")
    }

    @Test("another value of the same time is out of order, too")
    func duplicate() async throws {
        let prometheus = try await PrometheusServer()
        let now = Int(Date().timeIntervalSince1970)
        for value in [1, 2] as [Int64] {
            let source = Minute(1, begin: now - 10) { _, builder in
                builder.view("steps", .lastValue, keys: []) { rows in rows.row(start: 1, value) }
            }
            var sink = Sink.remoteWrite(prometheus.port)
            sink.match = ["steps"]
            let exporting = try startExporting(every: .seconds(3600), to: [sink], collecting: source)
            await exporting.shutdown(deadline: .seconds(20))
            let accounts = exporting.snapshots[0].accounts
            #expect(accounts.imbalance == nil && accounts.dropped[.rejected].batches == 0)
            #expect(accounts.dropped[.outOfOrder].batches == UInt64(value) - 1)
        }
    }

    @Test("deltas are refused in words")
    func delta() async throws {
        let source = Minute(1) { _, builder in
            builder.view("hits", .count, keys: [], temporality: .delta) { rows in rows.row(start: 1, 5) }
        }
        let exporting = try startExporting(
            every: .seconds(3600), to: [.remoteWrite(LoopbackPort.free())], collecting: source)
        let report = await exporting.shutdown(deadline: .seconds(5))
        let accounts = exporting.snapshots[0].accounts
        #expect(accounts.imbalance == nil && accounts.dropped[.fatal].batches == 1)
        #expect(report.sinks.first?.lastFailure.contains("temporality cumulative") == true, "\(report)")
    }

    static let faults: [FaultProxy.Fault] = [
        .refuse, .hang, .resetRequest(after: 60), .resetAnswer(after: 10), .dropAcknowledgement,
        .answer(status: 429, headers: ["Retry-After: 0"]), .answer(status: 503), .answer(status: 500),
    ]

    @Test("all that was recorded arrives when a fault has passed, and the accounts balance", arguments: faults)
    func heals(_ fault: FaultProxy.Fault) async throws {
        let prometheus = try await PrometheusServer()
        let proxy = try FaultProxy(to: prometheus.port, fault)
        let source = Minute(1000) { number, builder in
            builder.view("steps", .sum, keys: []) { rows in rows.row(start: 1, Int64(number)) }
        }
        let exporting = try startExporting(
            every: .milliseconds(30), to: [.remoteWrite(proxy.port, ["timeout": "500ms"])], collecting: source)
        if fault != .refuse { try await eventually("the fault strikes") { proxy.count(of: fault) > 0 } }
        await source.collections.wait(for: source.collections.count + 3)
        proxy.plan(.pass)
        let report = await exporting.shutdown(deadline: .seconds(30))
        let accounts = exporting.snapshots[0].accounts
        #expect(report.isComplete && accounts.imbalance == nil, "\(report)")
        #expect(accounts.delivered.batches == accounts.offered.batches, "\(report)")
        if fault == .dropAcknowledgement { #expect(accounts.uncertain.batches > 0) }
        for number in 1...Int(accounts.offered.batches) {
            let found = try prometheus.texts("steps_total", at: Double(source.begin + number))
            #expect(found == ["steps_total{} \(number)"] || found.first?.hasSuffix("} \(number)") == true)
        }
    }

    @Test("a Prometheus that stands still has all when it goes on")
    func standsStill() async throws {
        let prometheus = try await PrometheusServer()
        let source = Minute(1000) { number, builder in
            builder.view("steps", .sum, keys: []) { rows in rows.row(start: 1, Int64(number)) }
        }
        let exporting = try startExporting(
            every: .milliseconds(30), to: [.remoteWrite(prometheus.port, ["timeout": "300ms"])], collecting: source)
        await source.collections.wait { exporting.snapshots[0].accounts.delivered.batches >= 2 }
        prometheus.process.pause()
        await source.collections.wait { exporting.snapshots[0].accounts.uncertain.batches >= 1 }
        prometheus.process.resume()
        let report = await exporting.shutdown(deadline: .seconds(30))
        let accounts = exporting.snapshots[0].accounts
        #expect(report.isComplete && accounts.imbalance == nil, "\(report)")
        for number in 1...Int(accounts.offered.batches) {
            let found = try prometheus.texts("steps_total", at: Double(source.begin + number))
            #expect(found.first?.hasSuffix("} \(number)") == true)
        }
    }
}
