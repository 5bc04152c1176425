import Foundation
import Testing
import WeirBatch
import WeirDump
import WeirTestSupport
import WeirExporterSupport

/// Random hostile names and values in; no two equal identities out, and the totals that went in.
@Suite("Series whose names are hard to keep apart", .serialized)
struct HostileSeriesTests {
    private let seeds = 0..<UInt64(150 * testScale)

    @Test(
        "are read by the official parsers, each once, with their totals",
        .enabled(if: Installed.pythonModules("prometheus_client"), "pip: prometheus_client 0.26.0"))
    func pages() throws {
        var pages: [[String]] = []
        var expected: [HostileSeries] = []
        for seed in seeds {
            let series = HostileSeries(seed: seed)
            let exported = try Exported.of(series.batch)
            pages.append(exported.pages + [try dump(series.batch)])
            expected.append(series)
        }
        let directory = try TemporaryDirectory()
        try JSONEncoder().encode(pages).write(to: URL(filePath: directory.path + "/pages"))
        try Data(Self.script.utf8).write(to: URL(filePath: directory.path + "/script.py"))
        let parsed = try Program.shell("cd \"$0\" && python3 script.py 2>&1", directory.path)
        try #require(parsed.status == 0, "\(parsed.output.suffix(2000))")
        let lines = parsed.output.split(separator: "\n").map { $0.split(separator: " ").compactMap { Int64($0) } }
        #expect(lines.count == expected.count * 3)
        for (place, line) in lines.enumerated() {
            let series = expected[place / 3]
            let totals = [series.counters, series.gauges, series.measurements]
            #expect(Array(line.prefix(3)) == totals, "page \(place % 3) of seed \(place / 3)")
            #expect(series.lastValues.isSubset(of: line.dropFirst(3)), "page \(place % 3) of seed \(place / 3)")
        }
    }

    /// Of each page the totals of counters, gauges and histograms' counts, and all gauges.
    private static let script = """
        import json
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
        from prometheus_client.parser import text_string_to_metric_families as text
        for number, pages in enumerate(json.load(open("pages"))):
            for parse, page in zip([openmetrics, text, openmetrics], pages):
                seen, counters, gauges, counts = set(), 0, [], 0
                for family in parse(page):
                    for sample in family.samples:
                        identity = (sample.name, tuple(sorted(sample.labels.items())))
                        assert identity not in seen, (number, identity, page)
                        seen.add(identity)
                        if family.type == "counter" and sample.name.endswith("_total"): counters += sample.value
                        if family.type == "gauge": gauges.append(sample.value)
                        if family.type == "histogram" and sample.name.endswith("_count"): counts += sample.value
                print(int(counters), int(sum(gauges)), int(counts), *map(int, gauges))
        """

    private func dump(_ batch: Batch) throws -> String {
        let output = Output()
        var dump = Dump(DumpOptions(operands: []), mode: .latest(OpenMetricsFormat()), output: output)
        // As it is read: once it was written.
        var encoder = try BatchEncoder()
        let payload = try encoder.encode(batch)
        let header = FrameHeader(stream: StreamID(high: 1, low: 1), first: 1, last: 1, payload: payload)
        var decoder = try BatchDecoder()
        let read = try decoder.decode(payload.bytes, header: header)
        try dump.take(header) { read }
        dump.showTable()
        return output.collected
    }

    @Test("are sent by remote write each once, with their totals")
    func remoteWrite() throws {
        for seed in seeds {
            let series = HostileSeries(seed: seed)
            var known: Set<[String]> = []
            var (counters, measurements, values): (Double, Double, Set<Int64>) = (0, 0, [])
            for request in try Exported.of(series.batch).writeRequests {
                for one in try Message(request).messages(1) {
                    let labels = try one.messages(1).map { try [$0.text(1), $0.text(2)] }
                    #expect(known.insert(labels.flatMap { $0.map { "\(Array($0.utf8))" } }).inserted, "seed \(seed)")
                    #expect(Set(labels.map { $0[0] }).count == labels.count, "seed \(seed): \(labels)")
                    let samples = try one.messages(2)
                    #expect(samples.count == 1)
                    let value = try samples[0].double(1)
                    let name = try #require(labels.first { $0[0] == "__name__" })[1]
                    let isPart = labels.contains { $0[0] == "le" }
                    if name.hasSuffix("_total") { counters += value }
                    if isPart, labels.contains(["le", "+Inf"]) { measurements += value }
                    values.insert(Int64(value))
                }
            }
            #expect(Int64(counters) >= series.counters, "seed \(seed)")
            #expect(Int64(measurements) == series.measurements, "seed \(seed)")
            #expect(series.lastValues.isSubset(of: values), "seed \(seed)")
        }
    }

