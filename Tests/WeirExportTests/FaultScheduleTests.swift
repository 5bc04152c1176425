import Synchronization
import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("Fault schedules")
struct FaultScheduleTests {
    /// 10,000 schedules at `WEIR_TEST_SCALE=34`.
    @Test("whatever destination, disk and process do: received + gaps + held = offered, nothing unexplained")
    func schedules() throws {
        for seed in 1...UInt64(300 * testScale) {
            var schedule = try FaultSchedule(seed: seed)
            try schedule.run()
        }
    }
}

/// One sink over several processes, with a destination and a disk that do as chance says. The threads' parts are played
/// here, so that they interleave at every step.
private struct FaultSchedule {
    private let seed: UInt64
    private var random: SeededGenerator
    private let disk = MemoryFileSystem()
    private var receiver = Receiver()
    /// Of each stream: how many were offered, and which numbers its process knew to be lost without telling anybody.
    private var offered: [StreamID: UInt64] = [:]
    private var untold: [StreamID: Set<UInt64>] = [:]

    init(seed: UInt64) throws {
        self.seed = seed
        random = SeededGenerator(seed: seed)
    }

    mutating func run() throws {
        let hasSpill = Int.random(in: 0..<3, using: &random) > 0
        for process in 0..<UInt64(Int.random(in: 1...3, using: &random)) {
            try live(process, hasSpill: hasSpill)
        }
        // What waits on disk at the end gets a last process with a destination that takes all.
        if hasSpill { try live(9, hasSpill: true, isLast: true) }
        for (stream, count) in offered where count > 0 {
            let known = receiver.received[stream, default: []].union(receiver.told[stream, default: []])
                .union(untold[stream, default: []])
            let missing = Set(1...count).subtracting(known).sorted()
            try #require(missing.isEmpty && known.count == count, "seed \(seed), stream \(stream): \(missing) missing")
        }
    }

    private mutating func live(_ process: UInt64, hasSpill: Bool, isLast: Bool = false) throws {
        receiver.process = process
        var sink = try LiveSink(
            stream: TestStream(seed * 10 + process), disk: hasSpill ? disk : nil, isLast: isLast, random: &random)
        for _ in 0..<(isLast ? 20 : 150) {
            try sink.step(&receiver, &random)
            try sink.check(seed)
        }
        // Orderly, given up in mid-call, or killed.
        let isKilled = !isLast && Int.random(in: 0..<4, using: &random) == 0
        if !isKilled { try sink.end(&receiver, &random, isPatient: isLast) }
        try sink.check(seed)
        offered[sink.stream.stream] = sink.offered
        for stream in offered.keys {
            untold[stream, default: []].formUnion(sink.untold(of: stream, isKilled: isKilled))
        }
        if isKilled { sink.forget() } else { sink.store?.close() }
        disk.restart()
    }
}

/// What a destination got.
private struct Receiver {
    var received: [StreamID: Set<UInt64>] = [:]
    var told: [StreamID: Set<UInt64>] = [:]
    /// Which process delivers.
    var process: UInt64 = 0
    private var headers: [StreamID: [UInt64: (header: FrameHeader, process: UInt64)]] = [:]

    mutating func receive(_ header: FrameHeader) throws {
        for gap in header.gaps { told[header.stream, default: []].formUnion(gap.first...gap.last) }
        if header.isEndMark { return }
        // What a receiver takes for a duplicate must be one. Gaps of which the disk's header did not know were told by
        // that process alone.
        if let (known, teller) = headers[header.stream]?[header.first] {
            var same = header
            if teller != process { same.gaps = known.gaps }
            try #require(same == known)
        }
        headers[header.stream, default: [:]][header.first] = (header, process)
        received[header.stream, default: []].formUnion(header.first...header.last)
    }
}

