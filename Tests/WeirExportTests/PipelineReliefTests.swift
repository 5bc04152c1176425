import Foundation
import Testing
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

@Suite("A pipeline whose sinks make room")
struct PipelineReliefTests {
    private let source = CountingSource()
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func spilling(_ destination: Destination, batches: UInt64 = 4) throws -> SinkConfiguration {
        var sink = try destination.sink("a", bounds: QueueBounds(batches: batches))
        sink.spill = SinkConfiguration.Spill(directory: directory.path + "/spill", sync: .never)
        return sink
    }

    @Test("what finds no room waits on disk, over a restart, and every number is delivered once, in order")
    func spills() async throws {
        let away = Destination(.failing)
        let first = try Pipeline.started(source, [spilling(away)])
        await source.collections.wait(for: 40)
        let report = await first.end(deadlineNanoseconds: 300_000_000)
        let left = report.sinks[0].accounts
        #expect(left.imbalance == nil)
        // A disk that is slower than collections loses the oldest, and says so.
        #expect(left.spilled.batches + left.dropped.total.batches == source.count)
        #expect(left.spilled.batches > 0)
        #expect(!report.sinks[0].hasEndMark)

        let back = Destination(.accepting)
        let later = CountingSource()
        let second = try Pipeline.started(later, [spilling(back, batches: 1_000_000)])
        await later.collections.wait(for: 3)
        let end = await second.end().sinks[0]
        #expect(end.accounts.imbalance == nil)
        #expect(end.accounts.recovered == left.spilled)
        #expect(end.accounts.delivered.batches == left.spilled.batches + later.count)
        #expect(end.accounts.spilled == Amount())
        #expect(end.hasEndMark)
        let numbers = back.state.facts.map(\.numbers.lowerBound)
        let own = Array(numbers.suffix(Int(later.count)))
        let recovered = Array(numbers.prefix(Int(left.spilled.batches)))
        #expect(own == Array(1...later.count))
        #expect(Set(recovered).count == recovered.count)
        // The one that was being delivered when newer ones went to disk already followed them at the end.
        #expect(Array(recovered.dropLast()) == recovered.dropLast().sorted())
        #expect(Set(back.state.facts.map(\.stream)).count == 2)
        #expect(try directory.names(in: "spill") == ["lock"])
    }

    @Test("a sink that hangs spills on, and ends within its deadline")
    func spillsWhileHanging() async throws {
        let hanging = Destination(.hanging)
        let pipeline = try Pipeline.started(source, [spilling(hanging)])
        await source.collections.wait(for: 40)
        let report = await pipeline.end(deadlineNanoseconds: 100_000_000)
        let accounts = report.sinks[0].accounts
        #expect(accounts.imbalance == nil)
        #expect(accounts.spilled.batches > 0)
        #expect(accounts.uncertain.batches == 1)
        hanging.release()
        await hanging.changes.wait { hanging.state.isClosed }
    }

    @Test("a directory that is in use is an error that names it, and leaves nothing open")
    func inUse() async throws {
        let destination = Destination(.accepting)
        let pipeline = try Pipeline.started(source, [spilling(destination)])
        let other = Destination(.accepting)
        #expect(throws: ExportError.self) { try Pipeline.started(source, [spilling(other)]) }
        #expect(!other.state.isClosed)  // It was never opened.
        _ = await pipeline.end()
    }

    @Test("deltas are merged while a destination is away, and nothing is lost")
    func coalesces() async throws {
        let away = Destination(.failingUntilReleased)
        let source = CountingSource(temporality: .delta)
        // A quarter of a second of collections between half full and full, for a relief on a busy machine.
        var sink = try away.sink("a", bounds: QueueBounds(batches: 100), policy: Coalesce())
        sink.retry = Retry(first: 1_000_000, longest: 1_000_000)
        sink.breaker = Breaker(failuresInARow: 0, failuresOf20: 0)
        let pipeline = try Pipeline.started(source, [sink], intervalNanoseconds: 5_000_000)
        await source.collections.wait(for: 160)
        away.release()
        let report = await pipeline.end()
        let accounts = report.sinks[0].accounts
        #expect(accounts.imbalance == nil)
        #expect(accounts.dropped.total == Amount())
        #expect(accounts.coalesced.batches > 0)
        #expect(accounts.delivered.batches + accounts.coalesced.batches == source.collections.count)
        let state = away.state
        var decoder = try BatchDecoder()
        var counted: Int64 = 0
        for frame in state.frames {
            let batches = try decoder.decode(headless: frame)
            counted += batches.flatMap(\.views).filter { $0.name == "collections" }.flatMap(\.integers).reduce(0, +)
        }
        #expect(counted == Int64(source.collections.count))
        // Each from where the one before ended.
        var next: UInt64 = 1
        for facts in state.facts {
            #expect(facts.numbers.lowerBound == next)
            next = facts.numbers.upperBound + 1
        }
        #expect(next == source.collections.count + 1)
    }

    @Test("several exporters deliver side by side, and the stream ends once")
    func workers() async throws {
        let destination = Destination(.slow(nanoseconds: 500_000))
        var sink = try destination.sink("a")
        sink.workers = 4
        let pipeline = try Pipeline.started(source, [sink])
        await source.collections.wait(for: 50)
        let report = await pipeline.end()
        #expect(report.isComplete)
        #expect(report.sinks[0].accounts.delivered.batches == source.count)
        #expect(report.sinks[0].hasEndMark && report.sinks[0].isFinished)
        let state = destination.state
        #expect(state.endMarks.count == 1)
        #expect(Set(state.facts.map(\.numbers.lowerBound)) == Set(1...source.count))
        #expect(UInt64(state.facts.count) == source.count)
    }

    @Test("several exporters that hang delay no shutdown")
    func workersHang() async throws {
        let destination = Destination(.hanging)
        var sink = try destination.sink("a", bounds: QueueBounds(batches: 8))
        sink.workers = 3
        let pipeline = try Pipeline.started(source, [sink])
        await source.collections.wait(for: 20)
        // Nothing lets the hanging calls return before the report is there.
        let report = await pipeline.end(deadlineNanoseconds: 100_000_000)
        #expect(report.sinks[0].accounts.uncertain.batches == 3)
        #expect(report.sinks[0].accounts.imbalance == nil)
        destination.release()
    }

    @Test("what is rejected is kept, and counts as rejected")
    func keepsDeadLetters() async throws {
        let destination = Destination(.rejecting)
        var sink = try destination.sink("a")
        sink.deadLetterDirectory = directory.path + "/dead-letters"
        let pipeline = try Pipeline.started(source, [sink], intervalNanoseconds: 3_600_000_000_000)
        let report = await pipeline.end()
        #expect(report.sinks[0].accounts.dropped[.rejected].batches == 1)
        let names = try directory.names(in: "dead-letters")
        #expect(names.count == 1)
        let reader = try BatchReader(path: directory.path + "/dead-letters/" + names[0])
        guard case .frame(let frame) = try reader.next() else {
            Issue.record("wanted a frame")
            return
        }
        #expect(try frame.batch().views.first?.integers == [1])
    }
}