    @Test("are points of OTLP each once, all of them")
    func otlp() throws {
        for seed in seeds {
            let series = HostileSeries(seed: seed)
            var known: Set<[String]> = []
            var total: Int64 = 0
            for request in try Exported.of(series.batch).otlpRequests {
                let metrics = try Message(request).messages(1).flatMap { try $0.messages(2) }.flatMap {
                    try $0.messages(2)
                }
                for metric in metrics {
                    let (name, kinds) = (try metric.text(1), [UInt32(5), 7, 9])
                    for kind in kinds {
                        for point in try metric.messages(kind).flatMap({ try $0.messages(1) }) {
                            let tags = try point.messages(kind == 9 ? 9 : 7).map { attribute in
                                "\(Array(try attribute.text(1).utf8))=\(Array(try attribute.messages(2)[0].text(1).utf8))"
                            }
                            #expect(known.insert([name] + tags.sorted()).inserted, "seed \(seed): \(name) \(tags)")
                            total += Int64(bitPattern: try point.fixed64(kind == 9 ? 4 : 6))
                        }
                    }
                }
            }
            #expect(total == series.counters + series.gauges + series.measurements, "seed \(seed)")
        }
    }

    @Test("are lines of StatsD and Graphite each once, with their totals")
    func lines() throws {
        for seed in seeds {
            let series = HostileSeries(seed: seed)
            let exported = try Exported.of(series.batch)
            for text in exported.statsd + exported.graphite {
                let isStatsd = exported.statsd.contains(text)
                var known: Set<[UInt8]> = []
                var total = 0.0
                var values: Set<Int64> = []
                for line in text.split(separator: "\n") {
                    let (name, value) = isStatsd ? Self.statsd(line) : Self.graphite(line)
                    #expect(known.insert(Array(name.utf8)).inserted, "seed \(seed): \(line)")
                    total += value
                    values.insert(Int64(value))
                }
                if series.measurements == 0 { #expect(Int64(total) == series.counters + series.gauges, "seed \(seed)") }
                #expect(series.lastValues.isSubset(of: values), "seed \(seed)")
            }
        }
    }

    private static func statsd(_ line: Substring) -> (name: String, value: Double) {
        let parts = line.split(separator: "|", omittingEmptySubsequences: false)
        let colon = parts[0].lastIndex(of: ":") ?? parts[0].startIndex
        let name = String(parts[0][..<colon]) + "|" + parts.dropFirst(2).joined(separator: "|")
        return (name, Double(parts[0][colon...].dropFirst()) ?? .nan)
    }

    private static func graphite(_ line: Substring) -> (name: String, value: Double) {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count == 3 ? Double(parts[1]) ?? .nan : .nan)
    }
}

/// A protobuf message, read field by field.
private struct Message {
    private var fields: [(field: UInt32, value: WireReader.Value)] = []

    init(_ bytes: some Collection<UInt8>) throws {
        var reader = WireReader(Array(bytes)[...])
        while let field = try reader.next() { fields.append(field) }
    }

    func messages(_ field: UInt32) throws -> [Message] {
        try fields.filter { $0.field == field }.compactMap { field in
            if case .bytes(let bytes) = field.value { try Message(bytes) } else { nil }
        }
    }

    func text(_ field: UInt32) throws -> String {
        for case (field, .bytes(let bytes)) in fields { return String(decoding: bytes, as: UTF8.self) }
        return ""
    }

    func fixed64(_ field: UInt32) throws -> UInt64 {
        for case (field, .fixed64(let word)) in fields { return word }
        return 0
    }

    func double(_ field: UInt32) throws -> Double { Double(bitPattern: try fixed64(field)) }
}