/// One process's sink, and what its threads have in hand.
private struct LiveSink {
    let stream: TestStream
    let store: SpillStore?
    private(set) var offered: UInt64 = 0
    private var state: SinkState
    private var bounds: QueueBounds
    /// What was held when a change lowered the bounds.
    private var heldBefore = Amount()
    private let isDelta: Bool
    private let isLast: Bool
    /// Whether the spill may hold only a few batches.
    private let isNarrow: Bool
    private let disk: MemoryFileSystem?
    private var now: UInt64 = 0
    private var delivering: [InflightBatch?]
    private var relief: SinkState.Relief?
    /// Sinks that were changed while calls hung, and the batches that those hold.
    private var retired: [(state: SinkState, delivering: [InflightBatch?])] = []
    /// Answers that came when their batch was another sink's.
    private var late: UInt64 = 0
    private var isGivenUp = false

    init(
        stream: TestStream, disk: MemoryFileSystem?, isLast: Bool, random: inout SeededGenerator
    ) throws {
        self.stream = stream
        self.disk = disk
        self.isLast = isLast
        let size = UInt64(stream.length(1))
        isNarrow = Bool.random(using: &random)
        let maximumBytes = isNarrow ? 8 * size : 1 << 20
        store = try disk.map { try SpillStore($0, maximumBytes: maximumBytes) }
        let workers = Int.random(in: 1...3, using: &random)
        delivering = Array(repeating: nil, count: workers)
        isDelta = Bool.random(using: &random)
        bounds = QueueBounds(
            batches: .random(in: 1...10, using: &random),
            bytes: .random(in: 1...10, using: &random) * UInt64(stream.payload.bytes.count),
            ageNanoseconds: Int.random(in: 0..<4, using: &random) == 0 ? 60 * 1_000_000_000 : nil)
        let policy = NamedPolicy.allCases.randomElement(using: &random) ?? .dropOldest
        var queue = SinkQueue(
            bounds: bounds, policy: policy.make(seed: random.next(), scale: 1_000_000_000))
        if let store { queue.recover(store.recovery) }
        state = SinkState(
            queue: queue, breaker: Breaker(pause: 5_000_000_000), workers: workers,
            isOnDemand: Int.random(in: 0..<5, using: &random) == 0, hasSpill: store != nil)
    }

    mutating func step(_ receiver: inout Receiver, _ random: inout SeededGenerator) throws {
        now += .random(in: 0...2_000_000_000, using: &random)
        switch Int.random(in: 0..<13, using: &random) {
        case 0..<4: offer()
        case 4..<6: try work(.random(in: delivering.indices, using: &random), &random)
        case 6..<9: try settle(.random(in: delivering.indices, using: &random), &receiver, &random)
        case 9: relieve(&random)
        case 10: state.ask(for: 2)
        case 11: try answerLate(&receiver, &random)
        case 12 where Int.random(in: 0..<4, using: &random) == 0: change(&random)
        default: breakDisk(&random)
        }
    }

    /// A change of the sink, whose calls hang on.
    private mutating func change(_ random: inout SeededGenerator) {
        state.withdrawParked()
        bounds.batches = .random(in: 1...10, using: &random)
        let workers = Int.random(in: 1...3, using: &random)
        let policy = NamedPolicy.allCases.randomElement(using: &random) ?? .dropOldest
        var next = SinkState(
            queue: SinkQueue(bounds: bounds, policy: policy.make(seed: random.next(), scale: 1_000_000_000)),
            breaker: Breaker(pause: 5_000_000_000), workers: workers, hasSpill: store != nil)
        next.awaitEstate()
        state.retire()
        let held = state.queue.accounts
        let estate = state.handOver(keepsSpill: store != nil, now: now)
        retired.append((state, delivering))
        next.adopt(estate, keepsSpill: store != nil, now: now)
        for item in estate.recalled {
            if let id = item.spillID { store?.putBack(id, payload: item.batch.bytes) }
        }
        // A merge that is under way is void.
        if case .merge = relief { relief = nil }
        heldBefore = Amount(
            batches: held.queued.batches + held.inflight.batches, bytes: held.queued.bytes + held.inflight.bytes)
        state = next
        delivering = Array(repeating: nil, count: workers)
    }

