import Logging
import OtlpHttpSink
import Testing
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

/// Servers that take OTLP and say so otherwise than OTLP does.
@Suite("OTLP to servers that say yes in their own way", .timeLimit(.minutes(1)))
struct ForeignSuccessTests {
    static let answers: [String: FaultProxy.Fault] = [
        "JSON": .answer(
            status: 200, headers: ["Content-Type: application/json"], body: Array("{\"partialSuccess\":{}}".utf8)),
        "text": .answer(status: 200, headers: ["Content-Type: text/plain"], body: Array("OK".utf8)),
        "a word that is called HTML": .answer(
            status: 200, headers: ["Content-Type: text/html; charset=utf-8"], body: Array("OK".utf8)),
        "a word without a type": .answer(status: 200, body: Array("OK".utf8)),
        "202": .answer(status: 202, headers: ["Content-Type: application/json"], body: Array("{}".utf8)),
        "half a message": .answer(
            status: 200, headers: ["Content-Type: application/x-protobuf"], body: [0x0A, 6, 0x08]),
        "a body that breaks off": .answer(
            status: 200, headers: ["Transfer-Encoding: chunked", "Connection: close"], body: Array("5\r\nab".utf8)),
        "a body longer than anybody reads": .answer(status: 200, body: [UInt8](repeating: 1, count: 3 << 20)),
    ]

    /// What becomes of three batches, and how many requests they took.
    private func deliver(
        to answer: FaultProxy.Fault, _ log: LogLines
    ) throws -> (deliveries: [Delivery], sent: UInt64?) {
        let proxy = try FaultProxy(to: LoopbackPort.free(), answer)
        let exporter = try unsafe PluginTable(builtIn: OtlpHttpSink.plugin.table).open(
            for: SinkContext(
                name: "otlp", settings: ["endpoint": "http://127.0.0.1:\(proxy.port)"], logger: log.logger))
        defer { exporter.close() }
        let stream = try TestStream()
        let deliveries = (1...3).map { number in
            exporter.deliver(
                stream.header(number), payload: stream.payload.bytes,
                deadline: TimeSource.system.monotonic() + 20_000_000_000)
        }
        return (deliveries, exporter.counters().first { $0.name == "requests.sent" }?.value)
    }

    @Test(
        "a success whose body cannot be read is a success, sent once and warned of once",
        arguments: answers.keys.sorted())
    func accepted(_ name: String) throws {
        let answer = try #require(Self.answers[name])
        let log = LogLines()
        let (deliveries, sent) = try deliver(to: answer, log)
        #expect(deliveries.allSatisfy { $0 == Delivery(.delivered) }, "\(deliveries)")
        #expect(sent == 3)
        #expect(log.all.count == 1 && log.all.first?.hasPrefix("warning: ") == true, "\(log.all)")
    }

    @Test("a success without a body is a collector's own", arguments: [200, 202, 204])
    func empty(_ status: Int) throws {
        let log = LogLines()
        let (deliveries, sent) = try deliver(to: .answer(status: status, headers: ["Content-Type: text/html"]), log)
        #expect(deliveries.allSatisfy { $0 == Delivery(.delivered) } && sent == 3, "\(deliveries)")
        #expect(log.all.isEmpty)
    }

    @Test("a page is no success: somebody answers in the collector's place")
    func page() throws {
        let page = FaultProxy.Fault.answer(
            status: 200, headers: ["Content-Type: text/html; charset=utf-8"], body: Array("<p>log in".utf8))
        let (deliveries, _) = try deliver(to: page, LogLines())
        #expect(deliveries.allSatisfy { $0.outcome == .retry(hint: nil, attemptLimit: 10) && $0.isUncertain })
        #expect(deliveries.allSatisfy { $0.message.contains("text/html") })
    }
}
