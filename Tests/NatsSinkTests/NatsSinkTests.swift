import CNATS
import Foundation
import NatsSink
import Testing
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

@Suite("The NATS exporter and a server", .enabled(if: Nats.isInstalled, "nats-server"), .server)
struct NatsSinkTests {
    private let stream: TestStream

    init() throws {
        stream = try TestStream(0x1111)
    }

    @Test("messages one behind the other are a batch file, the end mark last, and their headers say what they are")
    func publishes() async throws {
        let server = try await Nats.server()
        let exporter = try open(["servers": server.url, "createStream": "true"])
        #expect(exporter.previousStream == nil)
        for number in 1...3 { #expect(exporter.deliver(UInt64(number), of: stream) == Delivery(.delivered)) }
        #expect(exporter.end(3, of: stream) == Delivery(.delivered))
        exporter.close()
        let messages = try NatsReader(server.url).messages()
        let end = FrameHeader(stream: stream.stream, first: 3, last: 3).encoded()
        #expect(messages.map(\.bytes) == [stream.bytes(1), stream.bytes(2), stream.bytes(3), end])
        let name = "00000000000011110000000000001111"
        #expect(
            messages[1].headers == [
                "Nats-Msg-Id": "\(name).2-2.1", "Weir-Stream": name, "Weir-Numbers": "2-2",
                "Content-Type": "application/zstd",
            ])
        #expect(messages[3].headers["Weir-End"] == "true")
        let contents = try BatchContents(messages.map(\.bytes))
        #expect(contents.headers.map(\.first) == [1, 2, 3] && contents.endMarks.count == 1)
        // As anybody would read it.
        let file = try TemporaryDirectory()
        try file.write(messages.flatMap(\.bytes), to: "messages")
        #expect(try Program.shell("zstd -dc < \"$0\" | wc -c", file.path("messages")).status == 0)
    }

    @Test("a batch that comes again is stored once, also from another process")
    func deduplicates() async throws {
        let server = try await Nats.server()
        let settings = ["servers": server.url, "createStream": "true"]
        let exporter = try open(settings)
        for _ in 1...3 { #expect(exporter.deliver(1, of: stream) == Delivery(.delivered)) }
        #expect(exporter.count("messages.deduplicated") == 2)
        exporter.close()
        let other = try open(settings)
        #expect(other.deliver(1, of: stream) == Delivery(.delivered))
        #expect(other.count("messages.deduplicated") == 1)
        other.close()
        #expect(try NatsReader(server.url).messages().count == 1)
    }

    @Test("a stream is made as asked, and one that is there stays as it is")
    func makesStream() async throws {
        let server = try await Nats.server()
        var settings = [
            "servers": server.url, "createStream": "true", "subject": "stats.shop", "stream": "STATS",
            "maxBytes": "2MiB",
            "maxAge": "20m", "storage": "memory",
        ]
        let exporter = try open(settings)
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        exporter.close()
        let reader = try NatsReader(server.url)
        let facts = try reader.facts(of: "STATS")
        #expect(facts.subjects == ["stats.shop"] && facts.replicas == 1)
        #expect(facts.maximumBytes == 2 << 20 && facts.maximumAge == 1_200_000_000_000)
        // No longer than what it keeps.
        #expect(facts.duplicateWindow == 1_200_000_000_000)
        #expect(facts.discardsOld && facts.isInMemory)
        settings["maxBytes"] = "4MiB"
        let second = try open(settings)
        #expect(second.previousStream == stream.stream)
        #expect(second.deliver(2, of: stream) == Delivery(.delivered))
        second.close()
        #expect(try reader.facts(of: "STATS").maximumBytes == 2 << 20)
        #expect(try reader.messages(in: "STATS").count == 2)
    }

    @Test("without a stream a batch waits, and goes where somebody makes one")
    func missingStream() async throws {
        let server = try await Nats.server()
        let exporter = try open(["servers": server.url])
        let delivery = exporter.deliver(1, of: stream)
        #expect(delivery.outcome == .retry(hint: nil, attemptLimit: nil) && !delivery.isUncertain)
        #expect(delivery.message.contains("no stream WEIR listens to weir"))
        let reader = try NatsReader(server.url)
        try reader.makeStream("WEIR", subject: "weir")
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        exporter.close()
        #expect(try reader.messages().count == 1)
    }

    @Test("another stream that takes the subject is not taken for the one that was named")
    func otherStream() async throws {
        let server = try await Nats.server()
        let reader = try NatsReader(server.url)
        try reader.makeStream("OTHER", subject: "weir")
        let exporter = try open(["servers": server.url])
        #expect(exporter.deliver(1, of: stream).outcome == .fatal)
        exporter.close()
        #expect(try reader.messages(in: "OTHER").isEmpty)
    }

    @Test("what is larger than the server takes is rejected with both numbers, and the next batch goes")
    func tooLarge() async throws {
        let server = try await Nats.server("max_payload: 4096")
        let exporter = try open(["servers": server.url, "createStream": "true"])
        let large = try TestStream(0x2222, rows: 2000)
        let length = large.bytes(1).count
        let delivery = exporter.deliver(1, of: large)
        #expect(delivery.outcome == .rejected)
        #expect(delivery.message == "the batch is a message of \(length) bytes, and the server takes at most 4096")
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        #expect(exporter.count("connections.opened") == 1)
        exporter.close()
    }

    @Test("what is larger than the stream takes is rejected with both numbers")
    func tooLargeForStream() async throws {
        let server = try await Nats.server()
        try NatsReader(server.url).makeStream("WEIR", subject: "weir", maximumMessage: 1000)
        let exporter = try open(["servers": server.url])
        let large = try TestStream(0x2222, rows: 2000)
        let delivery = exporter.deliver(1, of: large)
        #expect(delivery.outcome == .rejected)
        #expect(
            delivery.message
                == "the batch is a message of \(large.bytes(1).count) bytes, and the stream WEIR takes at most 1000")
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        exporter.close()
    }

