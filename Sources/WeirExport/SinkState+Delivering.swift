private import WeirBatch

/// A worker's side: what it delivers next, and what becomes of that.
extension SinkState {
    /// What a worker does next.
    package mutating func nextStep(worker: Int = 0, now: UInt64) -> Step {
        switch phase {
        case .ended: return .end(nil)
        case .abandoned, .retiring: return .abandoned
        case .awaiting: return .wait(until: nil)
        case .running: break
        case .draining(let deadline) where now >= deadline:
            if !spillsRest { watchingDrops { $0.queue.dropAll(.shutdown) } }
            return isEmptyHanded ? end() : .wait(until: nil)
        case .draining: break
        }
        return nextDelivery(worker, now: now) ?? rest(now: now)
    }

    /// A batch for a worker; nil where there is none, or none may go now.
    private mutating func nextDelivery(_ worker: Int, now: UInt64) -> Step? {
        guard finalCondition == nil, !workers[worker].isQuarantined, pause <= now, isAsked else { return nil }
        // Half open, the first answer decides.
        if breaker.isOpen, workers.contains(where: { $0.inflight != nil || $0.isRecalling }) { return nil }
        if let spill, spill.readTime <= now, queue.prefersSpill(taken: recalls) {
            workers[worker].isRecalling = true
            return .recall
        }
        if let mark = nextMark() { return .mark(mark) }
        // What the relief has in hand comes first, where order is kept.
        if workers.count == 1, queue.awaitsRelief { return nil }
        guard let item = watchingDrops({ $0.queue.take(now: now) }) else { return nil }
        workers[worker].inflight = (item, now)
        return .deliver(item)
    }

    /// How long a worker without a batch waits.
    private mutating func rest(now: UInt64) -> Step {
        var wake: UInt64?
        if finalCondition == nil, queue.hasWaiting || queue.awaitsMark || queue.onDisk > recalls {
            wake = [pause, queue.hasWaiting || queue.awaitsMark ? 0 : spill?.readTime ?? 0].filter { $0 > now }.max()
        }
        guard case .draining(let deadline) = phase else { return .wait(until: wake) }
        let awaitsMark = queue.awaitsMark && finalCondition == nil
        let isDone = !queue.hasWaiting && !awaitsMark && (queue.onDisk == recalls || finalCondition != nil)
        return isDone && isEmptyHanded ? end() : .wait(until: min(wake ?? deadline, deadline))
    }

    /// Nothing is delivered before.
    private var pause: UInt64 { max(retryTime, breaker.pausesUntil) }

    /// Whether the exporter wants another batch. At the end it gets what there is.
    private var isAsked: Bool {
        guard let demand, phase == .running else { return true }
        return UInt64(workers.count { $0.inflight != nil || $0.isRecalling }) < demand
    }

    /// Workers that read from disk.
    var recalls: UInt64 { UInt64(workers.count { $0.isRecalling }) }

    /// Whether nothing is in anybody's hands.
    private var isEmptyHanded: Bool {
        !isDeliveringMark && queue.isEmpty && workers.allSatisfy { $0.inflight == nil && !$0.isRecalling }
    }

    /// Only one worker gets here: the others find that it has ended. A stream of which batches wait on disk has not.
    private mutating func end() -> Step {
        if case .draining(let deadline) = phase { drainDeadline = deadline }
        phase = .ended
        untellAddedGaps()
        return .end(queue.accounts.spilled.batches == 0 && !isCutShort ? queue.endMark() : nil)
    }

    /// The exporter asks for so many batches more.
    package mutating func ask(for batches: UInt64) {
        demand = demand?.addingClamped(batches)
    }

    // MARK: - What became of it

    /// What is left to do for a batch outside the lock.
    package struct Aftermath: Sendable {
        /// The destination will never take it: for the dead-letter folder.
        package var rejected: InflightBatch?
        /// It waits on disk again, or need not any more.
        package var putBack: SpillID?
        package var remove: SpillID?
        /// The sink was given up, or handed the batch over, before the answer came: it changes nothing.
        package var isLate = false
    }

    /// Counts an answer for a batch that is in other hands.
    package mutating func noteLate() { deliveries.noteLate() }

    /// What a call says that was asked to stop hides no reason that came before it.
    private mutating func noteMessage(_ message: String, now: UInt64) {
        if case .draining(let deadline) = phase, now >= deadline, !lastMessage.isEmpty { return }
        health.noteFailure(message, now: now)
    }

