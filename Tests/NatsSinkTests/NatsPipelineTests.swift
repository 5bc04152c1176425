import Foundation
import NatsSink
import Testing
import Weir
import WeirBatch
import WeirConfiguration
import WeirExport
import WeirTestSupport

/// All of Weir before a real cluster: what was recorded, what the accounts say, and what the stream holds are one.
@Suite("A program that exports to NATS", .enabled(if: Nats.isInstalled, "nats-server"), .server, .serialized)
struct NatsPipelineTests {
    /// Records from a thread of its own until it is let go.
    private final class Recording: Sendable {
        let stats: Stats
        private let recorder: Recorder<Int64>
        private let thread: Task<Int64, Never>

        init() throws {
            stats = try Stats()
            let measure = Measure<Int64>("nats.test.count")
            try stats.register(View("nats/test", of: measure, as: .sum))
            recorder = measure.bound(in: stats)
            let recorder = recorder
            thread = Task.detached {
                var total: Int64 = 0
                while !Task.isCancelled {
                    for _ in 0..<100 { recorder.record(1) }
                    total += 100
                    try? await Task.sleep(for: .milliseconds(1))
                }
                return total
            }
        }

        /// How much was recorded.
        func finish() async -> Int64 {
            thread.cancel()
            return await thread.value
        }
    }

    private func sink(_ servers: [TestServer], _ more: [String: String]) -> Sink {
        let settings = ["servers": servers.map(\.url).joined(separator: ","), "createStream": "true"]
        var sink = Sink(NatsSink.plugin, name: "nats", settings: settings.merging(more) { $1 })
        sink.temporality = .delta
        sink.maximumBatches = 100_000
        sink.policy = .dropOldest
        sink.retry = RetryPolicy(first: .milliseconds(20), longest: .milliseconds(200))
        sink.breaker = BreakerPolicy(failuresInARow: 0, failuresOf20: 0)
        return sink
    }

    private func expectWhole(
        _ messages: [NatsReader.Stored], _ snapshot: SinkSnapshot, recorded: Int64
    ) throws {
        let accounts = snapshot.accounts
        #expect(accounts.imbalance == nil)
        #expect(accounts.delivered == accounts.offered)
        let contents = try BatchContents(messages.map(\.bytes))
        #expect(contents.headers.map(\.first) == Array(1...accounts.delivered.batches))
        #expect(contents.headers.allSatisfy { $0.gaps.isEmpty })
        #expect(contents.endMarks.count == 1 && snapshot.hasEndMark)
        #expect(contents.batches.map { UInt64($0.rows) }.reduce(0, +) == accounts.delivered.rows)
        // Deltas: one batch too few or too many would show.
        #expect(contents.sum(of: "nats/test") == recorded)
        #expect(Set(messages.map { $0.headers["Nats-Msg-Id"] }).count == messages.count)
    }

    @Test("the leader of three servers is killed while batches flow: nothing acknowledged is lost, nothing is double")
    func leaderKilled() async throws {
        let servers = try await Nats.cluster()
        let recording = try Recording()
        let exporting = try startExporting(
            every: .milliseconds(20),
            to: sink(servers, ["replicas": "3", "connectTimeout": "500ms", "publishTimeout": "1s"]),
            from: recording.stats)
        func delivered() -> UInt64 { exporting.snapshots[0].accounts.delivered.batches }
        // A cluster elects its own leader before it makes a stream.
        try await eventually("batches flow", within: 60) { delivered() > 20 }

        var reader: NatsReader? = try NatsReader(servers[0].url)
        let leader = try #require(try reader?.facts(of: "WEIR").leader)
        reader = nil
        let killed = try #require(Int(leader.dropFirst()))
        let before = delivered()
        servers[killed].process.kill()
        try await eventually("batches flow again", within: 60) { delivered() > before + 20 }

        let recorded = await recording.finish()
        let report = await exporting.shutdown(deadline: .seconds(60))
        #expect(report.isComplete)
        let other = servers[(killed + 1) % 3]
        let messages = try NatsReader(other.url).messages()
        try expectWhole(messages, exporting.snapshots[0], recorded: recorded)
        let facts = try NatsReader(other.url).facts(of: "WEIR")
        #expect(facts.replicas == 3 && facts.leader != leader && facts.discardsOld)
    }

