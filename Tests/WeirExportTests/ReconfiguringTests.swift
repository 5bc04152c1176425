import Synchronization
import Testing
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

// One after the other: each keeps threads busy that others wait for.
@Suite("Changing the sinks of a pipeline that runs", .serialized)
struct ReconfiguringTests {
    private let source = CountingSource()

    private func configuration(_ change: (inout Pipeline.Configuration) -> Void = { _ in }) -> Pipeline.Configuration {
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = 5_000_000
        change(&configuration)
        return configuration
    }

    /// Waits until a destination has so many batches.
    private func wait(for count: Int, at destination: Destination) async {
        await destination.changes.wait { destination.state.facts.count >= count }
    }

    @Test("a sink that is as it was notices nothing, and one that is added joins its stream")
    func unchanged() async throws {
        let (stays, joins) = (Destination(.accepting), Destination(.accepting))
        let pipeline = try Pipeline.started(source, [stays.sink("stays")])
        let streams = pipeline.streams
        await wait(for: 3, at: stays)
        try pipeline.reconfigure(
            configuration(), sinks: [joins.sink("joins"), stays.sink("stays")], unchanged: ["stays"])
        await wait(for: 3, at: joins)
        #expect(pipeline.streams == streams)
        #expect(stays.state.opened == 1 && stays.state.closed == 0)
        let report = await pipeline.end()
        #expect(report.isComplete && report.sinks.map(\.name) == ["joins", "stays"])
        let (all, some) = (stays.state, joins.state)
        #expect(all.facts.map(\.numbers.lowerBound) == Array(1...UInt64(all.facts.count)))
        #expect(some.facts.map(\.numbers) == all.facts.suffix(some.facts.count).map(\.numbers))
        #expect(some.frames == all.frames.suffix(some.frames.count))
        #expect(all.endMarks.count == 1 && some.endMarks.count == 1)
        #expect(report.sinks.allSatisfy { $0.accounts.imbalance == nil && $0.hasEndMark })
    }

    @Test("a sink that was changed hands over what waits, its accounts and its numbers")
    func changed() async throws {
        let (away, there) = (Destination(.failing), Destination(.accepting))
        let pipeline = try Pipeline.started(source, [away.sink("a")])
        await source.collections.wait(for: 20)
        try pipeline.reconfigure(configuration(), sinks: [there.sink("a")], unchanged: [])
        #expect(away.state.closed == 1 && away.state.endMarks.isEmpty)
        await wait(for: 25, at: there)
        let report = await pipeline.end()
        #expect(report.sinks.count == 1 && report.isComplete)
        let sink = report.sinks[0]
        #expect(sink.accounts.imbalance == nil)
        #expect(sink.accounts.offered.batches == source.count && sink.accounts.delivered.batches == source.count)
        #expect(sink.deliveries.retried > 0 && sink.deliveries.delivered == source.count)
        let state = there.state
        #expect(state.facts.map(\.numbers.lowerBound) == Array(1...source.count))
        #expect(Set(state.facts.map(\.stream)).count == 1)
        #expect(state.endMarks.map(\.numbers.lowerBound) == [source.count])
    }

    @Test("what was dropped before is told after, and narrower bounds hold at once")
    func gaps() async throws {
        let (away, there) = (Destination(.failing), Destination(.failingUntilReleased))
        let pipeline = try Pipeline.started(source, [away.sink("a", bounds: QueueBounds(batches: 10))])
        await source.collections.wait(for: 20)
        try pipeline.reconfigure(
            configuration(), sinks: [there.sink("a", bounds: QueueBounds(batches: 4))], unchanged: [])
        #expect(pipeline.snapshots()[0].accounts.queued.batches <= 4)
        there.release()
        let report = await pipeline.end()
        let accounts = report.sinks[0].accounts
        #expect(accounts.imbalance == nil && accounts.dropped[.overflowOldest].batches >= 16)
        let headers = there.state.headers
        let told = headers.flatMap(\.gaps).flatMap { Array($0.first...$0.last) }
        let delivered = headers.filter { !$0.isEndMark }.map(\.first)
        #expect(Set(told).count == told.count)
        #expect((told + delivered).sorted() == Array(1...source.count))
    }

