import Foundation
import Synchronization
import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("A spill on a failing disk")
struct SpillFaultTests {
    private let system = MemoryFileSystem()
    private let stream: TestStream

    init() throws {
        stream = try TestStream()
    }

    /// The only segment's bytes, with five records of which the second is done.
    private func segment() throws -> [UInt8] {
        let store = try SpillStore(system)
        for number: UInt64 in 1...5 { stream.append(number, to: store) }
        let taken = (0..<2).compactMap { _ in store.takeOldest().batch }
        store.remove(taken[1].id)
        store.close()
        return try #require(system.state.withLock { $0.files.values.first })
    }

    /// A disk with one segment.
    private func disk(_ bytes: [UInt8]) -> MemoryFileSystem {
        let system = MemoryFileSystem()
        system.state.withLock { $0.files = ["spill/spill-00000000000000000001.weir.zst": bytes] }
        return system
    }

    // MARK: - What a start finds

    @Test("a segment cut at any byte loses the record that the cut goes through, and takes the next behind it")
    func truncated() throws {
        let bytes = try segment()
        let length = stream.length(1)
        for end in 0..<bytes.count {
            let system = disk(Array(bytes[..<end]))
            let store = try SpillStore(system)
            let whole = [1, 3, 4, 5].filter { Int($0) * length <= end }.map(UInt64.init)
            #expect(store.recovery.losses.isEmpty)
            #expect(store.recovery.recovered.batches == UInt64(whole.count))
            #expect(store.recovery.tornBytes == UInt64(end % length), "cut at \(end)")
            stream.append(6, to: store)
            store.close()
            let next = try SpillStore(system)
            #expect(next.recovery.tornBytes == 0)
            #expect(next.recovery.losses.isEmpty)
            #expect(next.drain() == whole + [6], "cut at \(end)")
        }
    }

