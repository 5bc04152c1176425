import Foundation
import NatsSink
import Testing
import Weir
import WeirBatch
import WeirExport
import WeirTestSupport

/// One program with sinks of several kinds, to which anything may happen, decided by a seed.
final class FaultRound {
    private var random: SeededGenerator
    private let places: FaultPlaces
    private let source: CountedSource
    private let exporting: Exporting
    private let library: String
    private let serverDirectory: TemporaryDirectory
    private var server: TestServer
    private var sinks: [Sink]
    /// How often a sink more was added, each time under another name and into another folder.
    private var extras = 0
    /// What is wrong now, and how it is put right.
    private var struck: [String: () async throws -> Bool] = [:]
    private var lastKill = ContinuousClock.now - .seconds(60)
    private let began = ContinuousClock.now
    private(set) var events: [String: Int] = [:]

    init(seed: UInt64) async throws {
        random = SeededGenerator(seed: seed)
        places = try FaultPlaces()
        source = try CountedSource()
        serverDirectory = try TemporaryDirectory()
        server = try await Nats.server(in: serverDirectory)
        let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        library = URL(filePath: executable).deletingLastPathComponent().appending(path: "libFileExporter.so").path
        var disk = Sink.file(directory: places.path("disk/files"), rotateBytes: 16_384, sync: .never, name: "disk")
        disk.spill = Spill(directory: places.path("disk/spill"), maximumBytes: 1 << 20, sync: .never)
        let child = Sink.plugin(
            library, settings: ["directory": places.path("child"), "rotateBytes": "16384", "sync": "never"],
            required: true, name: "child")
        var toServer = Sink(
            NatsSink.plugin, name: "server",
            settings: ["servers": server.url, "createStream": "true", "publishTimeout": "500ms"])
        toServer.spill = Spill(directory: places.path("disk/server"), maximumBytes: 1 << 20, sync: .never)
        sinks = [disk, child, toServer].map(Self.eager)
        exporting = try startExporting(every: .milliseconds(20), to: sinks, collecting: source)
    }

    private static func eager(_ sink: Sink) -> Sink {
        var sink = sink
        sink.temporality = .delta
        sink.maximumBatches = 16
        sink.timeout = .seconds(2)
        sink.retry = RetryPolicy(first: .milliseconds(5), longest: .milliseconds(100))
        sink.breaker = BreakerPolicy(failuresInARow: 5, failuresOf20: 10, pause: .milliseconds(200))
        return sink
    }

    private func say(_ text: String) {
        let passed = (ContinuousClock.now - began).components
        print("  \(passed.seconds).\(passed.attoseconds / 100_000_000_000_000_000) s: \(text)")
    }

    // MARK: - What happens

