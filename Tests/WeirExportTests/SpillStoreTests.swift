import Foundation
import Synchronization
import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("A spill")
struct SpillStoreTests {
    private let system = MemoryFileSystem()
    private let stream: TestStream

    init() throws {
        stream = try TestStream()
    }

    @Test("what is appended comes out, oldest first, with header and payload as they were")
    func order() throws {
        let store = try SpillStore(system)
        #expect(store.recovery == SpillRecovery())
        for number: UInt64 in 1...3 { #expect(stream.append(number, to: store) == SpillAppended()) }
        #expect(store.waiting.batches == 3)
        #expect(store.waiting.rows == 9)
        for number: UInt64 in 1...3 {
            let batch = try #require(store.takeOldest().batch)
            #expect(batch.header == stream.header(number))
            #expect(batch.payload == stream.payload.bytes)
        }
        #expect(store.takeOldest().batch == nil)
        #expect(store.waiting == Amount())
    }

    @Test("a batch put back is the oldest again, and one appended meanwhile comes behind it")
    func putBack() throws {
        let store = try SpillStore(system)
        for number: UInt64 in 1...3 { stream.append(number, to: store) }
        let first = try #require(store.takeOldest().batch)
        let second = try #require(store.takeOldest().batch)
        stream.append(4, to: store)
        store.putBack(second.id)
        store.putBack(first.id)
        store.putBack(first.id)
        #expect(store.waiting.batches == 4)
        #expect(store.drain() == [1, 2, 3, 4])
    }

    @Test("removed batches do not come again after a restart, those in flight and those that waited do")
    func restart() throws {
        let other = try TestStream(2)
        do {
            let store = try SpillStore(system)
            for number: UInt64 in 1...4 { stream.append(number, to: store) }
            let taken = try (1...3).map { _ in try #require(store.takeOldest().batch) }
            store.remove(taken[0].id)
            store.remove(taken[2].id)
            other.append(1, to: store)
        }
        let store = try SpillStore(system)
        #expect(store.recovery.recovered.batches == 3)
        #expect(store.recovery.losses.isEmpty)
        other.append(2, to: store)
        let all = (0..<4).compactMap { _ in store.takeOldest().batch?.header }
        #expect(all.map(\.first) == [2, 4, 1, 2])
        #expect(all.map(\.stream) == [stream.stream, stream.stream, other.stream, other.stream])
    }

    @Test("a segment with done records is a batch file of those that wait")
    func batchFile() throws {
        let store = try SpillStore(system)
        for number: UInt64 in 1...5 { stream.append(number, to: store) }
        let taken = (0..<3).compactMap { _ in store.takeOldest().batch }
        for index in [0, 2] { store.remove(taken[index].id) }
        let reader = try BatchReader(MemorySource(system.state.withLock { $0.files.values.first ?? [] }))
        var numbers: [UInt64] = []
        while let item = try reader.next() {
            guard case .frame(let frame) = item else {
                Issue.record("wanted a frame, found \(item)")
                continue
            }
            _ = try frame.batch()
            numbers.append(frame.header.first)
        }
        #expect(numbers == [2, 4, 5])
    }

    @Test("segments end at 4 MiB, are deleted once all their batches are done, and none is left in the end")
    func segments() throws {
        let large = try TestStream(1, rows: 200_000)
        let count = 3 * (4 << 20) / large.length(1)
        let store = try SpillStore(system, maximumBytes: 1 << 30)
        for number in 1...UInt64(count) { large.append(number, to: store) }
        let sizes = system.state.withLock { $0.files.values.map(\.count) }
        #expect(sizes.count == 3 || sizes.count == 4)
        #expect(sizes.allSatisfy { $0 <= 4 << 20 })
        #expect(store.bytesOnDisk == UInt64(sizes.reduce(0, +)))
        #expect(store.drain(count / 2).count == count / 2)
        #expect(system.names.count < sizes.count)
        #expect(store.drain() == Array(UInt64(count / 2 + 1)...UInt64(count)))
        #expect(system.names.isEmpty)
        large.append(9, to: store)
        #expect(store.drain() == [9])
    }

    @Test("batches that several deliver at once are removed in any order")
    func severalInFlight() throws {
        var random = SeededGenerator(seed: 7)
        let store = try SpillStore(system, maximumBytes: 4 * UInt64(stream.length(1)) * 5)
        for number: UInt64 in 1...20 { #expect(stream.append(number, to: store) == SpillAppended()) }
        var taken = (1...20).compactMap { _ in store.takeOldest().batch }
        #expect(taken.map(\.header.first) == Array(1...20))
        taken.shuffle(using: &random)
        for batch in taken[..<10] { store.remove(batch.id) }
        for batch in taken[10...] { store.putBack(batch.id) }
        #expect(store.drain() == taken[10...].map(\.header.first).sorted())
        #expect(system.names.isEmpty)
    }

    // MARK: - Bounds

    @Test("the oldest segment goes where the bound would be passed, and what was in it is reported")
    func bound() throws {
        let length = UInt64(stream.length(1))
        // A segment holds a quarter of the bound: two records.
        let store = try SpillStore(system, maximumBytes: 8 * length)
        for number: UInt64 in 1...8 { #expect(stream.append(number, to: store) == SpillAppended()) }
        let result = stream.append(9, to: store)
        #expect(result.failure == nil)
        #expect(result.losses.map(\.number) == [1, 2])
        #expect(result.losses.allSatisfy { $0.cause == .spillFull && $0.amount == stream.amount })
        #expect(store.bytesOnDisk <= 8 * length)
        #expect(store.drain() == Array(3...9))
    }

    @Test("what is being delivered is not let go, and what does not fit then is refused")
    func inFlight() throws {
        let length = UInt64(stream.length(1))
        let store = try SpillStore(system, maximumBytes: 4 * length)
        for number: UInt64 in 1...4 { stream.append(number, to: store) }
        let first = try #require(store.takeOldest().batch)
        #expect(stream.append(5, to: store).losses.map(\.number) == [2])
        for _ in 0..<3 { _ = store.takeOldest() }
        #expect(stream.append(6, to: store).failure == .noRoom(limit: 4 * length, needed: 4 * length))
        store.putBack(first.id)
        #expect(stream.append(6, to: store).losses.map(\.number) == [1])
    }

    @Test("a batch longer than all may be is refused, and nothing goes for it")
    func tooLong() throws {
        let length = UInt64(stream.length(1))
        let store = try SpillStore(system, maximumBytes: length)
        stream.append(1, to: store)
        let large = try TestStream(2, rows: 1000)
        let result = large.append(1, to: store)
        #expect(result.failure == .tooLong(limit: length, found: UInt64(large.length(1))))
        #expect(result.losses.isEmpty)
        #expect(store.drain() == [1])
    }

    @Test("a smaller bound than before lets the oldest go at the start")
    func smallerBound() throws {
        let length = UInt64(stream.length(1))
        do {
            let store = try SpillStore(system, maximumBytes: 16 * length)
            for number: UInt64 in 1...16 { stream.append(number, to: store) }
        }
        let store = try SpillStore(system, maximumBytes: 8 * length)
        #expect(store.recovery.recovered.batches == 16)
        #expect(store.recovery.losses.map(\.number) == Array(1...8))
        #expect(store.waiting.batches == 8)
        #expect(store.drain() == Array(9...16))
    }

    // MARK: - Forcing to disk

    @Test(
        "records are synced never, once a second, or each",
        arguments: [(SpillSync.never, 0), (.second, 1), (.always, 6)])
    func syncs(mode: SpillSync, count: Int) throws {
        let clock = Clock()
        let store = try SpillStore(
            directory: "spill", maximumBytes: 1 << 20, sync: mode, fileSystem: system, time: clock.time)
        for number: UInt64 in 1...6 {
            stream.append(number, to: store)
            clock.now.wrappingAdd(400_000_000, ordering: .relaxed)
        }
        // At 0, 400, … 2000 ms: a second after the segment began comes the fourth.
        #expect(system.state.withLock { $0.syncs } == count)
        store.close()
        #expect(system.state.withLock { $0.syncs } == (mode == .never ? 0 : count + 1))
    }

    private final class Clock: Sendable {
        let now = Atomic<UInt64>(1_000_000_000)

        var time: TimeSource {
            TimeSource(wall: { 0 }, monotonic: { self.now.load(ordering: .relaxed) })
        }
    }

    // MARK: - One at a time

    @Test("a directory in use is refused, and free again when it is closed")
    func inUse() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/a/b"
        let store = try SpillStore(directory: path, maximumBytes: 1 << 20)
        stream.append(1, to: store)
        #expect(throws: SpillError.inUse(directory: path, process: getpid())) {
            _ = try SpillStore(directory: path, maximumBytes: 1 << 20)
        }
        store.close()
        #expect(stream.append(2, to: store).failure == .closed)
        #expect(store.takeOldest().batch == nil)
        let next = try SpillStore(directory: path, maximumBytes: 1 << 20)
        #expect(next.drain() == [1])
        #expect(
            "\(SpillError.inUse(directory: "/d", process: 7))"
                == "the spill directory /d is in use by process 7: give this sink another one")
    }

    @Test("a directory that cannot be made is refused with its name")
    func noDirectory() throws {
        let directory = try TemporaryDirectory()
        try Data().write(to: URL(fileURLWithPath: directory.path + "/file"))
        let error = #expect(throws: SpillError.self) {
            _ = try SpillStore(directory: directory.path + "/file/spill", maximumBytes: 1 << 20)
        }
        #expect(error?.description.contains("/file/spill: Not a directory") == true)
    }
}