    @Test("a delivery that hangs is left to itself, and delivered again by the one that follows")
    func hangs() async throws {
        let (hanging, there) = (Destination(.hanging), Destination(.accepting))
        var sink = try hanging.sink("a")
        sink.timeoutNanoseconds = 20_000_000
        let pipeline = try Pipeline.started(source, [sink])
        await source.collections.wait(for: 5)
        try pipeline.reconfigure(configuration(), sinks: [there.sink("a")], unchanged: [])
        await wait(for: 8, at: there)
        hanging.release()
        await hanging.changes.wait { hanging.state.closed == 1 }
        let report = await pipeline.end()
        #expect(report.sinks[0].accounts.imbalance == nil)
        #expect(report.sinks[0].accounts.uncertain.batches == 1)
        #expect(report.sinks[0].accounts.delivered.batches == source.count)
        #expect(there.state.facts.map(\.numbers.lowerBound) == Array(1...source.count))
        // What it held arrived there too, late.
        #expect(hanging.state.facts.count == 1)
    }

    @Test("a sink that is gone delivers what waits, ends its stream, and is in the report")
    func removed() async throws {
        let (goes, stays) = (Destination(.failingUntilReleased), Destination(.accepting))
        let pipeline = try Pipeline.started(source, [goes.sink("goes"), stays.sink("stays")])
        await source.collections.wait(for: 5)
        try pipeline.reconfigure(configuration(), sinks: [stays.sink("stays")], unchanged: ["stays"])
        #expect(pipeline.snapshots().map(\.name) == ["stays"])
        goes.release()
        await goes.changes.wait { goes.state.closed == 1 }
        let delivered = goes.state.facts.count
        #expect(goes.state.facts.map(\.numbers.lowerBound) == Array(1...UInt64(delivered)))
        #expect(goes.state.endMarks.map(\.numbers.lowerBound) == [UInt64(delivered)])
        await wait(for: delivered + 3, at: stays)
        let report = await pipeline.end()
        #expect(report.sinks.map(\.name) == ["stays", "goes"])
        #expect(report.sinks[1].accounts.delivered.batches == UInt64(delivered) && report.sinks[1].hasEndMark)
        #expect(report.sinks.allSatisfy { $0.accounts.imbalance == nil })
        #expect(goes.state.facts.count == delivered)
    }

    @Test("all may go, and come back")
    func nobody() async throws {
        let destination = Destination(.accepting)
        let pipeline = try Pipeline.started(source, [destination.sink("a")])
        await wait(for: 2, at: destination)
        try pipeline.reconfigure(configuration(), sinks: [], unchanged: [])
        let before = source.count
        await source.collections.wait(for: before + 3)
        try pipeline.reconfigure(configuration(), sinks: [destination.sink("a")], unchanged: [])
        await destination.changes.wait { destination.state.facts.count > Int(before) }
        let report = await pipeline.end()
        #expect(report.sinks.map(\.name) == ["a", "a"])
        #expect(report.sinks.allSatisfy { $0.accounts.imbalance == nil && $0.hasEndMark })
    }

