package import WeirBatch

/// A sink without its thread: queue, retry, what is in flight, and how it ends. The worker asks ``nextStep(now:)``, does
/// it outside the lock, and reports back.
///
/// Times are nanoseconds of a monotonic clock.
package struct SinkState: Sendable {
    /// How the sink does, as operators see it.
    package enum Condition: Equatable, Sendable {
        case healthy
        /// So many failures in a row.
        case failing
        /// A call runs for more than twice its timeout.
        case wedged
        /// Misconfigured: nothing is delivered any more.
        case fatal
        /// Its exporter crashed again and again: nothing is delivered any more.
        case quarantined

        /// Whether nothing will ever be delivered.
        package var isFinal: Bool { self == .fatal || self == .quarantined }
    }

    /// What the worker does next.
    package enum Step: Sendable {
        case deliver(InflightBatch)
        /// Until something is offered, or until then.
        case wait(until: UInt64?)
        /// Deliver the end mark, if there is one, and close the exporter.
        case end(FrameHeader?)
        /// Nothing any more: the sink was given up while a call hung.
        case abandoned
    }

    private enum Phase: Equatable {
        case running
        /// Deliver what waits until then.
        case draining(deadline: UInt64)
        case ended
        case abandoned
    }

    package private(set) var queue: SinkQueue
    package private(set) var condition = Condition.healthy
    package private(set) var deliveries = DeliveryCounts()
    /// Whether the stream's end mark was delivered.
    package private(set) var hasEndMark = false
    /// What the exporter said last about a delivery that did not succeed.
    package private(set) var lastMessage = ""

    private let timeout: UInt64
    private var phase = Phase.running
    private var parkingLimit = UInt64.max
    private var retry: Retry
    private var retryTime: UInt64 = 0
    private var inflight: (item: InflightBatch, since: UInt64)?
    private var events: [SinkEvent] = []
    private var isDropping = false
    private var isRejecting = false

    /// - Parameter timeout: How long a delivery should take at most. Nanoseconds.
    package init(queue: SinkQueue, retry: Retry = Retry(), timeout: UInt64 = 10_000_000_000) {
        self.queue = queue
        self.retry = retry
        self.timeout = timeout
    }

    /// What happened since this was last asked, for the log.
    package mutating func takeEvents() -> [SinkEvent] {
        defer { events = [] }
        return events
    }

    /// When the call that is to begin now should be over.
    package func deadline(now: UInt64) -> UInt64 { now &+ timeout }

    // MARK: - The collector's side

    package mutating func offer(_ batch: SharedBatch, now: UInt64) {
        noteHang(now: now)
        watchingDrops { state in
            state.queue.offer(batch, now: now)
            if state.phase == .ended || state.phase == .abandoned { state.queue.dropAll(.shutdown) }
            if state.condition.isFinal { state.queue.dropAll(.fatal) }
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
        guard condition != .wedged, !condition.isFinal, let inflight, now > inflight.since,
            now - inflight.since > 2 * timeout
        else { return }
        condition = .wedged
        events.append(.wedged(nanoseconds: now - inflight.since))
    }

    // MARK: - The worker's side

    package mutating func nextStep(now: UInt64) -> Step {
        switch phase {
        case .running:
            if retryTime > now && !queue.isEmpty { return .wait(until: retryTime) }
        case .draining(let deadline):
            if now >= deadline { watchingDrops { $0.queue.dropAll(.shutdown) } }
            if queue.isEmpty { return end() }
            if retryTime > now { return .wait(until: min(retryTime, deadline)) }
        case .ended:
            return .end(nil)
        case .abandoned:
            return .abandoned
        }
        guard let item = watchingDrops({ $0.queue.take(now: now) }) else {
            if case .draining = phase { return end() }  // All that waited had expired.
            return .wait(until: nil)
        }
        inflight = (item, now)
        return .deliver(item)
    }

    private mutating func end() -> Step {
        phase = .ended
        return .end(queue.endMark())
    }

    /// What became of the batch in flight.
    package mutating func finish(_ delivery: Delivery, now: UInt64, random: inout some RandomNumberGenerator) {
        guard let (item, _) = inflight else { return }  // Abandoned meanwhile, and accounted for.
        inflight = nil
        deliveries.note(delivery.outcome)
        if delivery.isUncertain { queue.noteUncertain(item) }
        if delivery.outcome != .delivered { lastMessage = delivery.message }
        switch delivery.outcome {
        case .delivered:
            queue.delivered(item, now: now)
            succeeded()
            isRejecting = false
        case .partial(let acceptedRows):
            queue.delivered(item, rejectedRows: item.batch.rows - min(acceptedRows, item.batch.rows), now: now)
            succeeded()
            noteRejection(delivery.message)
        case .retry(_, let limit?) where item.attempts >= limit:
            reject(item, delivery.message, now: now)
        case .retry(let hint, _):
            retryTime = now &+ retry.failed(hint: hint, random: &random)
            if condition != .failing { events.append(.failing(delivery.message)) }
            condition = .failing
            watchingDrops { $0.queue.putBack(item, now: now) }
        case .rejected:
            reject(item, delivery.message, now: now)
        case .fatal:
            giveUp(item, .fatal, .fatal(delivery.message), now: now)
        case .quarantined:
            giveUp(item, .quarantined, .quarantined(delivery.message), now: now)
        }
    }

    /// The end mark was delivered, or not.
    package mutating func finishEnd(_ delivery: Delivery) {
        hasEndMark = delivery.outcome == .delivered
        if !hasEndMark { lastMessage = delivery.message }
    }

    private mutating func succeeded() {
        if condition != .healthy { events.append(.recovered(failures: retry.failures)) }
        condition = .healthy
        isDropping = false
        retry.succeeded()
        retryTime = 0
    }

    /// The destination answers, only not to this batch's liking: no pause, and the next one.
    private mutating func reject(_ item: InflightBatch, _ message: String, now: UInt64) {
        queue.drop(item, .rejected, now: now)
        noteRejection(message)
        retry.succeeded()
        retryTime = 0
    }

    /// Nothing will ever be delivered: what waits goes too.
    private mutating func giveUp(_ item: InflightBatch, _ condition: Condition, _ event: SinkEvent, now: UInt64) {
        self.condition = condition
        events.append(event)
        queue.drop(item, .fatal, now: now)
        queue.dropAll(.fatal)
    }

    private mutating func noteRejection(_ message: String) {
        if !isRejecting { events.append(.rejecting(message)) }
        isRejecting = true
    }

    // MARK: - The end

    /// Delivers what waits until the deadline, then drops the rest and ends the stream.
    package mutating func drain(deadline: UInt64) {
        if phase == .running { phase = .draining(deadline: deadline) }
    }

    /// Gives up on a call that does not return: what is in flight may or may not arrive, and nothing else will.
    package mutating func abandon() {
        guard phase != .ended || inflight != nil else { return }
        if let (item, _) = inflight {
            queue.noteUncertain(item)
            queue.drop(item, .shutdown, now: 0)
            inflight = nil
        }
        queue.dropAll(.shutdown)
        phase = .abandoned
    }

    /// Runs an operation and notes for the log when dropping begins.
    @discardableResult
    private mutating func watchingDrops<Result>(_ operation: (inout SinkState) -> Result) -> Result {
        let before = queue.accounts.dropped.total.batches
        let result = operation(&self)
        if queue.accounts.dropped.total.batches != before, !isDropping {
            isDropping = true
            events.append(.dropping)
        }
        return result
    }
}

/// Something that operators want one word about: a change, never each repetition.
package enum SinkEvent: Equatable, Sendable {
    case failing(String)
    case recovered(failures: UInt32)
    case dropping
    case rejecting(String)
    case wedged(nanoseconds: UInt64)
    case fatal(String)
    case quarantined(String)
}

/// How many calls to the exporter ended in which way.
package struct DeliveryCounts: Equatable, Sendable {
    package private(set) var delivered: UInt64 = 0
    package private(set) var retried: UInt64 = 0
    package private(set) var partial: UInt64 = 0
    package private(set) var rejected: UInt64 = 0
    package private(set) var fatal: UInt64 = 0

    package init() {}

    mutating func note(_ outcome: Delivery.Outcome) {
        switch outcome {
        case .delivered: delivered += 1
        case .retry: retried += 1
        case .partial: partial += 1
        case .rejected: rejected += 1
        case .fatal, .quarantined: fatal += 1
        }
    }
}
