import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

/// A queue as anybody would write it: arrays, searched from end to end, and no accounts but what the arrays say.
private struct NaiveQueue {
    enum Fate: Equatable {
        case waiting
        case inflight
        case delivered(acceptedRows: UInt64)
        case refused(Gap.Cause)
        case dropped(Gap.Cause)
    }

    var batches: [SharedBatch] = []
    var fates: [Fate] = []
    var arrivals: [UInt64] = []
    /// Lost numbers that no header tells of.
    var untold: Set<UInt64> = []
    /// What each batch's header tells of since its first attempt.
    var telling: [UInt64: Set<UInt64>] = [:]
    /// What the destination knows to be lost.
    var told: Set<UInt64> = []

    func indexes(_ fate: Fate) -> [Int] { fates.indices.filter { fates[$0] == fate } }

    var heldBatches: Int { indexes(.waiting).count + indexes(.inflight).count }

    var heldBytes: Int {
        (indexes(.waiting) + indexes(.inflight)).reduce(0) { $0 + batches[$1].bytes.count }
    }

    mutating func lose(_ index: Int, _ fate: Fate) {
        fates[index] = fate
        let number = UInt64(index + 1)
        untold.formUnion(telling.removeValue(forKey: number) ?? [])
        untold.insert(number)
    }

    mutating func enforce(_ bounds: QueueBounds, _ policy: Policy, now: UInt64) {
        if let age = bounds.ageNanoseconds {
            for index in indexes(.waiting) where now - arrivals[index] > age { lose(index, .dropped(.expired)) }
        }
        while heldBatches > Int(bounds.batches) || heldBytes > Int(bounds.bytes) {
            switch policy {
            case .dropOldest, .newestFirst:
                guard let index = indexes(.waiting).first else { return }
                lose(index, .dropped(.overflowOldest))
            case .dropNewestWaiting:
                guard let index = indexes(.waiting).last else { return }
                lose(index, .dropped(.random))
            case .refuseNewest:
                return
            }
        }
    }

    var accounts: Accounts {
        var accounts = Accounts()
        for (index, fate) in fates.enumerated() {
            let batch = batches[index]
            let amount = Amount(batches: 1, rows: batch.rows, bytes: UInt64(batch.bytes.count))
            accounts.offered += amount
            if case .refused(let cause) = fate {
                accounts.refused[cause] += amount
                continue
            }
            accounts.accepted += amount
            switch fate {
            case .waiting: accounts.queued += amount
            case .inflight: accounts.inflight += amount
            case .dropped(let cause): accounts.dropped[cause] += amount
            case .delivered(let rows):
                accounts.delivered += Amount(batches: 1, rows: rows, bytes: amount.bytes)
                accounts.dropped[.rejected] += Amount(rows: amount.rows - rows)
            case .refused: break
            }
        }
        return accounts
    }
}

private enum Policy: CaseIterable {
    case dropOldest
    case newestFirst
    case refuseNewest
    case dropNewestWaiting

    var value: any QueuePolicy {
        switch self {
        case .dropOldest: DropOldest()
        case .newestFirst: LastInFirstOut()
        case .refuseNewest: DropNewest()
        case .dropNewestWaiting: DropNewestWaiting()
        }
    }
}