    @Test("whatever is wrong with the new, the old goes on untouched and the error says why")
    func failures() async throws {
        let (old, other) = (Destination(.accepting), Destination(.accepting))
        let pipeline = try Pipeline.started(source, [old.sink("a")])
        let streams = pipeline.streams
        func error(
            _ sinks: [SinkConfiguration], _ change: (inout Pipeline.Configuration) -> Void = { _ in }
        ) -> ExportError? {
            #expect(throws: ExportError.self) {
                try pipeline.reconfigure(configuration(change), sinks: sinks, unchanged: ["a"])
            }
        }
        var lost = try other.sink("lost")
        lost.settings = ["id": "x"]
        #expect(
            error([try old.sink("a"), try other.sink("b"), lost])
                == .exporter(sink: "lost", message: "no destination x", isTransient: false))
        await other.changes.wait { other.state.closed == 1 }
        #expect(error([try old.sink("a"), try other.sink("a")]) == .duplicateSink("a"))
        #expect(error([try old.sink("a")]) { $0.intervalNanoseconds = 0 } == .interval(nanoseconds: 0))
        guard case .encoder = error([try old.sink("a")], { $0.level = 99 }) else {
            Issue.record("wanted a word about the level")
            return
        }
        let count = old.state.facts.count
        await wait(for: count + 3, at: old)
        #expect(pipeline.streams == streams && old.state.opened == 1 && old.state.closed == 0)
        let report = await pipeline.end()
        #expect(report.sinks.map(\.name) == ["a"])
        #expect(old.state.facts.map(\.numbers.lowerBound) == Array(1...source.count))
        #expect(throws: ExportError.notRunning) {
            try pipeline.reconfigure(configuration(), sinks: [], unchanged: [])
        }
    }

    @Test("of two that claim one resource the old one lets go first")
    func exclusive() async throws {
        let port = Destination(.accepting, isExclusive: true)
        let pipeline = try Pipeline.started(source, [port.sink("a")])
        await wait(for: 3, at: port)
        try pipeline.reconfigure(
            configuration(), sinks: [port.sink("a", policy: DropNewest())], unchanged: [])
        #expect(port.state.opened == 2 && port.state.closed == 1)
        let count = port.state.facts.count
        await wait(for: count + 3, at: port)
        let report = await pipeline.end()
        #expect(report.sinks[0].accounts.imbalance == nil)
        #expect(port.state.facts.map(\.numbers.lowerBound) == Array(1...source.count))
        #expect(port.state.endMarks.count == 1)
    }

    @Test("and where the new one then fails, the old one is opened again and goes on")
    func exclusiveFailure() async throws {
        let (port, other) = (Destination(.accepting, isExclusive: true), Destination(.accepting, isExclusive: true))
        let pipeline = try Pipeline.started(source, [port.sink("a"), other.sink("b")])
        await wait(for: 3, at: port)
        var lost = try port.sink("b")
        lost.settings = ["id": "x"]
        // The first could be opened when the old one had let go; the second cannot be opened at all.
        #expect(throws: ExportError.exporter(sink: "b", message: "no destination x", isTransient: false)) {
            try pipeline.reconfigure(
                configuration(), sinks: [port.sink("a", policy: DropNewest()), lost], unchanged: [])
        }
        let counts = (port.state.facts.count, other.state.facts.count)
        await wait(for: counts.0 + 3, at: port)
        await wait(for: counts.1 + 3, at: other)
        let report = await pipeline.end()
        #expect(report.isComplete && report.sinks.map(\.name) == ["a", "b"])
        for (destination, sink) in zip([port, other], report.sinks) {
            #expect(sink.accounts.imbalance == nil)
            #expect(destination.state.facts.map(\.numbers.lowerBound) == Array(1...source.count))
            #expect(destination.state.endMarks.count == 1)
        }
    }

    @Test("and where neither can be opened for a while, the old one goes on when it can", .timeLimit(.minutes(1)))
    func refusedForAWhile() async throws {
        let port = Destination(.accepting)
        let pipeline = try Pipeline.started(source, [port.sink("a")])
        await wait(for: 3, at: port)
        port.update { $0.refuses = true }
        for _ in 0..<3 {
            #expect(throws: ExportError.exporter(sink: "a", message: "refused", isTransient: false)) {
                try pipeline.reconfigure(configuration(), sinks: [port.sink("a", policy: DropNewest())], unchanged: [])
            }
        }
        #expect(port.state.opened == 1 && port.state.closed == 1)
        await source.collections.wait(for: source.count + 3)
        port.update { $0.refuses = false }
        let count = port.state.facts.count
        await wait(for: count + 3, at: port)
        let report = await pipeline.end()
        #expect(report.isComplete && report.sinks[0].accounts.imbalance == nil)
        #expect(port.state.facts.map(\.numbers.lowerBound) == Array(1...source.count))
        #expect(port.state.opened == 2 && port.state.endMarks.count == 1)
    }

    @Test("one that cannot be opened again does not hold up the end", .timeLimit(.minutes(1)))
    func refusedForEver() async throws {
        let port = Destination(.accepting)
        let pipeline = try Pipeline.started(source, [port.sink("a")])
        await wait(for: 3, at: port)
        port.update { $0.refuses = true }
        #expect(throws: ExportError.self) {
            try pipeline.reconfigure(configuration(), sinks: [port.sink("a", policy: DropNewest())], unchanged: [])
        }
        let report = await pipeline.end()
        #expect(report.sinks.count == 1 && report.sinks[0].accounts.imbalance == nil)
        #expect(!report.sinks[0].hasEndMark && port.state.opened == 1)
    }

    /// What waits on disk when a sink's spill is changed.
    enum SpillChange: CaseIterable {
        /// Another setting of the sink.
        case none
        /// Its bound: the store has to be opened anew.
        case bound
        case directory
        case removed
    }

    @Test(
        "what waits on disk goes on with the disk, or stays there for the next process", arguments: SpillChange.allCases
    )
    func spills(change: SpillChange) async throws {
        let directory = try TemporaryDirectory()
        let (away, there) = (Destination(.failing), Destination(.accepting))
        var sink = try away.sink("a", bounds: QueueBounds(batches: 4))
        sink.spill = SinkConfiguration.Spill(directory: directory.path + "/one", sync: .never)
        let pipeline = try Pipeline.started(source, [sink])
        while pipeline.snapshots()[0].accounts.spilled.batches < 10 {
            await source.collections.wait(for: source.count + 1)
        }
        var next = try there.sink("a")
        switch change {
        case .none: next.spill = sink.spill
        case .bound:
            next.spill = SinkConfiguration.Spill(
                directory: directory.path + "/one", maximumBytes: 1 << 24, sync: .never)
        case .directory: next.spill = SinkConfiguration.Spill(directory: directory.path + "/two", sync: .never)
        case .removed: break
        }
        try pipeline.reconfigure(configuration(), sinks: [next], unchanged: [])
        let left = pipeline.snapshots()[0].accounts
        let report = await pipeline.end()
        let accounts = report.sinks[0].accounts
        #expect(accounts.imbalance == nil && accounts.offered.batches == source.count)
        let numbers = there.state.facts.map(\.numbers.lowerBound)
        #expect(Set(numbers).count == numbers.count)
        if change == .none || change == .bound {
            #expect(accounts.spilled == Amount() && report.sinks[0].hasEndMark)
            #expect(numbers.sorted() == Array(1...source.count))
        } else {
            #expect(accounts.spilled == left.spilled && !report.sinks[0].hasEndMark)
            #expect(accounts.delivered.batches + accounts.spilled.batches == source.count)
        }
        // The disk is free for the next process.
        let store = try SpillStore(directory: directory.path + "/one", maximumBytes: 1 << 30, sync: .never)
        #expect(store.recovery.recovered == accounts.spilled)
        store.close()
    }

    @Test("another feed is another stream, that names the one before; and that one ends")
    func feeds() async throws {
        let destination = Destination(.accepting)
        let pipeline = try Pipeline.started(source, [destination.sink("a")])
        let before = pipeline.streams
        await wait(for: 3, at: destination)
        // Nothing of the sink's own is another, only the pipeline's interval.
        try pipeline.reconfigure(
            configuration { $0.intervalNanoseconds = 6_000_000 }, sinks: [destination.sink("a")], unchanged: ["a"])
        let after = pipeline.streams
        #expect(after != before && destination.state.closed == 0)
        await destination.changes.wait { destination.state.headers.contains { $0.stream == after[0] } }
        let report = await pipeline.end()
        #expect(report.isComplete)
        let headers = destination.state.headers
        let first = headers.filter { $0.stream == before[0] }
        let second = headers.filter { $0.stream == after[0] }
        #expect(first + second == headers)
        #expect(first.last?.isEndMark == true && first.count { $0.isEndMark } == 1)
        #expect(first.last?.last == UInt64(first.count - 1))
        #expect(second.first?.previousStream == before[0] && second.first?.first == 1)
        #expect(second.dropFirst(2).allSatisfy { $0.previousStream == nil })
        #expect(second.last?.isEndMark == true)
    }

    @Test("random changes lose nothing that is not told, and no account", arguments: 0..<4)
    func random(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let behaviours: [Destination.Behaviour] = [.accepting, .failing, .accepting, .slow(nanoseconds: 100_000)]
        var destinations: [Destination] = []
        var current: [SinkConfiguration] = []
        let pipeline = try Pipeline.started(source, [], intervalNanoseconds: 2_000_000)
        for _ in 0..<12 * testScale {
            var (next, unchanged): ([SinkConfiguration], Set<String>) = ([], [])
            for name in ["a", "b", "c"] where Int.random(in: 0..<4, using: &random) > 0 {
                if let known = current.first(where: { $0.name == name }), Bool.random(using: &random) {
                    next.append(known)
                    unchanged.insert(name)
                    continue
                }
                let destination = Destination(behaviours.randomElement(using: &random)!)
                destinations.append(destination)
                var sink = try destination.sink(name, bounds: QueueBounds(batches: .random(in: 3...40, using: &random)))
                if Bool.random(using: &random) { sink.temporality = .delta }
                sink.retry = Retry(first: 1_000_000, longest: 2_000_000)
                next.append(sink)
            }
            try pipeline.reconfigure(
                configuration { $0.intervalNanoseconds = 2_000_000 }, sinks: next, unchanged: unchanged)
            current = next
            for snapshot in pipeline.snapshots() { #expect(snapshot.accounts.imbalance == nil) }
            let seen = source.count
            await source.collections.wait(for: seen + .random(in: 1...8, using: &random))
        }
        let report = await pipeline.end(deadlineNanoseconds: 300_000_000)
        for sink in report.sinks { #expect(sink.accounts.imbalance == nil, "\(sink.name)") }
        let received = destinations.reduce(0) { $0 + UInt64($1.state.facts.count) }
        #expect(received == report.sinks.reduce(0) { $0 + $1.accounts.delivered.batches })
        for destination in destinations {
            await destination.changes.wait { destination.state.opened == destination.state.closed }
            // In order, each once.
            for (stream, facts) in Dictionary(grouping: destination.state.facts, by: \.stream) {
                let numbers = facts.map(\.numbers.lowerBound)
                #expect(numbers == Array(Set(numbers)).sorted(), "\(stream)")
            }
        }
    }
}
