import Foundation
import GraphiteSink
import StatsdSink
import Testing
import WeirBatch
import WeirExport
import WeirExporterSupport
import WeirTestSupport

@Suite("Lines of StatsD and Graphite")
struct LineTests {
    private static let receivedStatsd = [
        "p.http.requests.a_b.x_y_z.route._users:4|c", "p.http.requests.route._:5|c", "p.bytes:1.5|c", "p.open:+2|g",
        "p.closed:-2|g", "p.heat:0|g", "p.heat:-3.5|g", "p.latency.count:10|c", "p.latency.sum:15.0|c",
        "p.latency.min:1.0|g", "p.latency.max:2.0|g", "p.latency.p50:1.5|g", "p.latency.p90:1.9|g",
        "p.latency.p99:1.99|g",
    ]

    @Test("StatsD gets counters, gauges and what a distribution comes to, tags in the name")
    func statsd() throws {
        let receiver = try Receiver(isStream: false)
        let exporter = try open(StatsdSink.plugin, ["address": "127.0.0.1:\(receiver.port)", "prefix": "p"])
        #expect(try exporter.deliver(Samples.batch(.delta)) == Delivery(.delivered))
        #expect(receiver.packet().split(separator: "\n").map(String.init) == Self.receivedStatsd)
        #expect(exporter.count("values.skipped") == 1 && exporter.count("packets.sent") == 1)
        exporter.close()
    }

