import Foundation
import Synchronization
import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("A spill whose files somebody removes", .timeLimit(.minutes(1)))
struct SpillMissingTests {
    private let system = MemoryFileSystem()
    private let stream: TestStream

    init() throws {
        stream = try TestStream()
    }

    private func loss(_ numbers: ClosedRange<UInt64>) -> SpillLoss {
        let count = UInt64(numbers.count)
        return SpillLoss(
            gaps: stream.gaps(numbers),
            amount: Amount(batches: count, rows: count * stream.amount.rows, bytes: count * stream.amount.bytes),
            cause: .spillCorrupt)
    }

    @Test("a directory that is gone is made anew by the next write, and what waited in it is lost by number")
    func directory() throws {
        let store = try SpillStore(system, maximumBytes: 8 * UInt64(stream.length(1)))
        for number: UInt64 in 1...5 { stream.append(number, to: store) }
        system.removeDirectory()
        let result = stream.append(6, to: store)
        #expect(result.failure == nil)
        #expect(result.losses.reversed() == [loss(1...2), loss(3...4), loss(5...5)])
        #expect(store.waiting == stream.amount)
        #expect(store.takeEvents() == [.gone(directory: "spill", batches: 5)])
        store.close()
        system.restart()
        #expect(try SpillStore(system).drain() == [6])
    }

    @Test("a directory that is read when it goes loses what was not taken yet, and what is put back is written again")
    func whileTaken() throws {
        let store = try SpillStore(system)
        for number: UInt64 in 1...5 { stream.append(number, to: store) }
        let taken = (0..<2).compactMap { _ in store.takeOldest().batch }
        system.removeDirectory()
        #expect(stream.append(6, to: store).losses == [loss(3...5)])
        store.remove(taken[0].id)
        #expect(store.putBack(taken[1].id, payload: taken[1].payload) == [])
        store.close()
        system.restart()
        #expect(try SpillStore(system).drain() == [6, 2])
    }

    @Test("a batch whose segment is gone and that cannot be written again is lost")
    func putBackFails() throws {
        let store = try SpillStore(system)
        for number: UInt64 in 1...2 { stream.append(number, to: store) }
        let taken = try #require(store.takeOldest().batch)
        system.removeDirectory()
        stream.append(3, to: store)
        system.state.withLock { $0.room = 0 }
        #expect(
            store.putBack(taken.id, payload: taken.payload) == [
                SpillLoss(header: stream.header(1), amount: stream.amount, cause: .spillCorrupt)
            ])
    }

    @Test("a file that is gone while it grows is written on under its name no more")
    func file() throws {
        let store = try SpillStore(system)
        for number: UInt64 in 1...3 { stream.append(number, to: store) }
        system.state.withLock { $0.files = [:] }
        #expect(stream.append(4, to: store) == SpillAppended(losses: [loss(1...3)]))
        store.close()
        #expect(try SpillStore(system).drain() == [4])
    }

    @Test("a directory that goes after the last write is noticed when the spill is closed")
    func atTheEnd() throws {
        let store = try SpillStore(system)
        for number: UInt64 in 1...3 { stream.append(number, to: store) }
        system.removeDirectory()
        #expect(store.close() == [loss(1...3)])
        #expect(store.close() == [])
    }

    @Test("a directory that cannot be made anew leaves batches with the caller until it can")
    func cannotBeMade() throws {
        let store = try SpillStore(system)
        stream.append(1, to: store)
        system.removeDirectory()
        let other = try system.lock("spill")
        let result = stream.append(2, to: store)
        #expect(result == SpillAppended(failure: .inUse(directory: "spill", process: 42), losses: [loss(1...1)]))
        withExtendedLifetime(other) {}
    }

    @Test("what an earlier process left is lost by number, too")
    func recovered() throws {
        let before = try SpillStore(system)
        for number: UInt64 in 1...4 { stream.append(number, to: before) }
        before.close()
        let store = try SpillStore(system)
        system.removeDirectory()
        #expect(stream.append(5, to: store).losses == [loss(1...4)])
    }

    @Test(
        "a real directory that is removed or renamed while a sink spills costs what was in it, and nothing else",
        arguments: [false, true])
    func pipeline(isRenamed: Bool) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/spill"
        func sink(_ destination: Destination) throws -> SinkConfiguration {
            var sink = try destination.sink("a", bounds: QueueBounds(batches: 4))
            sink.spill = SinkConfiguration.Spill(directory: path, sync: .never)
            return sink
        }
        let source = CountingSource()
        let first = try Pipeline.started(source, [sink(Destination(.failing))])
        await source.collections.wait(for: 20)
        while first.snapshots()[0].accounts.spilled.batches == 0 {
            await source.collections.wait(for: source.count + 1)
        }
        if isRenamed {
            try FileManager.default.moveItem(atPath: path, toPath: path + ".old")
        } else {
            try FileManager.default.removeItem(atPath: path)
        }
        await source.collections.wait(for: source.count + 20)
        let left = await first.end(deadlineNanoseconds: 300_000_000).sinks[0].accounts
        #expect(left.imbalance == nil)
        #expect(left.dropped[.spillCorrupt].batches > 0)
        #expect(left.spilled.batches > 0)
        #expect(left.spilled.batches + left.dropped.total.batches == source.count)

        let back = Destination(.accepting)
        let second = try Pipeline.started(CountingSource(), [sink(back)], intervalNanoseconds: 3_600_000_000_000)
        let end = await second.end().sinks[0]
        #expect(end.accounts.recovered == left.spilled)
        // What was lost is told by number.
        let old = try #require(back.state.headers.first?.stream)
        let headers = back.state.headers.filter { $0.stream == old }
        let told = headers.flatMap(\.gaps).filter { $0.cause == .spillCorrupt }.reduce(0) { $0 + $1.batches }
        #expect(told == left.dropped[.spillCorrupt].batches)
    }
}

extension TestStream {
    /// The gaps that batches leave which a spill lost.
    func gaps(_ numbers: ClosedRange<UInt64>) -> StreamGaps {
        numbers.reduce(into: StreamGaps()) { $0.insert(lossOf: header($1), .spillCorrupt) }
    }
}