@Suite("A sink's queue does what a naive one does")
struct SinkQueueModelTests {
    @Test("the accounts hold after every operation of a random schedule", arguments: Policy.allCases, 1...6)
    private func randomSchedule(policy: Policy, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let bounds = QueueBounds(
            batches: .random(in: 1...12, using: &random), bytes: .random(in: 100...2000, using: &random),
            ageNanoseconds: Bool.random(using: &random) ? .random(in: 5...60, using: &random) : nil)
        var queue = SinkQueue(bounds: bounds, policy: policy.value)
        var naive = NaiveQueue()
        var inflight: [InflightBatch] = []
        var now: UInt64 = 0
        // A naive step looks at all batches so far, so many short schedules cover more than a long one.
        for _ in 0..<(600 * testScale) where naive.batches.count < 2000 {
            now += .random(in: 0...3, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                offer(&queue, &naive, bounds, policy, now: now, random: &random)
            case 4..<7 where inflight.count < 3:
                let taken = queue.take(now: now)
                naive.enforce(bounds, policy, now: now)
                let waiting = naive.indexes(.waiting)
                let expected = policy == .newestFirst ? waiting.last : waiting.first
                #expect(taken?.batch.numbers.lowerBound == expected.map { UInt64($0 + 1) })
                guard let taken, let expected else { break }
                naive.fates[expected] = .inflight
                let number = UInt64(expected + 1)
                if naive.telling[number] == nil {
                    naive.telling[number] = naive.untold
                    naive.untold = []
                }
                #expect(Set(numbers(taken.header.gaps)) == naive.telling[number])
                inflight.append(taken)
            default:
                guard !inflight.isEmpty else { break }
                let item = inflight.remove(at: .random(in: inflight.indices, using: &random))
                settle(item, &queue, &naive, bounds, policy, now: now, random: &random)
            }
            #expect(queue.accounts.imbalance == nil)
            #expect(queue.accounts == naive.accounts)
            #expect(numbers(queue.pendingGaps()) == naive.untold.sorted())
            try #require(queue.accounts == naive.accounts)
            everyNumberIsSomewhere(queue, naive)
        }
    }

    private func offer(
        _ queue: inout SinkQueue, _ naive: inout NaiveQueue, _ bounds: QueueBounds, _ policy: Policy, now: UInt64,
        random: inout SeededGenerator
    ) {
        let number = UInt64(naive.batches.count + 1)
        let offered = batch(
            number, rows: .random(in: 0...50, using: &random), bytes: .random(in: 1...500, using: &random))
        let isFull =
            naive.heldBatches + 1 > Int(bounds.batches) || naive.heldBytes + offered.bytes.count > Int(bounds.bytes)
        queue.offer(offered, now: now)
        naive.batches.append(offered)
        naive.arrivals.append(now)
        naive.fates.append(.waiting)
        if offered.bytes.count > Int(bounds.bytes) {
            naive.lose(naive.fates.count - 1, .refused(.oversize))
        } else if policy == .refuseNewest && isFull {
            naive.lose(naive.fates.count - 1, .refused(.overflowNewest))
        }
        if offered.bytes.count <= Int(bounds.bytes) { naive.enforce(bounds, policy, now: now) }
    }

    private func settle(
        _ item: InflightBatch, _ queue: inout SinkQueue, _ naive: inout NaiveQueue, _ bounds: QueueBounds,
        _ policy: Policy, now: UInt64, random: inout SeededGenerator
    ) {
        let number = item.batch.numbers.lowerBound
        let index = Int(number - 1)
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            queue.putBack(item, now: now)
            naive.fates[index] = .waiting
        case 1:
            queue.drop(item, .rejected, now: now)
            naive.lose(index, .dropped(.rejected))
        case 2:
            let rejected = UInt64.random(in: 0...item.batch.rows, using: &random)
            queue.delivered(item, refusedRows: rejected, now: now)
            naive.fates[index] = .delivered(acceptedRows: item.batch.rows - rejected)
            naive.told.formUnion(naive.telling.removeValue(forKey: number) ?? [])
        default:
            queue.delivered(item, now: now)
            naive.fates[index] = .delivered(acceptedRows: item.batch.rows)
            naive.told.formUnion(naive.telling.removeValue(forKey: number) ?? [])
        }
        naive.enforce(bounds, policy, now: now)
    }

    /// Received + gaps + held = offered, number by number.
    private func everyNumberIsSomewhere(_ queue: SinkQueue, _ naive: NaiveQueue) {
        let gaps = naive.told.union(naive.telling.values.reduce(into: Set()) { $0.formUnion($1) })
            .union(numbers(queue.pendingGaps()))
        let lost = naive.fates.indices.filter {
            switch naive.fates[$0] {
            case .dropped, .refused: true
            case .waiting, .inflight, .delivered: false
            }
        }
        #expect(gaps == Set(lost.map { UInt64($0 + 1) }))
    }
}