    @Test("any byte flipped costs one record at most, which is counted, and the others come out as they were")
    func flipped() throws {
        let bytes = try segment()
        var decoder = try BatchDecoder()
        let message = try decoder.message(stream.payload.bytes, header: stream.header(1))
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= 1 << UInt8(position % 8)
            let system = disk(damaged)
            let store = try SpillStore(system)
            var lost = store.recovery.losses.count + (store.recovery.tornBytes > 0 ? 1 : 0)
            var numbers: [UInt64] = []
            var accounts = store.recovery.recovered
            for loss in store.recovery.losses { accounts -= loss.amount }
            #expect(accounts == store.waiting, "byte \(position)")
            while true {
                let taken = store.takeOldest()
                lost += taken.losses.count
                for loss in taken.losses { accounts -= loss.amount }
                guard let batch = taken.batch else { break }
                // Some bits of a zstd frame mean nothing.
                #expect(try decoder.message(batch.payload, header: batch.header) == message)
                #expect(batch.header == stream.header(batch.header.first), "byte \(position)")
                accounts -= batch.header.amount
                numbers.append(batch.header.first)
                store.remove(batch.id)
            }
            #expect(accounts == Amount(), "byte \(position)")
            let missing = [1, 3, 4, 5].filter { !numbers.contains($0) }
            #expect(numbers == [1, 3, 4, 5].filter(numbers.contains), "byte \(position)")
            #expect(missing.count <= 1, "byte \(position)")
            // What covers the done record may break into something that looks like one more place of damage.
            #expect(lost == missing.count || (missing.isEmpty && lost == 1), "byte \(position): \(lost) lost")
            #expect(system.names.isEmpty, "byte \(position)")
        }
    }

    @Test("damage is counted by one start only")
    func countedOnce() throws {
        var bytes = try segment()
        bytes[2 * stream.length(1) + 20] ^= 1
        let system = disk(bytes)
        #expect(try SpillStore(system).recovery.losses.map(\.cause) == [.spillCorrupt])
        let store = try SpillStore(system)
        #expect(store.recovery.losses.isEmpty)
        #expect(store.drain() == [1, 4, 5])
    }

    @Test("a segment of noise, or of zeros, is counted as one loss and is gone")
    func noise() throws {
        var random = SeededGenerator(seed: 3)
        for bytes in [
            [UInt8](repeating: 0, count: 10_000), (0..<10_000).map { _ in .random(in: 0...255, using: &random) },
        ] {
            let system = disk(bytes)
            let store = try SpillStore(system)
            #expect(
                store.recovery.losses == [
                    SpillLoss(amount: Amount(batches: 1, rows: 0, bytes: 10_000), cause: .spillCorrupt)
                ])
            #expect(store.recovery.recovered == store.recovery.losses[0].amount)
            #expect(system.names.isEmpty)
        }
    }

    @Test("a segment that cannot be opened stays where it is, and the spill goes on behind it")
    func unreadable() throws {
        let system = disk(try segment())
        system.state.withLock { $0.openFailure = EACCES }
        let store = try SpillStore(system)
        #expect(store.recovery.unreadable == [.system(code: EACCES, attempt: "open")])
        #expect(store.recovery.recovered == Amount())
        system.state.withLock { $0.openFailure = nil }
        stream.append(9, to: store)
        #expect(store.drain() == [9])
        store.close()
        #expect(try SpillStore(system).drain() == [1, 3, 4, 5])
    }

    @Test("names that are none of ours are left alone")
    func foreignNames() throws {
        let system = disk(try segment())
        let names = [
            "spill-1.weir.zst", "spill-99999999999999999999.weir.zst", "spill-+0000000000000000001.weir.zst", "x",
        ]
        system.state.withLock { state in
            for name in names { state.files["spill/" + name] = [1, 2, 3] }
        }
        let store = try SpillStore(system)
        #expect(store.drain() == [1, 3, 4, 5])
        #expect(system.names == names.map { "spill/" + $0 }.sorted())
    }

    // MARK: - While it runs

    @Test("a disk that fills at any byte costs the batch its place, and what was there before is whole")
    func diskFull() throws {
        let store = try SpillStore(system)
        stream.append(1, to: store)
        for room in 0..<stream.length(2) {
            system.state.withLock { $0.room = room }
            let result = stream.append(2, to: store)
            #expect(result.failure == .system(code: ENOSPC, attempt: "write"))
            #expect(result.losses.isEmpty)
            #expect(system.state.withLock { $0.files.values.map(\.count) } == [stream.length(1)])
        }
        #expect(store.takeEvents() == [.failing(.system(code: ENOSPC, attempt: "write"))])
        system.state.withLock { $0.room = .max }
        #expect(stream.append(2, to: store) == SpillAppended())
        #expect(store.takeEvents() == [.working])
        #expect(store.drain() == [1, 2])
    }

    @Test("a full disk does not stop delivery, which makes room")
    func fullDiskDrains() throws {
        let store = try SpillStore(system)
        for number: UInt64 in 1...3 { stream.append(number, to: store) }
        system.state.withLock { $0.room = 0 }
        #expect(store.drain() == [1, 2, 3])
        #expect(system.names.isEmpty)
    }

    @Test("what cannot be cut off is left behind in its segment, and the next record goes to a new one")
    func truncationFails() throws {
        let store = try SpillStore(system)
        stream.append(1, to: store)
        system.state.withLock {
            $0.room = 50
            $0.failsToTruncate = true
        }
        #expect(stream.append(2, to: store).failure != nil)
        system.state.withLock { $0.room = .max }
        #expect(stream.append(3, to: store) == SpillAppended())
        #expect(system.names.count == 2)
        #expect(store.takeOldest().losses.isEmpty)
        store.close()
        system.restart()
        let next = try SpillStore(system)
        #expect(next.recovery.tornBytes == 50)
        #expect(next.drain() == [1, 3])
    }

    @Test("a record whose sync fails is not said to be there, and is not")
    func syncFails() throws {
        let store = try SpillStore(system, sync: .always)
        stream.append(1, to: store)
        system.state.withLock { $0.failsToSync = true }
        #expect(stream.append(2, to: store).failure == .system(code: EIO, attempt: "sync"))
        system.state.withLock { $0.failsToSync = false }
        stream.append(3, to: store)
        #expect(store.drain() == [1, 3])
    }

    @Test("a payload that was damaged on disk is a loss that says what it was")
    func payloadDamaged() throws {
        let store = try SpillStore(system)
        for number: UInt64 in 1...3 { stream.append(number, to: store) }
        let end = 2 * stream.length(1)
        system.state.withLock { $0.files["spill/spill-00000000000000000001.weir.zst"]?[end - 3] ^= 1 }
        #expect(store.takeOldest().batch?.header.first == 1)
        let taken = store.takeOldest()
        #expect(taken.losses == [SpillLoss(header: stream.header(2), amount: stream.amount, cause: .spillCorrupt)])
        #expect(taken.batch?.header.first == 3)
    }

    @Test("a segment that somebody deleted is a loss of all that waited in it")
    func segmentGone() throws {
        let length = UInt64(stream.length(1))
        let store = try SpillStore(system, maximumBytes: 8 * length)
        for number: UInt64 in 1...6 { stream.append(number, to: store) }
        system.state.withLock { _ = $0.files.removeValue(forKey: "spill/spill-00000000000000000001.weir.zst") }
        let taken = store.takeOldest()
        #expect(
            taken.losses == [
                SpillLoss(
                    gaps: stream.gaps(1...2), amount: Amount(batches: 2, rows: 6, bytes: 2 * stream.amount.bytes),
                    cause: .spillCorrupt)
            ])
        #expect(taken.batch?.header.first == 3)
    }

    @Test("too many open files make batches wait, not go")
    func noDescriptors() throws {
        let store = try SpillStore(system, maximumBytes: 8 * UInt64(stream.length(1)))
        for number: UInt64 in 1...6 { stream.append(number, to: store) }
        system.state.withLock { $0.openFailure = EMFILE }
        let taken = store.takeOldest()
        #expect(taken.batch == nil)
        #expect(taken.losses.isEmpty)
        #expect(store.waiting.batches == 6)
        system.state.withLock { $0.openFailure = nil }
        #expect(store.drain() == Array(1...6))
    }

    @Test("a record that cannot be marked is not delivered twice by this process")
    func markFails() throws {
        let store = try SpillStore(system, maximumBytes: 16 * UInt64(stream.length(1)))
        for number: UInt64 in 1...8 { stream.append(number, to: store) }
        let first = (0..<5).compactMap { _ in store.takeOldest().batch }
        system.state.withLock { $0.isDead = true }
        store.remove(first[0].id)
        system.state.withLock { $0.isDead = false }
        for batch in first[1...] { store.putBack(batch.id) }
        #expect(store.drain() == Array(2...8))
        #expect(system.names.isEmpty)
    }

    @Test("a segment that cannot be deleted refuses what would need its room, and loses nothing")
    func removalFails() throws {
        let store = try SpillStore(system, maximumBytes: 8 * UInt64(stream.length(1)))
        for number: UInt64 in 1...8 { stream.append(number, to: store) }
        system.state.withLock { $0.failsToRemove = true }
        let result = stream.append(9, to: store)
        #expect(result == SpillAppended(failure: .system(code: EACCES, attempt: "remove")))
        #expect(store.drain() == Array(1...8))
        system.state.withLock { $0.failsToRemove = false }
        #expect(stream.append(9, to: store) == SpillAppended())
        #expect(store.drain() == [9])
    }
}
