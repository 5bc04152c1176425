import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@testable import WeirRecording
@testable import WeirSystemMetrics

@Suite("Observing a process and its host")
struct ObservingTests {
    private let stats: Stats
    private let folder: ProcFolder

    init() throws {
        stats = try Stats(cellsPerCore: 4_096)
        folder = try ProcFolder()
    }

    /// `view tag,tag: value` of all series of views whose names begin so.
    private func rows(_ prefix: String) -> [String] {
        var batch = Batch()
        Collector(stats: stats).collect(into: &batch)
        return batch.views.filter { $0.name.hasPrefix(prefix) }.flatMap { view in
            (0..<view.rows).filter { view.endTimes.isEmpty || view.endTimes[$0] == 0 }.map { row in
                let tags = view.tagKeys.indices.compactMap { key in
                    let value = view.tagValues[key * view.rows + row]
                    return value == 0 ? nil : batch.strings[Int(value) - 1]
                }
                let value = view.integers.isEmpty ? "\(view.doubles[row])" : "\(view.integers[row])"
                return "\(view.name) \(tags.joined(separator: ",")): \(value)"
            }
        }.sorted()
    }

    @Test("what only grows counts from the beginning of the observation, what may shrink is as it is")
    func totals() throws {
        try folder.writeProcess("self", name: "x", user: 200, system: 100, start: 0, pages: 3)
        let observation = try stats.observeProcess("self", tags: Tags(), folder.files)
        #expect(rows("process.cpu") == ["process.cpu.time system: 0.0", "process.cpu.time user: 0.0"])
        #expect(rows("process.memory.usage") == ["process.memory.usage : 12288"])
        try folder.writeProcess("self", name: "x", user: 350, system: 100, start: 0, pages: 2)
        #expect(rows("process.cpu") == ["process.cpu.time system: 0.0", "process.cpu.time user: 1.5"])
        #expect(rows("process.memory.usage") == ["process.memory.usage : 8192"])
        #expect(rows("process.context_switches").count == 2)
        observation.cancel()
        _ = rows("")
        try folder.writeProcess("self", name: "x", user: 900, system: 100, start: 0, pages: 9)
        #expect(rows("process.") == [])
    }

    @Test("no series of a host goes on when it is observed no longer", .timeLimit(.minutes(1)))
    func unobserved() throws {
        try folder.writeHost()
        let observation = try stats.observeHost(folder.files)
        #expect(rows("system.cpu.load_average").count == 3)
        #expect(rows("system.uptime").count == 1)
        observation.cancel()
        _ = rows("")
        #expect(rows("system.") == [])
    }

    @Test("where two observe the same, a level is one's again when the other ends", .timeLimit(.minutes(1)))
    func twice() throws {
        try folder.writeProcess("self", name: "x", user: 200, system: 100, start: 0, pages: 3)
        let observations = try (0..<2).map { _ in try stats.observeProcess("self", tags: Tags(), folder.files) }
        #expect(rows("process.memory.usage") == ["process.memory.usage : 24576"])
        observations[0].cancel()
        #expect(rows("process.memory.usage") == ["process.memory.usage : 12288"])
        try folder.writeProcess("self", name: "x", user: 200, system: 100, start: 0, pages: 2)
        #expect(rows("process.memory.usage") == ["process.memory.usage : 8192"])
        #expect(rows("process.uptime").count == 1)
        withExtendedLifetime(observations) {}
    }

    @Test("levels are whole whenever rules come, change and go", .timeLimit(.minutes(1)))
    func rules() throws {
        try folder.writeHost()
        let observation = try stats.observeHost(folder.files)
        let expected = rows("system.memory.usage")
        let rules = [
            ViewRules(seriesLimit: 5_000), ViewRules([.dropping("system.memory.*")]), ViewRules(),
            ViewRules([ViewRule("system.memory.usage", description: "Other")]),
        ]
        for rules in rules {
            try stats.apply(rules)
            let isDropped = rules.rules.contains(where: \.drops)
            #expect(rows("system.memory.usage") == (isDropped ? [] : expected))
            #expect(rows("system.cpu.logical.count").count == 1)
        }
        withExtendedLifetime(observation) {}
    }

    @Test("series of what is there no more end, and begin again with nothing")
    func ends() throws {
        try folder.writeHost()
        let observation = try stats.observeHost(folder.files)
        #expect(rows("system.network.io").count == 4)
        try folder.writeHost(interfaces: ["lo"])
        _ = rows("")
        #expect(rows("system.network.io") == ["system.network.io lo,receive: 0", "system.network.io lo,transmit: 0"])
        try folder.writeHost()
        _ = rows("")
        #expect(rows("system.network.io").contains("system.network.io eth0:1,receive: 0"))
        withExtendedLifetime(observation) {}
    }

    @Test("a total that began again goes on from there")
    func restart() throws {
        try folder.writeHost(idle: 40_000)
        let observation = try stats.observeHost(folder.files)
        try folder.writeHost(idle: 41_000)
        #expect(rows("system.cpu.time").contains("system.cpu.time idle: 10.0"))
        try folder.writeHost(idle: 300)
        #expect(rows("system.cpu.time").contains("system.cpu.time idle: 13.0"))
        withExtendedLifetime(observation) {}
    }

    @Test("two processes are told apart, and one that ends leaves no series")
    func processes() throws {
        for number in ["17", "18"] {
            try folder.writeProcess(number, name: "x", user: 1, system: 1, start: 0, pages: 1)
        }
        let observations = try ["17", "18"].map {
            try stats.observeProcess($0, tags: Tags(["process.pid": $0]), folder.files)
        }
        #expect(rows("process.thread") == ["process.thread.count 17: 4", "process.thread.count 18: 4"])
        // Of another process nobody knows.
        #expect(rows("process.context_switches") == [])
        try folder.remove("17/stat")
        _ = rows("")
        #expect(rows("process.thread") == ["process.thread.count 18: 4"])
        #expect(rows("process.uptime").count == 1)
        withExtendedLifetime(observations) {}
    }

    @Test("a view of the same name that is another one is an error")
    func conflict() throws {
        let own = Measure<Int64>("process.cpu.time")
        try stats.register(View("process.cpu.time", of: own, as: .sum))
        #expect(throws: StatsError.self) { try stats.observeProcess() }
    }

    @Test("this process and this host have all of their figures")
    func real() throws {
        let observations = [try stats.observeProcess(), try stats.observeHost()]
        var sum = 0.0
        for value in 0..<2_000_000 { sum += Double(value).squareRoot() }
        let rows = rows("")
        for name in ["process.cpu.time", "process.memory.usage", "process.uptime", "system.memory.usage"] {
            #expect(rows.contains { $0.hasPrefix(name) }, "\(name) is not among \(rows)")
        }
        #expect(sum > 0)
        withExtendedLifetime(observations) {}
    }
}