    /// What became of the batch that a worker delivered.
    @discardableResult
    package mutating func finish(
        _ delivery: Delivery, worker: Int = 0, now: UInt64, random: inout some RandomNumberGenerator
    ) -> Aftermath {
        // Abandoned meanwhile, and accounted for.
        guard let (item, _) = workers[worker].inflight else { return Aftermath(isLate: true) }
        let before = condition
        workers[worker].inflight = nil
        isWedged = isWedged && hangs(now: now)
        deliveries.note(delivery.outcome)
        if delivery.isUncertain { queue.noteUncertain(item) }
        if delivery.outcome != .delivered { noteMessage(delivery.message, now: now) }
        var isRejected = false
        let cause: Gap.Cause = delivery.isOutOfOrder ? .outOfOrder : .rejected
        switch delivery.outcome {
        case .delivered:
            queue.delivered(item, now: now)
            succeeded(before, now: now)
            _ = toldRejections.recovers()
        case .partial(let acceptedRows):
            let refusedRows = item.batch.rows - min(acceptedRows, item.batch.rows)
            queue.delivered(item, refusedRows: refusedRows, cause, now: now)
            succeeded(before, now: now)
            noteRejection(delivery.message, now: now)
        case .rejected:
            reject(item, cause, delivery.message, now: now)
            isRejected = true
        case .retry(_, let limit?) where item.attempts >= limit:
            reject(item, .rejected, delivery.message, now: now)
            isRejected = true
        case .retry(let hint, _):
            failed(hint: hint, delivery.message, now: now, random: &random)
            return putBack(item, now: now)
        case .quarantined:
            return quarantine(worker, item, delivery.message, now: now)
        case .fatal:
            return giveUp(item, .fatal, .fatal(delivery.message), now: now)
        }
        if let demand, demand > 0 { self.demand = demand - 1 }
        forgetRecall(item)
        return Aftermath(rejected: isRejected ? item : nil, remove: item.spillID)
    }

    private mutating func succeeded(_ before: Condition, now: UInt64) {
        if before != .healthy, toldFailures.recovers() { note(.recovered(failures: retry.failures)) }
        health.successTime = now
        isDropping = false
        clearFailures()
    }

    private mutating func clearFailures() {
        retry.succeeded()
        retryTime = 0
        breaker.succeeded()
        health.failingSince = nil
    }

    private mutating func failed(
        hint: UInt64?, _ message: String, now: UInt64, random: inout some RandomNumberGenerator
    ) {
        health.noteFailing(now: now)
        retryTime = now.addingClamped(retry.failed(hint: hint, random: &random))
        if breaker.failed(now: now) {
            toldFailures.note(message, now: now)
            note(.paused(nanoseconds: breaker.pause, message))
        } else if toldFailures.tells(message, now: now) {
            note(.failing(message))
        }
    }

    private mutating func putBack(_ item: InflightBatch, now: UInt64) -> Aftermath {
        watchingDrops { state in
            if item.spillID == nil { state.queue.putBack(item, now: now) } else { state.putBackToSpill(item, now: now) }
        }
        return Aftermath(putBack: item.spillID)
    }

    /// The destination answers, only not to this batch's liking: no pause, and the next one.
    private mutating func reject(_ item: InflightBatch, _ cause: Gap.Cause, _ message: String, now: UInt64) {
        queue.drop(item, cause, now: now)
        noteRejection(message, now: now)
        clearFailures()
    }

    private mutating func noteRejection(_ message: String, now: UInt64) {
        if toldRejections.tells(message, now: now) { note(.rejecting(message)) }
    }

    /// One exporter of several is gone; the others go on, with what it held.
    private mutating func quarantine(
        _ worker: Int, _ item: InflightBatch, _ message: String, now: UInt64
    ) -> Aftermath {
        workers[worker].isQuarantined = true
        guard workers.contains(where: { !$0.isQuarantined }) else {
            return giveUp(item, .quarantined, .quarantined(message), now: now)
        }
        toldFailures.note(message, now: now)
        note(.failing(message))
        return putBack(item, now: now)
    }

    /// Nothing is delivered any more. What is on disk stays there for whoever puts it right.
    private mutating func giveUp(
        _ item: InflightBatch, _ condition: Condition, _ event: SinkEvent, now: UInt64
    ) -> Aftermath {
        finalCondition = condition
        health.noteFailing(now: now)
        note(event)
        var aftermath = Aftermath()
        if item.spillID == nil { queue.drop(item, .fatal, now: now) } else { aftermath = putBack(item, now: now) }
        queue.dropAll(.fatal)
        return aftermath
    }
}
