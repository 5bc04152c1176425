import Foundation
import Synchronization
import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("A plugin in a process of its own")
struct ChildExporterTests {
    private func isRetry(_ delivery: Delivery) -> Bool {
        if case .retry = delivery.outcome { true } else { false }
    }

    @Test("delivers, counts, and closes in order")
    func delivers() throws {
        let plugin = try FaultyPlugin()
        let exporter = try plugin.open("", times: 0)
        #expect(exporter.previousStream == StreamID(high: 0, low: 9))
        for number in 1...3 { #expect(exporter.deliver(UInt64(number)) == Delivery(.delivered)) }
        #expect(exporter.counters() == [ExporterCount(name: "deliveries", unit: "{call}", value: 3)])
        let process = try #require(exporter.process)
        exporter.close()
        #expect(plugin.journal == ["1 3 3", "2 3 3", "3 3 3", "closed"])
        #expect(kill(process, 0) == -1 && errno == ESRCH)
    }

    @Test(
        "one that ends or lies costs a process, and the batch comes again",
        arguments: [
            "segfault", "abort", "exit", "kill", "leak", "hangup", "garbage", "huge", "unasked",
        ])
    func survives(mode: String) throws {
        var plugin = try FaultyPlugin()
        plugin.limits.memoryBytes = 64 << 20
        let exporter = try plugin.open(mode)
        let first = try #require(exporter.process)
        let crash = exporter.deliver(1)
        #expect(isRetry(crash) && crash.isUncertain)
        #expect(crash.message.hasPrefix("the plugin crashed: its process "))
        #expect(exporter.deliver(1) == Delivery(.delivered))
        #expect(exporter.process != first)
        #expect(plugin.lines.all.contains { $0.hasPrefix("error: the plugin crashed: its process ") })
        exporter.close()
        #expect(plugin.journal == ["1 3 3", "closed"])
    }

    @Test("how it ended is said")
    func says() throws {
        func message(_ mode: String) throws -> String {
            let plugin = try FaultyPlugin()
            let exporter = try plugin.open(mode)
            defer { exporter.close() }
            return exporter.deliver(1).message
        }
        // AddressSanitizer makes exits of faults.
        if unsafe dlsym(nil, "__asan_init") == nil {
            #expect(try message("segfault") == "the plugin crashed: its process was ended by signal 11 (SIGSEGV)")
            #expect(try message("abort") == "the plugin crashed: its process was ended by signal 6 (SIGABRT)")
        }
        #expect(try message("exit") == "the plugin crashed: its process exited with code 7")
        #expect(try message("kill") == "the plugin crashed: its process was ended by signal 9 (SIGKILL)")
        #expect(try message("hangup") == "the plugin crashed: its process exited with code 0")
        #expect(
            try message("huge")
                == "the plugin crashed: its process sent a message of kind 106 with 4294967295 bytes: wanted at most 32768, "
                + "and was killed")
        #expect(
            try message("unasked")
                == "the plugin crashed: its process sent a message of kind 105 that nothing asked for, and was killed")
    }

    @Test("one that does not return by twice its time is killed", arguments: ["spin", "freeze", "orphan"])
    func hangs(mode: String) throws {
        let plugin = try FaultyPlugin()
        let exporter = try plugin.open(mode)
        let began = TimeSource.system.monotonic()
        let crash = exporter.deliver(1, within: 600_000_000)
        #expect(isRetry(crash) && crash.isUncertain)
        if mode != "orphan" {
            #expect(TimeSource.system.monotonic() - began >= 1_200_000_000)
            #expect(crash.message.contains("did not answer for"))
        }
        #expect(exporter.deliver(1) == Delivery(.delivered))
        exporter.close()
    }

    @Test("one that closes the socket under its host is no worse than a crash")
    func closesSocket() throws {
        let plugin = try FaultyPlugin()
        let exporter = try plugin.open("mute")
        let crash = exporter.deliver(1)
        #expect(isRetry(crash) && crash.isUncertain)
        #expect(crash.message == "the plugin crashed: its process exited with code 74")
        #expect(exporter.deliver(1) == Delivery(.delivered))
        exporter.close()
    }

    @Test("a code that does not exist is an answer, not a crash")
    func nonsense() throws {
        let plugin = try FaultyPlugin()
        let exporter = try plugin.open("nonsense")
        let process = exporter.process
        let delivery = exporter.deliver(1)
        #expect(delivery.outcome == .retry(hint: nil, attemptLimit: 10))
        #expect(delivery.message.hasSuffix("unknown code 77: seventy-seven"))
        #expect(exporter.deliver(1) == Delivery(.delivered))
        #expect(exporter.process == process)
        exporter.close()
    }

    @Test("one that was killed while it waited was not delivered anything")
    func killedWhileIdle() throws {
        let plugin = try FaultyPlugin()
        let exporter = try plugin.open("", times: 0)
        #expect(exporter.deliver(1) == Delivery(.delivered))
        try kill(#require(exporter.process), SIGKILL)
        var delivery = exporter.deliver(2)
        #expect(isRetry(delivery))
        delivery = exporter.deliver(2)
        #expect(delivery == Delivery(.delivered))
        // Counters go on where the process before had come to.
        #expect(exporter.counters().map(\.value) == [2])
        exporter.close()
    }

    @Test("killed at any moment, nothing that was acknowledged is lost, and only what was uncertain comes twice")
    func killedAtAnyMoment() throws {
        var plugin = try FaultyPlugin()
        plugin.limits.crashes = .max
        let exporter = try plugin.open("", times: 0)
        var random = SeededGenerator(seed: 4)
        var uncertain = 0
        var kills = 0
        var number: UInt64 = 0
        while kills < 20 * testScale {
            number += 1
            // Another thread kills, so many microseconds into the delivery or the start of the next process.
            let delay = UInt32.random(in: 0...3000, using: &random)
            let killer = exporter.process.map { process in
                let done = DispatchSemaphore(value: 0)
                Thread.detachNewThread {
                    usleep(delay)
                    kill(process, SIGKILL)
                    done.signal()
                }
                return done
            }
            var delivery = exporter.deliver(number, bytes: 1 << 20)
            killer?.wait()
            if killer != nil { kills += 1 }
            while delivery != Delivery(.delivered) {
                #expect(isRetry(delivery))
                if delivery.isUncertain { uncertain += 1 }
                delivery = exporter.deliver(number, bytes: 1 << 20)
            }
        }
        exporter.close()
        let delivered = plugin.journal.compactMap { $0.split(separator: " ").first.flatMap { UInt64($0) } }
        #expect(Set(delivered) == Set(1...number))
        #expect(delivered == delivered.sorted())
        #expect(uncertain > 0 && delivered.count - Int(number) <= uncertain)
    }

    @Test("three crashes in a minute quarantine the sink, and no process is started any more")
    func quarantine() throws {
        let plugin = try FaultyPlugin()
        let exporter = try plugin.open("abort", times: 1000)
        #expect(isRetry(exporter.deliver(1)))
        #expect(isRetry(exporter.deliver(1)))
        let third = exporter.deliver(1)
        #expect(third.outcome == .quarantined && third.isUncertain)
        #expect(third.message.hasPrefix("quarantined after 3 crashes in 60 s; the plugin crashed: its process "))
        let fourth = exporter.deliver(1)
        #expect(fourth.outcome == .quarantined && !fourth.isUncertain)
        #expect(exporter.process == nil)
        exporter.close()
        #expect(plugin.journal.isEmpty)
    }

    @Test("a crash while it is opened again counts too")
    func crashesWhenOpened() throws {
        let plugin = try FaultyPlugin()
        #expect(throws: ExportError.self) { try plugin.open("open") }
        let exporter = try plugin.open("open", times: 1)
        #expect(exporter.deliver(1) == Delivery(.delivered))
        exporter.close()
    }

    @Test("what it says when it refuses to open reaches the user")
    func refusesToOpen() throws {
        let plugin = try FaultyPlugin()
        #expect(
            throws: ExportError.exporter(sink: "faulty", message: "it does not like the journal", isTransient: false)
        ) { try plugin.open("refuse") }
    }

    @Test("what it prints is logged, line by line and not too much of it")
    func prints() throws {
        let plugin = try FaultyPlugin()
        let exporter = try plugin.open("print", times: 0)
        #expect(exporter.deliver(1) == Delivery(.delivered))
        exporter.close()
        let lines = plugin.lines.all
        #expect(lines.count <= 21)
        #expect(lines.contains("warning: printed by the plugin: to the output"))
        #expect(lines.contains("warning: printed by the plugin: \u{FFFD}[31mred"))
        let long = lines.first { $0.contains("xxx") }
        #expect(long?.hasSuffix("… (3976 bytes more)") == true)
    }

    @Test("it has none of the application's files, no input, and signals do not reach it")
    func surroundings() throws {
        let leaked = dup(1)
        defer { close(leaked) }
        let plugin = try FaultyPlugin()
        let exporter = try plugin.open("surroundings")
        #expect(exporter.deliver(1) == Delivery(.rejected, message: "files 0, interrupt blocked, input 0"))
        try kill(#require(exporter.process), SIGINT)
        try kill(#require(exporter.process), SIGTERM)
        #expect(exporter.deliver(1).outcome == .rejected)
        exporter.close()
    }

    @Test("a payload of 32 MiB arrives, one beyond the bound is refused without a crash")
    func large() throws {
        let plugin = try FaultyPlugin()
        let exporter = try plugin.open("", times: 0)
        #expect(exporter.deliver(1, bytes: 32 << 20) == Delivery(.delivered))
        #expect(exporter.deliver(2, bytes: (64 << 20) + 1).outcome == .rejected)
        exporter.close()
        #expect(plugin.journal == ["1 33554432 33554432", "closed"])
    }

    @Test("asked to stop, a call that listens returns; one that does not is killed, and neither is a crash")
    func stops() async throws {
        for (mode, isUncertain) in [("deaf", false), ("spin", true)] {
            let plugin = try FaultyPlugin()
            let exporter = try plugin.open(mode)
            let delivered = Task.detached { exporter.deliver(1) }
            while !FileManager.default.fileExists(atPath: plugin.directory.path + "/journal.crashes") {
                await Task.yield()
            }
            let began = TimeSource.system.monotonic()
            exporter.stop()
            let delivery = await delivered.value
            #expect(TimeSource.system.monotonic() - began < 5_000_000_000)
            #expect(isRetry(delivery) && delivery.isUncertain == isUncertain)
            if mode == "spin" { #expect(exporter.deliver(1).message == "asked to stop") }
            exporter.close()
            #expect(!plugin.lines.all.contains { $0.contains("quarantined") })
        }
    }

    @Test("one that is still being asked to stop is not closed", .timeLimit(.minutes(1)))
    func stopLingers() async throws {
        let plugin = try FaultyPlugin()
        let exporter = try plugin.open("linger", times: 0)
        exporter.stop()
        while !FileManager.default.fileExists(atPath: plugin.directory.path + "/journal.crashes") {
            try Task.checkCancellation()
            await Task.yield()
        }
        exporter.close()
        // On a busy machine the host may have lost its patience before.
        #expect(plugin.journal.isEmpty || plugin.journal == ["closed"])
    }

    @Test("its demand arrives, and its end asks for the batch that starts another")
    func demand() async throws {
        let asked = Mutex<[UInt64]>([])
        let changes = Signal()
        let plugin = try FaultyPlugin()
        let exporter = try plugin.open("demand", times: 0) { batches in
            asked.withLock { $0.append(batches) }
            changes.fire()
        }
        await changes.wait(for: 1)
        #expect(asked.withLock { $0 } == [5])
        try kill(#require(exporter.process), SIGKILL)
        await changes.wait(for: 2)
        #expect(asked.withLock { $0 } == [5, 1])
        exporter.close()
    }

    @Test("its request for a collection arrives; whether it may have one, its features say")
    func collect() async throws {
        let asked = Signal()
        let plugin = try FaultyPlugin()
        let exporter = try plugin.open("collect", times: 0, collect: { asked.fire() })
        await asked.wait(for: 1)
        #expect(!exporter.collectsOnRequest)
        exporter.close()
    }

    @Test("without the program that runs plugins, the error says how to get it")
    func missingHost() throws {
        let search = PluginSearch(surroundings: .init(path: "/nowhere:/neither", executableDirectory: "/here"))
        let error = #expect(throws: ExportError.self) {
            try ExternalPlugin(FaultyPlugin.path, search: search).open(
                for: SinkContext(name: "x", settings: [:], logger: LogLines().logger))
        }
        #expect(
            error?.description.hasSuffix(
                "a plugin runs in a process of its own, for which the program weir-plugin-host is needed: wanted "
                    + "/here/weir-plugin-host, /nowhere/weir-plugin-host, /neither/weir-plugin-host, found none; "
                    + "`swift build --product weir-plugin-host` makes it") == true)
    }

    @Test("a program that is no plugin host is refused", arguments: ["/bin/true", "/bin/cat", "/bin/sleep"])
    func wrongProgram(program: String) throws {
        let error = #expect(throws: ExportError.self) {
            _ = try ChildExporter(
                ChildLauncher(path: FaultyPlugin.path, program: program),
                sink: SinkContext(name: "x", settings: [:], logger: LogLines().logger))
        }
        #expect(error?.description.contains("it crashed when it was started: its process ") == true)
    }

    @Test("a program that closes the socket and goes on is killed")
    func hangsUp() throws {
        let directory = try TemporaryDirectory()
        let program = directory.path + "/program"
        try Data("#!/bin/sh\nexec 3<&-\nexec sleep 1000\n".utf8).write(to: URL(filePath: program))
        unsafe chmod(program, 0o755)
        #expect(throws: ExportError.plugin(path: "x", .crashed(.killed(.hungUp)))) {
            _ = try ChildExporter(
                ChildLauncher(path: "x", program: program),
                sink: SinkContext(name: "x", settings: [:], logger: LogLines().logger))
        }
    }
}
