import Testing
import WeirBatch
import WeirTestSupport

/// Whether python3 has prometheus_client, whose parser is the format's reference.
private let hasParser: Bool = {
    let result = try? Program.run("/usr/bin/env", ["python3", "-c", "import prometheus_client.openmetrics.parser"])
    return result?.status == 0
}()

@Suite(
    "The OpenMetrics parser of prometheus_client",
    .enabled(if: hasParser, "python3 with prometheus_client is not installed: pip install prometheus_client"))
struct OpenMetricsTests {
    /// Prints each sample as `type name{labels} value timestamp`, labels in order.
    private static let script = """
        import sys
        from prometheus_client.openmetrics import parser
        for family in parser.text_string_to_metric_families(sys.stdin.read()):
            for s in family.samples:
                labels = ",".join("%s=%r" % pair for pair in sorted(s.labels.items()))
                print(family.type, family.unit or "-", "%s{%s}" % (s.name, labels), s.value, s.timestamp)
        """

    private func parse(_ text: String) throws -> [String] {
        let result = try Program.run("/usr/bin/env", ["python3", "-c", Self.script], input: Array(text.utf8))
        #expect(result.status == 0, "\(result.errors)")
        return result.output.split(separator: "\n").map(String.init)
    }

    @Test("takes what the shop's files say, and reads the same out of it")
    func shop() throws {
        let folder = try ShopFiles.folder()
        let lines = try parse(try Command.weir("dump", folder.path, "--format", "openmetrics").output)
        #expect(lines.contains("info - target_info{host_name='till 3',service_name='shop'} 1 None"))
        #expect(
            lines.contains(
                "counter bytes http_bytes_total{http_route='/say \"hi\", now\\\\then\\nnext'} 9007199254740993 "
                    + "1795525300.000000000"))
        #expect(
            lines.contains(
                "histogram seconds http_latency_seconds_bucket{http_route='/users',http_status_code='200',le='0.025'} "
                    + "146 1795525300.000000000"))
        #expect(lines.filter { $0.hasPrefix("histogram milliseconds rpc_latency_milliseconds_bucket") }.count == 6)
        #expect(lines.contains("gauge - pool_open{} 5 1795525300.000000000"))
    }

    @Test("takes names that collide, labels that are reserved, values below zero and several sources")
    func odd() throws {
        let folder = try TemporaryDirectory()
        for (index, stream) in [ShopBatches.stream, ShopBatches.restarted].enumerated() {
            let begin = ShopBatches.begin
            var builder = BatchBuilder(
                start: begin, end: begin + ShopBatches.second, resource: [("service.name", "odd \(index)")])
            builder.view("a.b", .count, keys: ["k.1", "k_1", "stream", "9"]) {
                $0.row(["x", "y", "z", "\u{1F600}\"\\\n"], start: begin, 1)
                $0.row([nil, "y", nil, ""], start: begin, 2)
            }
            builder.view("a/b", .count) { $0.row(start: begin, 3) }
            builder.view("a_b_total", .lastValue) { $0.row(start: begin, -4) }
            builder.view("", .lastValue, .double) { $0.row(start: begin, double: .nan) }
            builder.view("9lives", .sum, .double, unit: "ms", description: "a \\ b\nc \"d\"", isMonotonic: false) {
                $0.row(start: begin, double: -.infinity)
            }
            builder.view("h", .distribution, .double, unit: "s", keys: ["le"], bounds: [-1, 0, 1e-9, 1e22]) {
                $0.row(["x"], start: begin, sum: -3, buckets: [1, 0, 2, 3, 4])
            }
            builder.view("h_seconds_count", .count) { $0.row(start: begin, 3) }
            builder.view("e", .exponentialDistribution, .double, unit: "By/s", scale: -10) {
                $0.row(
                    start: begin, sum: 1, zero: 1, positive: [(-2, 1), (-1, 2), (0, 3), (1, 4)],
                    negative: [(-1, 1), (0, 2), (5, 1)])
            }
            builder.view("target", .count) { $0.row(start: begin, 3) }
            try folder.write(try ShopFiles.frame(builder.batch, 1, stream: stream), to: "\(index).weir.zst")
        }
        let result = try Command.weir("dump", folder.path, "--format", "openmetrics")
        #expect(result.status == 0)
        let lines = try parse(result.output)
        for stream in [ShopBatches.stream, ShopBatches.restarted] {
            let own = lines.filter { $0.contains("stream='\(hexadecimal(stream))'") }
            // Of every view all its series, whatever they had to be called.
            #expect(own.filter { $0.hasPrefix("counter") && $0.contains("_total{") }.count == 5)
            #expect(own.contains { $0.contains("a_b_total{exported_stream='z',k_1='x;y',key_9='😀\"\\\\\\n'") })
            #expect(own.contains { $0.hasPrefix("histogram seconds h_") && $0.contains("exported_le='x',le='0.0'") })
            #expect(own.contains { $0.contains("le='+Inf'") && $0.contains(" 10 ") })
        }
        #expect(!lines.contains { $0.contains("h_seconds_sum") })
    }

    private func hexadecimal(_ stream: StreamID) -> String {
        [stream.high, stream.low].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
