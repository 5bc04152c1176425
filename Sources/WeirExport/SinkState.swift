package import WeirBatch

/// A sink without its threads: queue, retry, breaker, what is in flight, and how it ends. A worker asks
/// ``nextStep(worker:now:)``, does it outside the lock, and reports back with ``finish(_:worker:now:random:)``; the relief
/// asks ``nextRelief(now:)``.
///
/// Times are nanoseconds of a monotonic clock.
package struct SinkState: Sendable {
    /// How the sink does, as operators see it.
    package enum Condition: CaseIterable, Equatable, Sendable {
        case healthy
        /// The last delivery failed.
        case failing
        /// The breaker is open: nothing is delivered for a while, then one batch as a probe.
        case paused
        /// A call runs for more than twice its timeout.
        case wedged
        /// Misconfigured: nothing is delivered any more.
        case fatal
        /// Its exporter crashed again and again: nothing is delivered any more.
        case quarantined

        /// Whether nothing will ever be delivered.
        package var isFinal: Bool { self == .fatal || self == .quarantined }
    }

    /// What a worker does next.
    package enum Step: Sendable {
        case deliver(InflightBatch)
        /// Read the oldest batch on disk and report it with ``recalled(_:worker:now:random:)``.
        case recall
        /// Until something is offered, or until then.
        case wait(until: UInt64?)
        /// Deliver the end mark of a stream that another one followed, and report with ``finishMark(_:_:now:random:)``.
        case mark(FrameHeader)
        /// Deliver the end mark, if there is one, and close the exporter.
        case end(FrameHeader?)
        /// Nothing any more: the sink was given up while a call hung.
        case abandoned
    }

    enum Phase: Equatable {
        case running
        /// Deliver what waits until then.
        case draining(deadline: UInt64)
        case ended
        case abandoned
        /// Takes in, and delivers nothing before the sink that it follows has handed over; a drain begins then.
        case awaiting(drain: UInt64?)
        /// Another one follows: what is in hand is the last.
        case retiring
    }

    /// One exporter's.
    struct Worker {
        /// What its exporter holds, and since when.
        var inflight: (item: InflightBatch, since: UInt64)?
        var isRecalling = false
        /// Its exporter crashed again and again.
        var isQuarantined = false
    }

    package internal(set) var queue: SinkQueue
    package internal(set) var deliveries = DeliveryCounts()
    /// Whether the stream's end mark was delivered.
    package internal(set) var hasEndMark = false
    /// Whether something of its stream was never collected, so that it has no end.
    var isCutShort = false
    var health = SinkHealth()
    /// What the exporter said last about a delivery that did not succeed.
    package var lastMessage: String { health.reason }

    let timeout: UInt64
    var phase = Phase.running
    var workers: [Worker]
    /// Fatal or quarantined, for good.
    var finalCondition: Condition?
    var isWedged = false
    var retry: Retry
    var retryTime: UInt64 = 0
    var breaker: Breaker
    /// How many batches the exporter has asked for; nil where it gets them as they come.
    var demand: UInt64?
    var spill: SpillUse?
    var isDeliveringMark = false
    private var parkingLimit = UInt64.max
    /// When the drain was to be over; 0 before there is one.
    var drainDeadline: UInt64 = 0
    private var events: [SinkEvent] = []
    var isDropping = false
    /// What the log knows of failures, and of batches that the destination does not take.
    var toldFailures = ToldReasons()
    var toldRejections = ToldReasons()

    /// - Parameters:
    ///   - timeout: How long a delivery should take at most. Nanoseconds.
    ///   - workers: How many exporters deliver side by side.
    ///   - isOnDemand: Whether batches wait until the exporter asks for them.
    ///   - hasSpill: Whether batches may go to disk.
    package init(
        queue: SinkQueue, retry: Retry = Retry(), breaker: Breaker = Breaker(), timeout: UInt64 = 10_000_000_000,
        workers: Int = 1, isOnDemand: Bool = false, hasSpill: Bool = false
    ) {
        self.queue = queue
        self.retry = retry
        self.breaker = breaker
        self.timeout = timeout
        self.workers = Array(repeating: Worker(), count: max(workers, 1))
        demand = isOnDemand ? 0 : nil
        spill = hasSpill ? SpillUse() : nil
        self.queue.usesDisk = hasSpill
    }

    package var condition: Condition {
        if let finalCondition { return finalCondition }
        if isWedged { return .wedged }
        if breaker.isOpen { return .paused }
        return retry.failures > 0 ? .failing : .healthy
    }

    /// What happened since this was last asked, for the log.
    package mutating func takeEvents() -> [SinkEvent] {
        defer { events = [] }
        return events
    }

    mutating func note(_ event: SinkEvent) { events.append(event) }

    /// When the call that is to begin now should be over.
    package func deadline(now: UInt64) -> UInt64 { now &+ timeout }

    /// When the call with the end mark should be over: in the time that the drain has left, or else a tenth of a second.
    package func endDeadline(now: UInt64) -> UInt64 {
        max(min(deadline(now: now), drainDeadline), now.addingClamped(100_000_000))
    }

    // MARK: - The collector's side

    package mutating func offer(_ batch: SharedBatch, now: UInt64) {
        noteHang(now: now)
        watchingDrops { state in
            state.queue.offer(batch, now: now)
            if state.phase == .ended || state.phase == .abandoned { state.queue.dropAll(.shutdown) }
            if state.finalCondition != nil { state.queue.dropAll(.fatal) }
        }
    }

    /// Until when the collector is to wait for what is parked; nil where it need not.
    package var parkedUntil: UInt64? { queue.parkedUntil.map { min($0, parkingLimit) } }

    /// The collector waits no longer.
    package mutating func withdrawParked() { queue.withdrawParked() }

    /// Nothing is parked beyond that moment: the pipeline wants to end.
    package mutating func limitParking(until limit: UInt64) { parkingLimit = limit }

    /// Lets the oldest waiting batch go, since all sinks together hold too much.
    package mutating func shedOldest() -> Bool {
        watchingDrops { $0.queue.dropOldest(.overflowOldest) }
    }

    private mutating func noteHang(now: UInt64) {
        guard !isWedged, finalCondition == nil, hangs(now: now) else { return }
        isWedged = true
        toldFailures.noteTrouble()
        note(.wedged(nanoseconds: now - (hangingSince ?? now)))
    }

    /// When the call began that does not return; nil where none hangs.
    var hangingSince: UInt64? { isWedged ? workers.compactMap(\.inflight?.since).min() : nil }

    /// Whether a call runs for more than twice its timeout.
    func hangs(now: UInt64) -> Bool {
        workers.contains { worker in
            guard let since = worker.inflight?.since else { return false }
            return now > since.addingClamped(timeout.addingClamped(timeout))
        }
    }

    /// Workers whose exporters hold a batch at this moment.
    var delivering: [Int] { workers.indices.filter { workers[$0].inflight != nil } }

    // MARK: - The end

    /// Delivers what waits until the deadline, then spills or drops the rest and ends the stream.
    ///
    /// - Parameter endsStreams: Whether the stream is whole with what it was offered. If not, it gets no end mark.
    package mutating func drain(deadline: UInt64, endsStreams: Bool = true) {
        isCutShort = isCutShort || !endsStreams
        switch phase {
        case .running: phase = .draining(deadline: deadline)
        case .awaiting: phase = .awaiting(drain: deadline)
        case .draining, .ended, .abandoned, .retiring: break
        }
    }

    /// Gives up on calls that do not return: what is in flight may or may not arrive, and nothing else will. What came
    /// from disk is there still.
    package mutating func abandon(now: UInt64) {
        guard phase != .ended || workers.contains(where: { $0.inflight != nil }) else { return }
        for index in workers.indices {
            guard let (item, _) = workers[index].inflight else { continue }
            workers[index].inflight = nil
            queue.noteUncertain(item)
            if item.spillID == nil {
                queue.drop(item, .shutdown, now: now)
            } else {
                putBackToSpill(item, now: now)
            }
        }
        queue.dropAll(.shutdown, evenInHand: true)
        untellAddedGaps()
        phase = .abandoned
    }

    /// The end mark was delivered, or not.
    package mutating func finishEnd(_ delivery: Delivery) {
        hasEndMark = delivery.outcome == .delivered
        if !hasEndMark, lastMessage.isEmpty { health.reason = delivery.message }
    }

    /// Runs an operation and notes for the log when dropping begins.
    @discardableResult
    mutating func watchingDrops<Result>(_ operation: (inout SinkState) -> Result) -> Result {
        let before = queue.accounts.dropped.total.batches
        let result = operation(&self)
        if queue.accounts.dropped.total.batches != before, !isDropping {
            isDropping = true
            note(.dropping)
        }
        return result
    }
}
