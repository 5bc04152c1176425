internal import WeirBatch

/// A sink that follows another of its name while exporting goes on: it gets the queue, the accounts, the gaps and what is
/// on a disk that both use.
extension SinkState {
    /// What a sink leaves to the one that follows it.
    package struct Estate {
        /// Batches from disk that a call held which did not return: the disk has to be told that they wait again.
        package let recalled: [InflightBatch]
        fileprivate let queue: SinkQueue
        fileprivate let deliveries: DeliveryCounts
        fileprivate let health: SinkHealth
        fileprivate let spill: SpillUse?
    }

    /// Before it begins: delivers nothing until ``adopt(_:keepsSpill:now:)``.
    package mutating func awaitEstate() { phase = .awaiting(drain: nil) }

    /// Its threads end with what they have in hand, and without an end mark.
    package mutating func retire() {
        queue.withdrawParked()
        if phase == .running { phase = .retiring }
    }

    /// Whether nothing is in anybody's hands, so that all of it can be handed over.
    var isHandable: Bool {
        queue.relieving == nil && !isDeliveringMark && workers.allSatisfy { $0.inflight == nil && !$0.isRecalling }
    }

    /// Hands over and is empty from now on. What a call that does not return holds is handed over too: it may arrive
    /// twice, and its answer is void. What is being written to a disk that both use stays in hand: the answer to that is
    /// the successor's.
    package mutating func handOver(keepsSpill: Bool, now: UInt64) -> Estate {
        var recalled: [InflightBatch] = []
        for index in workers.indices {
            guard let (item, _) = workers[index].inflight else { continue }
            workers[index].inflight = nil
            queue.noteUncertain(item)
            if item.spillID == nil {
                queue.putBack(item, now: now)
            } else {
                putBackToSpill(item, now: now)
                recalled.append(item)
            }
        }
        if !keepsSpill || !queue.isSpilling { queue.takeBackRelieving() }
        let estate = Estate(recalled: recalled, queue: queue, deliveries: deliveries, health: health, spill: spill)
        deliveries = DeliveryCounts()
        queue = SinkQueue(bounds: queue.bounds, policy: queue.policy)
        phase = .abandoned
        return estate
    }

    /// Goes on where another one stopped.
    package mutating func adopt(_ estate: Estate, keepsSpill: Bool, now: UInt64) {
        watchingDrops { $0.queue.continueFrom(estate.queue, keepsSpill: keepsSpill, now: now) }
        deliveries.add(estate.deliveries)
        health.adopt(estate.health)
        if keepsSpill, spill != nil { spill = estate.spill ?? spill }
        switch phase {
        case .awaiting(nil): phase = .running
        case .awaiting(let deadline?): phase = .draining(deadline: deadline)
        case .ended, .abandoned: queue.dropAll(.shutdown)
        case .running, .draining, .retiring: break
        }
    }

    // MARK: - Marks

    /// The end mark of a stream that another one followed, where nothing of it is left to deliver.
    mutating func nextMark() -> FrameHeader? {
        guard !isDeliveringMark else { return nil }
        let held = workers.compactMap { $0.inflight?.item.batch.stream }
        guard let mark = queue.nextMark(isHeld: { held.contains($0) }) else { return nil }
        isDeliveringMark = true
        return mark
    }

    /// The mark was delivered, or not: then it is tried again, as a batch is.
    mutating func finishMark(
        _ mark: FrameHeader, _ delivery: Delivery, now: UInt64, random: inout some RandomNumberGenerator
    ) {
        isDeliveringMark = false
        if case .retry(let hint, let limit) = delivery.outcome, limit != 1, phase != .abandoned {
            health.noteFailure(delivery.message, now: now)
            health.noteFailing(now: now)
            retryTime = now.addingClamped(retry.failed(hint: hint, random: &random))
            return
        }
        queue.finishMark(mark)
        guard delivery.outcome == .delivered else { return }
        (retryTime, retry) = (0, retry.afterSuccess)
        health.failingSince = nil
    }
}

extension Retry {
    fileprivate var afterSuccess: Retry {
        var retry = self
        retry.succeeded()
        return retry
    }
}