    @Test("a server that hangs for a while makes batches wait, and all arrive once")
    func hangs() async throws {
        let server = try await Nats.server()
        let recording = try Recording()
        let exporting = try startExporting(
            every: .milliseconds(10), to: sink([server], ["connectTimeout": "200ms", "publishTimeout": "300ms"]),
            from: recording.stats)
        func accounts() -> Accounts { exporting.snapshots[0].accounts }
        try await eventually("batches flow") { accounts().delivered.batches > 10 }
        server.process.pause()
        try await eventually("deliveries fail") { exporting.snapshots[0].deliveries.retried >= 3 }
        #expect(accounts().uncertain.batches > 0)
        server.process.resume()
        let before = accounts().delivered.batches
        try await eventually("batches flow again") { accounts().delivered.batches > before + 20 }
        let recorded = await recording.finish()
        #expect(await exporting.shutdown(deadline: .seconds(30)).isComplete)
        try expectWhole(NatsReader(server.url).messages(), exporting.snapshots[0], recorded: recorded)
    }

    @Test("a shutdown before a server that hangs is over by its deadline, and what was not delivered is counted")
    func shutdownWhileHanging() async throws {
        let server = try await Nats.server()
        let recording = try Recording()
        let exporting = try startExporting(
            every: .milliseconds(10), to: sink([server], ["publishTimeout": "5m"]), from: recording.stats)
        try await eventually("batches flow") { exporting.snapshots[0].accounts.delivered.batches > 10 }
        server.process.pause()
        let before = exporting.snapshots[0].accounts.offered.batches
        try await eventually("batches wait") { exporting.snapshots[0].accounts.offered.batches > before + 5 }
        _ = await recording.finish()
        let report = await exporting.shutdown(deadline: .milliseconds(500))
        #expect(!report.isComplete)
        let accounts = exporting.snapshots[0].accounts
        #expect(accounts.imbalance == nil && (accounts.dropped[.shutdown].batches) > 0)
        server.process.resume()
        // What is there is what was acknowledged, and at most what was being sent.
        let contents = try BatchContents(NatsReader(server.url).messages().map(\.bytes))
        let numbers = contents.headers.map(\.first)
        #expect(numbers == Array(1...UInt64(numbers.count)))
        #expect(accounts.delivered.batches...accounts.delivered.batches + 1 ~= UInt64(numbers.count))
    }

    @Test("the README's configuration runs as it is written, as a plugin in a process of its own, and all arrives")
    func readme() async throws {
        let servers = try await Nats.cluster()
        let ports = ["127.0.0.1:4222", "127.0.0.1:4223", "127.0.0.1:4224"]
        let changes = zip(ports, servers).map { ($0, "127.0.0.1:\($1.port)") }
        let yaml = try ReadmeSample.yaml(of: "NatsExporter", Dictionary(uniqueKeysWithValues: changes))
        // A cluster that has elected its leader, which takes seconds, takes a stream at once.
        try await eventually("the cluster has a leader", within: 60) {
            (try? NatsReader(servers[0].url).makeStream("PROBE", subject: "probe")) != nil
        }
        let recording = try Recording()
        let exporting = try startExporting(
            configuration: Configuration(yaml: yaml, file: "README.md", environment: [:]), from: recording.stats)
        #expect(exporting.snapshots.map(\.name) == ["queue"])
        let recorded = await recording.finish()
        #expect(await exporting.shutdown(deadline: .seconds(60)).isComplete)
        let reader = try NatsReader(servers[1].url)
        let contents = try BatchContents(reader.messages(in: "STATS").map(\.bytes))
        // Cumulative: the last one says it all.
        let last = try #require(contents.batches.last?.views.first { $0.name == "nats/test" })
        #expect(last.integers == [recorded])
        #expect(contents.endMarks.count == 1)
        let facts = try reader.facts(of: "STATS")
        #expect(facts.subjects == ["stats.shop"] && facts.replicas == 3 && facts.maximumBytes == 256 << 20)
        #expect(facts.maximumAge == 7 * 86_400_000_000_000)
    }
}