    /// A call of a sink that was changed returns.
    private mutating func answerLate(_ receiver: inout Receiver, _ random: inout SeededGenerator) throws {
        guard !retired.isEmpty else { return }
        var sink = retired.removeFirst()
        for (worker, item) in sink.delivering.enumerated() {
            guard let item else { continue }
            let before = sink.state.queue.accounts
            if Bool.random(using: &random) { try receiver.receive(item.header) }
            let aftermath = sink.state.finish(Delivery(.delivered), worker: worker, now: now, random: &random)
            #expect(aftermath.isLate && aftermath.remove == nil && aftermath.putBack == nil)
            #expect(sink.state.queue.accounts == before)
            state.noteLate()
            late += 1
        }
    }

    private mutating func offer() {
        // The collector has waited, or not; it is back.
        state.withdrawParked()
        offered += 1
        let batch = SharedBatch(
            stream: stream.stream, numbers: offered...offered, startTime: stream.payload.startTime,
            endTime: stream.payload.endTime, rows: stream.payload.rows, points: stream.payload.points,
            rawLength: stream.payload.rawLength, bytes: stream.payload.bytes, isDelta: isDelta)
        state.offer(batch, now: now)
    }

    /// A worker's thread takes its next step; a delivery then hangs until ``settle`` comes by.
    @discardableResult
    private mutating func work(_ worker: Int, _ random: inout SeededGenerator) throws -> SinkState.Step? {
        guard delivering[worker] == nil else { return nil }
        let step = state.nextStep(worker: worker, now: now)
        switch step {
        case .deliver(let item): delivering[worker] = item
        case .recall:
            let taken = try #require(store).takeOldest()
            let (item, putBack) = state.recalled(taken, worker: worker, now: now, random: &random)
            if let putBack { store?.putBack(putBack) }
            delivering[worker] = item
        case .wait, .mark, .end, .abandoned: break
        }
        return step
    }

    private mutating func settle(
        _ worker: Int, _ receiver: inout Receiver, _ random: inout SeededGenerator
    ) throws {
        guard let item = delivering[worker] else { return }
        delivering[worker] = nil
        let delivery: Delivery
        switch isLast ? 11 : Int.random(in: 0..<12, using: &random) {
        case 0..<3: delivery = Delivery(.retry(hint: nil, attemptLimit: nil))
        case 3: delivery = Delivery(.retry(hint: 1_000_000_000, attemptLimit: 3))
        case 4: delivery = Delivery(.rejected)
        case 5:
            try receiver.receive(item.header)
            delivery = Delivery(.retry(hint: nil, attemptLimit: nil), isUncertain: true)
        case 6:
            try receiver.receive(item.header)
            delivery = Delivery(.partial(acceptedRows: item.batch.rows / 2))
        case 7 where Int.random(in: 0..<20, using: &random) == 0: delivery = Delivery(.fatal)
        case 8 where Int.random(in: 0..<5, using: &random) == 0: delivery = Delivery(.quarantined)
        default:
            try receiver.receive(item.header)
            delivery = Delivery(.delivered)
        }
        let aftermath = state.finish(delivery, worker: worker, now: now, random: &random)
        if let id = aftermath.remove { store?.remove(id) }
        if let id = aftermath.putBack { store?.putBack(id) }
    }

    /// The relief's thread begins with something, or ends it.
    private mutating func relieve(_ random: inout SeededGenerator) {
        switch relief {
        case .merge(let work):
            let (older, newer) = (work.batches[0], work.batches[1])
            let isMerged = Int.random(in: 0..<4, using: &random) > 0
            let merged = SharedBatch(
                stream: newer.stream, numbers: older.numbers.lowerBound...newer.numbers.upperBound,
                newestNumbers: newer.newestNumbers, startTime: newer.startTime, endTime: newer.endTime,
                rows: newer.rows, points: newer.points, rawLength: newer.rawLength, bytes: newer.bytes, isDelta: true)
            state.finishMerge(isMerged ? [merged] : nil, now: now)
        case .spill(let header, let batch):
            if let result = store?.append(header, payload: batch.bytes) {
                state.finishSpill(
                    isStored: result.failure == nil, losses: result.losses, now: now, random: &random)
            }
        default: break
        }
        switch relief {
        case .merge, .spill: relief = nil
        default:
            relief = state.nextRelief(now: now)
            // Where nothing makes room any more, the bounds hold.
            if case .wait = relief { checkBounds() }
        }
    }