    @Test("DogStatsD gets tags behind the line, and gauges that may be below zero")
    func dogStatsd() throws {
        let receiver = try Receiver(isStream: false)
        let exporter = try open(
            StatsdSink.plugin, ["address": "127.0.0.1:\(receiver.port)", "dialect": "dogstatsd"])
        #expect(try exporter.deliver(Samples.batch(.delta)) == Delivery(.delivered))
        let lines = receiver.packet().split(separator: "\n").map(String.init)
        #expect(
            lines.prefix(6) == [
                "http.requests:4|c|#a.b:x:y_z,route:/users", "http.requests:5|c|#route:_", "bytes:1.5|c", "open:2|c",
                "closed:-2|c", "heat:-3.5|g",
            ])
        exporter.close()
    }

    @Test("StatsD refuses batches that count from the beginning, with a word on what would be right")
    func cumulative() throws {
        let exporter = try open(StatsdSink.plugin, [:])
        let delivery = try exporter.deliver(Samples.batch(.cumulative))
        #expect(delivery.outcome == .fatal && delivery.message.hasSuffix("set temporality: delta for this sink"))
        exporter.close()
    }

    @Test("Graphite gets a value and a time, tags in the name or behind it", arguments: [false, true])
    func graphite(hasTags: Bool) throws {
        let receiver = try Receiver(isStream: false)
        let exporter = try open(
            GraphiteSink.plugin,
            [
                "address": "127.0.0.1:\(receiver.port)", "protocol": "udp", "prefix": "a/b.",
                "tags": hasTags ? "graphite" : "name",
            ])
        #expect(try exporter.deliver(Samples.batch(.cumulative)) == Delivery(.delivered))
        let lines = receiver.packet().split(separator: "\n").map(String.init)
        let name = hasTags ? "http.requests;a.b=x:y|z;route=/users" : "http.requests.a_b.x_y_z.route._users"
        #expect(lines.first == "a.b.\(name) 4 1795525210")
        #expect(lines.contains("a.b.heat -3.5 1795525210") && lines.contains("a.b.latency.p50 1.5 1795525210"))
        #expect(!lines.contains { $0.contains("nan") })
        exporter.close()
    }

    @Test("packets are no longer than asked, hold whole lines, and lose none but those that fit into no packet")
    func packets() throws {
        var builder = BatchBuilder(start: 1, end: 2)
        builder.view("n", .lastValue, keys: ["k"]) { rows in
            for number in 0..<200 { rows.row(["\(number)"], start: 1, Int64(number)) }
            rows.row([String(repeating: "x", count: 100)], start: 1, 1)
            rows.row(["last"], start: 1, 1)
        }
        for limit in [64, 65, 66, 67, 68, 69, 70, 512, 1432] {
            let receiver = try Receiver(isStream: false)
            let exporter = try open(
                StatsdSink.plugin, ["address": "127.0.0.1:\(receiver.port)", "packetBytes": "\(limit)"])
            #expect(try exporter.deliver(builder.batch) == Delivery(.delivered))
            let packets = receiver.packets()
            #expect(packets.allSatisfy { $0.utf8.count <= limit && !$0.hasSuffix("\n") })
            let lines = packets.flatMap { $0.split(separator: "\n").map(String.init) }
            let isTooLong = limit < 106
            #expect(lines.count == (isTooLong ? 201 : 202) && lines.last == "n.k.last:1|g")
            #expect(lines.prefix(200).elementsEqual((0..<200).map { "n.k.\($0):\($0)|g" }))
            #expect(exporter.count("lines.too_long") == (isTooLong ? 1 : 0))
            #expect(exporter.count("packets.sent") == UInt64(packets.count))
            exporter.close()
        }
    }

    @Test("where nobody listens UDP fails and says why, and counts what was not taken")
    func nobodyListens() throws {
        let port = try Receiver(isStream: false).port
        let exporter = try open(StatsdSink.plugin, ["address": "127.0.0.1:\(port)"])
        for _ in 1...3 {
            let delivery = try exporter.deliver(Samples.batch(.delta))
            #expect(delivery.outcome == .retry(hint: nil, attemptLimit: nil) && !delivery.isUncertain)
            #expect(delivery.message == "send to 127.0.0.1:\(port): Connection refused")
        }
        #expect(exporter.count("packets.failed") == 3 && exporter.count("packets.sent") == 0)
        exporter.close()
    }

    @Test("where nobody listens TCP waits, and an address that is none is refused")
    func noServer() throws {
        let port = try Receiver(isStream: true).port
        for plugin in [StatsdSink.plugin, GraphiteSink.plugin] {
            let exporter = try open(plugin, ["address": "127.0.0.1:\(port)", "protocol": "tcp"])
            let delivery = try exporter.deliver(Samples.batch(.delta))
            #expect(delivery.outcome == .retry(hint: nil, attemptLimit: nil) && !delivery.isUncertain)
            #expect(delivery.message.hasPrefix("connect to 127.0.0.1:\(port): "))
            exporter.close()
            for address in ["nowhere", "host:", "host:0", "host:x", ":1", "::1:80"] {
                #expect(throws: ExportError.self) { try open(plugin, ["address": address]) }
            }
        }
    }

    @Test(
        "a stream that stands still costs the timeout, and a connection that breaks is made anew",
        arguments: [false, true])
    func broken(isStatsd: Bool) async throws {
        let receiver = try Receiver(isStream: true)
        let plugin = isStatsd ? StatsdSink.plugin : GraphiteSink.plugin
        let exporter = try open(
            plugin, ["address": "127.0.0.1:\(receiver.port)", "protocol": "tcp", "timeout": "300ms"])
        // Larger than what the system takes for a reader who is not there.
        var builder = BatchBuilder(start: 1, end: 2)
        builder.view("n", .lastValue, keys: ["k"]) { rows in
            let long = String(repeating: "x", count: 100)
            for number in 0..<100_000 { rows.row([long + "\(number)"], start: 1, Int64(number)) }
        }
        let batch = builder.batch
        let first = try exporter.deliver(batch)
        #expect(first.outcome == .retry(hint: nil, attemptLimit: nil) && first.isUncertain, "\(first)")
        let reader = Task.detached { (receiver.stream(), receiver.stream()) }
        var last = first
        for _ in 1...50 where last.outcome != .delivered { last = try exporter.deliver(batch) }
        #expect(last.outcome == .delivered)
        exporter.close()
        let (before, after) = await reader.value
        if isStatsd {
            // Each line once at most, and none but those on their way is missing.
            let lines = (before + after).split(separator: "\n")
            #expect(after.hasSuffix("x99999:99999|g\n"))
            #expect(Set(lines).count >= lines.count - 1)
        } else {
            #expect(after.split(separator: "\n").count == 100_000)
        }
    }

    @Test("names become levels of letters, digits, _ and -")
    func names() {
        #expect(LineName.path("http/latency.p-99_x") == "http.latency.p-99_x")
        #expect(LineName.path("//a//b..c/") == "a.b.c" && LineName.path("") == "_" && LineName.path("é b\n") == "__b_")
        #expect(LineName.level("/users/7.5") == "_users_7_5")
        #expect(LineName.escaped("a;b c", ";") == "a_b_c" && LineName.escaped("", ";") == "_")
    }
}