    /// Strikes and lifts for so long, then lifts all that is left.
    func run(for length: Duration) async throws -> Int64 {
        let recording = Recording(source)
        let end = ContinuousClock.now + length
        while ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(Int.random(in: 20...700, using: &random)))
            try await happen()
        }
        for (name, lift) in struck.sorted(by: { $0.key < $1.key }) { try await note("lift \(name)", lift()) }
        struck = [:]
        try await waitUntilEmpty()
        return await recording.finish()
    }

    private func note(_ name: String, _ isDone: Bool) {
        say(isDone ? name : "\(name): not possible")
        events[isDone ? name : "\(name), not possible", default: 0] += 1
    }

    private func happen() async throws {
        let kinds =
            ["kill child", "server hangs", "server is killed", "reload", "reload", "extra"]
            + (places.hasDisk ? ["disk full", "read-only disk/files", "read-only disk/spill", "covered child"] : [])
            + ["renamed disk/files", "renamed child", "renamed disk/spill", "renamed disk/server"]
        let kind = kinds.randomElement(using: &random) ?? "reload"
        if let lift = struck.removeValue(forKey: kind) { return try await note("lift \(kind)", lift()) }
        let place = kind.split(separator: " ").last.map(String.init) ?? ""
        switch kind {
        case "kill child": killChild()
        case "reload": reload()
        case "extra": toggleExtra()
        case "server hangs" where struck["server is killed"] == nil:
            server.process.pause()
            strike(kind) { [unowned self] in
                server.process.resume()
                return true
            }
        case "server is killed" where struck["server hangs"] == nil:
            server.process.kill()
            strike(kind) { [unowned self] in
                server = try await Nats.server(port: server.port, in: serverDirectory)
                return true
            }
        case "disk full":
            guard try places.fill() else { return note(kind, false) }
            strike(kind) { [places] in try places.free() }
        case _ where kind.hasPrefix("read-only"):
            guard try places.makeReadOnly(place) else { return note(kind, false) }
            strike(kind) { [places] in try places.uncover(place) }
        case _ where kind.hasPrefix("covered") && struck["renamed child"] == nil:
            guard try places.cover(place) else { return note(kind, false) }
            strike(kind) { [places] in try places.uncover(place) }
        case _ where kind.hasPrefix("renamed"):
            guard try places.rename(place) else { return note(kind, false) }
            strike(kind) { [places] in try places.renameBack(place) }
        default: break
        }
    }

    private func strike(_ kind: String, lift: @escaping () async throws -> Bool) {
        struck[kind] = lift
        note(kind, true)
    }

    /// Three crashes in a minute would end the sink.
    private func killChild() {
        guard ContinuousClock.now - lastKill > .seconds(31) else { return }
        lastKill = .now
        let processes = childProcesses(running: library)
        for process in processes { kill(process, SIGKILL) }
        note("kill child", !processes.isEmpty)
    }

    private func reload() {
        var changed = sinks
        let index = Int.random(in: 0..<changed.count, using: &random)
        let what = Int.random(in: 0..<5, using: &random)
        let policies: [OverflowPolicy?] = [
            nil, .coalesce, .dropOldest, .dropNewest, .lifo, .random(low: 0.5, high: 0.9),
            .expire(age: .seconds(2)), .codel(target: .milliseconds(100), interval: .milliseconds(500)),
            .block(deadline: .milliseconds(200)),
            .asyncThenSync(high: 0.8, low: 0.4, deadline: .milliseconds(200)),
        ]
        switch what {
        case 0: changed[index].interval = [nil, .milliseconds(10), .milliseconds(40)].randomElement(using: &random)!
        case 1: changed[index].maximumBatches = [2, 16, 64].randomElement(using: &random)!
        case 2: changed[index].level = [nil, 1, 3, 9].randomElement(using: &random)!
        case 3: changed[index].policy = policies.randomElement(using: &random)!
        default: changed[index].timeout = [.seconds(1), .seconds(2), .seconds(3)].randomElement(using: &random)!
        }
        let names = ["interval", "bound", "level", "policy", "timeout"]
        apply(changed, "reload \(names[what])", changed[index].name)
    }

    private func toggleExtra() {
        if sinks.count > 3 { return apply(Array(sinks.prefix(3)), "remove extra") }
        extras += 1
        let name = "extra\(extras)"
        apply(sinks + [Self.eager(.file(directory: places.path(name), sync: .never, name: name))], "add extra")
    }

    private func apply(_ changed: [Sink], _ name: String, _ sink: String = "") {
        do {
            try exporting.reconfigure(every: .milliseconds(20), to: changed)
            sinks = changed
            note(name, true)
        } catch {
            say("\(sink): \(error)")
            note(name, false)
        }
    }

    private func waitUntilEmpty() async throws {
        var full = Set(sinks.map(\.name))
        let end = ContinuousClock.now + .seconds(45)
        while !full.isEmpty && ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(5))
            for snapshot in exporting.snapshots {
                let accounts = snapshot.accounts
                if accounts.queued.batches + accounts.spilled.batches <= 1 { full.remove(snapshot.name) }
            }
        }
        for snapshot in exporting.snapshots where full.contains(snapshot.name) {
            Issue.record("\(snapshot.name) does not become empty: \(snapshot.condition), \(snapshot.lastMessage)")
        }
    }

    // MARK: - What became of it

    func check(recorded: Int64) async throws {
        let report = await exporting.shutdown(deadline: .seconds(20))
        print(report)
        for snapshot in exporting.snapshots {
            let name = snapshot.name
            var arrived =
                switch name {
                case "server": try Arrived(messages: NatsReader(server.url).messages().map(\.bytes))
                case "disk": try Arrived(files: places.all("disk/files"))
                default: try Arrived(files: places.all(name))
                }
            arrived.compare(with: source, recorded: recorded)
            let accounts = snapshot.accounts
            let lost = accounts.dropped.total.batches + accounts.refused.total.batches
            let named = arrived.named
            print(
                """
                  \(name): recorded \(recorded), arrived \(arrived.amount), dropped \(arrived.dropped), before \
                \(arrived.before), behind \(arrived.behind); \(arrived.frames) batches, \(arrived.copies) twice, \
                \(arrived.torn) torn, \(arrived.endMarks) end marks; \(lost) lost by the accounts; \
                \(accounts.coalesced.batches) coalesced, \(accounts.uncertain.batches) uncertain
                """)
            #expect(accounts.imbalance == nil, "\(name)")
            #expect(arrived.faults.isEmpty, "\(name): \(arrived.faults.prefix(5))")
            #expect(arrived.copies <= Int(accounts.uncertain.batches), "\(name)")
            // A sink that comes and goes has its own beginning and end.
            guard !name.hasPrefix("extra") else { continue }
            let hasEndMark = snapshot.hasEndMark
            #expect(hasEndMark, "\(name)")
            #expect(arrived.before == 0 && arrived.behind == 0, "\(name)")
            #expect(arrived.amount + arrived.dropped == recorded, "\(name)")
            #expect(lost > 0 || arrived.dropped == 0, "\(name)")
            for cause in Gap.Cause.allCases where cause != .coalesced {
                let counted = accounts.dropped[cause].batches + accounts.refused[cause].batches
                #expect(named[cause, default: 0] == counted, "\(name): \(cause)")
            }
            // A batch that is lost with those that had gone into it has one gap for them all.
            let coalesced = named[.coalesced, default: 0]
            #expect(coalesced <= accounts.coalesced.batches, "\(name)")
            #expect(lost > 0 || coalesced == accounts.coalesced.batches, "\(name)")
        }
        // Those that are gone again too; one that could not be added has no folder.
        for name in (0..<extras).map({ "extra\($0 + 1)" })
        where FileManager.default.fileExists(atPath: places.path(name)) {
            var arrived = try Arrived(files: [places.path(name)])
            arrived.compare(with: source, recorded: recorded)
            #expect(arrived.faults.isEmpty, "\(name): \(arrived.faults.prefix(5))")
        }
    }
}

/// Records from a thread of its own until it is told to end.
private final class Recording: Sendable {
    private let thread: Task<Int64, Never>

    init(_ source: CountedSource) {
        let recorders = ["red", "green", "blue"].map(source.recorder)
        thread = Task.detached {
            var total: Int64 = 0
            while !Task.isCancelled {
                for (index, recorder) in recorders.enumerated() { recorder.record(Int64(index + 1)) }
                total += 6
                try? await Task.sleep(for: .milliseconds(1))
            }
            return total
        }
    }

    func finish() async -> Int64 {
        thread.cancel()
        return await thread.value
    }
}