    @Test("a stream that is full and discards what is new makes batches wait")
    func full() async throws {
        let server = try await Nats.server()
        try NatsReader(server.url).makeStream("WEIR", subject: "weir", discardsNew: true, maximumMessages: 1)
        let exporter = try open(["servers": server.url])
        #expect(exporter.deliver(1, of: stream) == Delivery(.delivered))
        let delivery = exporter.deliver(2, of: stream)
        #expect(delivery.outcome == .retry(hint: nil, attemptLimit: nil) && !delivery.isUncertain)
        exporter.close()
    }

    @Test("threads and descriptors end with the last exporter, and the process's signals stay as they were")
    func leavesNothing() async throws {
        let server = try await Nats.server()
        let url = server.url
        await #expect(processExitsWith: .success) { [url = url as String] in
            func count(_ folder: String) throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/\(folder)").count
            }
            func handlesBrokenPipe() -> Bool {
                var action = sigaction()
                unsafe sigaction(SIGPIPE, nil, &action)
                return unsafe action.__sigaction_handler.sa_handler == nil
            }
            let stream = try TestStream(0x1111)
            var threads: [Int] = []
            var descriptors: [Int] = []
            for round in 0..<(20 * testScale) {
                let exporters = try (0...2).map { _ in try open(["servers": url, "createStream": "true"]) }
                for exporter in exporters {
                    #expect(exporter.deliver(UInt64(round + 1), of: stream) == Delivery(.delivered))
                }
                let during = try count("task")
                for exporter in exporters { exporter.close() }
                threads.append(try count("task"))
                descriptors.append(try count("fd"))
                // Three connections have a reader and a flusher each, and the library has threads besides.
                #expect(during >= threads[round] + 6)
                #expect(handlesBrokenPipe())
            }
            // The process's own pools may have taken a thread or two meanwhile: not one a round.
            #expect(threads[threads.count - 1] <= threads[0] + 3)
            #expect(descriptors[descriptors.count - 1] <= descriptors[0] + 3)
        }
    }
}