    private func breakDisk(_ random: inout SeededGenerator) {
        let isFull = Int.random(in: 0..<4, using: &random) == 0
        // What has to go from a disk that cannot be read has no name, so that nobody can say what it was.
        let cannotRead = !isNarrow && Int.random(in: 0..<6, using: &random) == 0
        disk?.fail(isFull: isFull && !isLast, cannotRead: cannotRead && !isLast)
    }

    /// The pipeline ends: side by side until the deadline, then what still hangs is given up.
    mutating func end(_ receiver: inout Receiver, _ random: inout SeededGenerator, isPatient: Bool) throws {
        state.withdrawParked()
        let deadline = now + (isPatient ? 1_000_000_000_000 : 5_000_000_000)
        state.drain(deadline: deadline)
        let hasHung = !isPatient && Int.random(in: 0..<4, using: &random) == 0
        var ended: Set<Int> = []
        for _ in 0..<10_000 where ended.count < delivering.count {
            relieve(&random)
            for worker in delivering.indices where !ended.contains(worker) {
                if !hasHung { try settle(worker, &receiver, &random) }
                switch try work(worker, &random) {
                case .end(let mark):
                    if let mark { try receiver.receive(mark) }
                    state.finishEnd(Delivery(.delivered))
                    ended.insert(worker)
                default: break
                }
                #expect(state.queue.accounts.imbalance == nil)
            }
            now += isPatient ? 1_000_000_000 : 100_000_000
            if hasHung && now > deadline + 2_000_000_000 { break }
        }
        guard ended.count < delivering.count else { return }
        #expect(hasHung)
        state.abandon(now: now)
        isGivenUp = true
        // The calls return after all, and the relief, too late.
        for worker in delivering.indices { try settle(worker, &receiver, &random) }
        relieve(&random)
    }

    /// What this process knew to be lost, and no header said. A kill also loses what is in memory.
    func untold(of other: StreamID, isKilled: Bool) -> Set<UInt64> {
        var last = state
        if isKilled { last.abandon(now: now) }
        return Set(numbers(last.queue.pendingGaps(other)))
    }

    /// A kill: nothing more is written.
    mutating func forget() { disk?.die() }

    func check(_ seed: UInt64) throws {
        let accounts = state.queue.accounts
        try #require(accounts.imbalance == nil, "seed \(seed)")
        checkBounds(excess: Amount(batches: SinkQueue.excessBatches, bytes: bounds.bytes))
        #expect(state.deliveries.late == late)
        // What was being written when the sink was given up is on disk, and accounted for as lost.
        if let store, !isGivenUp { try #require(accounts.spilled == store.waiting, "seed \(seed)") }
        #expect(accounts.recovered + accounts.offered == recoveredAndOffered, "seed \(seed)")
    }

    /// - Parameter excess: What the relief is waited for with.
    private func checkBounds(excess: Amount = Amount()) {
        let accounts = state.queue.accounts
        let inflight = accounts.inflight
        // Each worker may have taken one while there were more.
        let limit = max(bounds.batches, inflight.batches) + excess.batches
        #expect(accounts.queued.batches + inflight.batches <= max(limit, excess.batches > 0 ? heldBefore.batches : 0))
        // One from disk may have been within the wider bounds of an earlier process.
        #expect(accounts.queued.bytes + inflight.bytes <= max(bounds.bytes, inflight.bytes) + excess.bytes)
    }

    private var recoveredAndOffered: UInt64 {
        (store?.recovery.recovered.batches ?? 0) + offered - (state.queue.parkedUntil == nil ? 0 : 1)
    }
}

private func + (left: Amount, right: Amount) -> UInt64 { left.batches + right.batches }

extension MemoryFileSystem {
    fileprivate func fail(isFull: Bool, cannotRead: Bool) {
        state.withLock { state in
            state.room = isFull ? 50 : .max
            state.readFailure = cannotRead ? 24 : nil
            state.openFailure = cannotRead ? 24 : nil
        }
    }

    fileprivate func die() {
        state.withLock { $0.isDead = true }
    }
}
