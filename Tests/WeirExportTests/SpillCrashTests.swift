import Foundation
import Synchronization
import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("A spill and the end of its process")
struct SpillCrashTests {
    /// What a process did with a spill before it ended: what it was told is there, and what it let go.
    private struct History {
        var appended: [UInt64] = []
        var removed: Set<UInt64> = []
        var lost: Set<UInt64> = []
    }

    /// Appends, delivers and removes until `count` batches came by.
    private func work(_ store: SpillStore, _ stream: TestStream, _ numbers: ClosedRange<UInt64>) -> History {
        var history = History()
        for number in numbers {
            let result = stream.append(number, to: store)
            if result.failure == nil { history.appended.append(number) }
            history.lost.formUnion(result.losses.compactMap(\.number))
            guard number % 3 != 0, let batch = store.takeOldest().batch else { continue }
            // Removed before it is noted: a process that dies in between has delivered it, too.
            history.removed.insert(batch.header.first)
            store.remove(batch.id)
        }
        return history
    }

    @Test("a process that ends at any byte it writes loses nothing that was appended, and repeats one batch at most")
    func endsAnywhere() throws {
        let stream = try TestStream()
        let length = stream.length(1)
        for budget in 0..<(10 * length) {
            let system = MemoryFileSystem()
            system.state.withLock {
                $0.room = budget
                $0.diesWhenFull = true
            }
            let history = work(try SpillStore(system, maximumBytes: UInt64(16 * length)), stream, 1...12)
            system.restart()
            let store = try SpillStore(system, maximumBytes: UInt64(16 * length))
            #expect(store.recovery.losses.isEmpty, "after \(budget) bytes")
            let found = store.drain()
            #expect(found == found.sorted())
            #expect(
                Set(found).isSuperset(of: Set(history.appended).subtracting(history.removed)), "after \(budget) bytes")
            #expect(Set(found).isSubset(of: history.appended))
            #expect(history.removed.intersection(found).count <= 1, "after \(budget) bytes")
            #expect(system.names.isEmpty)
        }
    }

    @Test("a kill at any moment loses nothing that was appended", arguments: 1...(4 * testScale))
    func killed(run: Int) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        let microseconds = UInt32(1_000 + (run * 7_919) % 40_000)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, microseconds = microseconds as UInt32] in
            let store = try SpillStore(directory: path + "/spill", maximumBytes: 1 << 20, sync: .never)
            let stream = try TestStream(1, rows: 500)
            stream.append(1, to: store)
            // What the child says it has done, told before it removes and after it appended.
            let ledger = unsafe open(path + "/ledger", O_CREAT | O_WRONLY | O_APPEND, 0o644)
            func note(_ word: String, _ number: UInt64) {
                let line = Array("\(word) \(number)\n".utf8)
                _ = unsafe line.withUnsafeBytes { unsafe write(ledger, $0.baseAddress, $0.count) }
            }
            note("has", 1)
            Thread.detachNewThread {
                usleep(microseconds)
                kill(getpid(), SIGKILL)
            }
            var number: UInt64 = 1
            while true {
                number += 1
                let result = stream.append(number, to: store)
                for loss in result.losses { note("lost", loss.header?.first ?? 0) }
                if result.failure == nil { note("has", number) }
                if number % 4 != 0, let batch = store.takeOldest().batch {
                    note("done", batch.header.first)
                    store.remove(batch.id)
                }
            }
        }
        var (has, gone): (Set<UInt64>, Set<UInt64>) = ([], [])
        for line in try String(contentsOfFile: path + "/ledger", encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ")
            let number = try #require(UInt64(words[1]))
            if words[0] == "has" { has.insert(number) } else { gone.insert(number) }
        }
        let store = try SpillStore(directory: path + "/spill", maximumBytes: 1 << 20)
        #expect(store.recovery.losses.isEmpty)
        let found = Set(store.drain())
        // The child may have let a whole segment go without having said so.
        let missing = has.subtracting(gone).subtracting(found)
        #expect(
            missing.allSatisfy { number in has.union(gone).filter { $0 < number }.allSatisfy { !found.contains($0) } })
        #expect(missing.count <= (256 << 10) / 500)
        #expect(found.subtracting(has).count <= 1)
        #expect(found.intersection(gone).count <= 1)
        #expect(try directory.names(in: "spill") == ["lock"])
    }

    @Test("a directory that a process holds is refused to another, until that one is gone")
    func heldElsewhere() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        let stream = try TestStream()
        do {
            let store = try SpillStore(directory: path, maximumBytes: 1 << 20)
            stream.append(1, to: store)
            let holder = getpid()
            await #expect(processExitsWith: .success) { [path = path as String, holder = holder as Int32] in
                #expect(throws: SpillError.inUse(directory: path, process: holder)) {
                    _ = try SpillStore(directory: path, maximumBytes: 1 << 20)
                }
            }
            store.close()
        }
        await #expect(processExitsWith: .success) { [path = path as String] in
            let store = try SpillStore(directory: path, maximumBytes: 1 << 20)
            #expect(store.drain() == [1])
        }
    }

    // MARK: - Random schedules

    @Test("random schedules of appends, deliveries, faults and ends keep the account", arguments: 0..<(200 * testScale))
    func schedule(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let streams = try [TestStream(1), TestStream(2, rows: 40)]
        let system = MemoryFileSystem()
        let bound = UInt64(streams[1].length(1) * 12)
        var store = try SpillStore(system, maximumBytes: bound)
        var held = Amount()
        var taken: [SpilledBatch] = []
        var number: UInt64 = 0
        func note(_ losses: [SpillLoss]) {
            for loss in losses { held -= loss.amount }
        }
        for _ in 0..<300 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<8:
                number += 1
                let stream = streams.randomElement(using: &random) ?? streams[0]
                let result = stream.append(number, to: store)
                note(result.losses)
                if result.failure == nil { held += stream.amount }
            case 8..<13:
                let result = store.takeOldest()
                note(result.losses)
                if let batch = result.batch { taken.append(batch) }
            case 13..<16:
                guard !taken.isEmpty else { continue }
                let batch = taken.remove(at: .random(in: taken.indices, using: &random))
                store.remove(batch.id)
                held -= batch.header.amount
            case 16..<18:
                guard !taken.isEmpty else { continue }
                store.putBack(taken.remove(at: .random(in: taken.indices, using: &random)).id)
            case 18:
                let room = Bool.random(using: &random) ? Int.random(in: 0..<300, using: &random) : .max
                let cuts = Bool.random(using: &random)
                system.state.withLock {
                    $0.room = room
                    $0.failsToTruncate = !cuts
                }
            default:
                store.close()
                system.restart()
                store = try SpillStore(system, maximumBytes: bound)
                #expect(store.recovery.recovered == held, "what was taken is there again")
                taken = []
                note(store.recovery.losses)
            }
            var expected = held
            for batch in taken { expected -= batch.header.amount }
            #expect(store.waiting == expected)
            #expect(store.bytesOnDisk <= bound)
        }
    }
}
