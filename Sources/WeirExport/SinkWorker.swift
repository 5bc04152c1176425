internal import Logging
private import WeirBatch

/// What a sink is made of.
package struct SinkConfiguration: Sendable {
    /// Unique in its pipeline; in logs, accounts and reports.
    package var name: String
    package var exporter: any OpenableExporter
    /// As a user wrote them; checked against what the exporter knows when the pipeline starts.
    package var settings: [String: String]
    package var bounds: QueueBounds
    package var policy: any QueuePolicy
    /// How long a delivery should take at most; a call that takes twice as long marks the sink as wedged.
    package var timeoutNanoseconds: UInt64

    package init(
        name: String, exporter: any OpenableExporter, settings: [String: String] = [:],
        bounds: QueueBounds = QueueBounds(),
        policy: any QueuePolicy = DropOldest(), timeoutNanoseconds: UInt64 = 10_000_000_000
    ) {
        self.name = name
        self.exporter = exporter
        self.settings = settings
        self.bounds = bounds
        self.policy = policy
        self.timeoutNanoseconds = timeoutNanoseconds
    }
}

/// A sink at work: its state behind a lock, its exporter, and the one thread that calls it.
final class SinkWorker: Sendable {
    let name: String

    private struct Shared {
        var state: SinkState
        var counters: [ExporterCount] = []
        /// Whether the exporter is delivering a batch at this moment.
        var isDelivering = false
        /// Whether the exporter is closed and the thread gone.
        var isFinished = false
    }

    private let exporter: any OpenExporter
    private let shared: Monitor<Shared>
    private let time: TimeSource
    private let logger: Logger

    /// Opens the exporter. The thread begins with ``start()``.
    init(_ configuration: SinkConfiguration, logger: Logger, time: TimeSource) throws(ExportError) {
        var logger = logger
        logger[metadataKey: "sink"] = "\(configuration.name)"
        name = configuration.name
        self.logger = logger
        self.time = time
        exporter = try configuration.exporter.open(
            for: SinkContext(name: configuration.name, settings: configuration.settings, logger: logger, time: time))
        let queue = SinkQueue(
            bounds: configuration.bounds, policy: configuration.policy, previousStream: exporter.previousStream)
        shared = Monitor(Shared(state: SinkState(queue: queue, timeout: configuration.timeoutNanoseconds)))
    }

    /// - Returns: Whether the system had a thread; without one, call ``closeUnstarted()``.
    func start() -> Bool {
        Thread.start("weir-sink") { self.run() }
    }

    func closeUnstarted() {
        exporter.close()
    }

    // MARK: - The collector's side

    /// Queues a batch. Never waits for the exporter.
    func offer(_ batch: SharedBatch) {
        report(
            shared.withLock { shared in
                shared.state.offer(batch, now: time.monotonic())
                return shared.state.takeEvents()
            })
    }

    /// Waits while a batch is parked, as long as its policy says and at most until `limit`; then it is refused.
    func waitForRoom(until limit: UInt64) {
        shared.wait { shared, until -> Void? in
            guard let patience = shared.state.parkedUntil else { return () }
            until = min(patience, limit)
            guard time.monotonic() >= min(patience, limit) else { return nil }
            shared.state.withdrawParked()
            return ()
        }
    }

    /// Nobody waits for room beyond that moment.
    func limitParking(until limit: UInt64) {
        shared.withLock { $0.state.limitParking(until: limit) }
    }

    /// The number of the oldest batch that could be shed.
    var oldestNumber: UInt64? { shared.withLock { $0.state.queue.oldestNumber } }

    func shedOldest() -> Bool { shared.withLock { $0.state.shedOldest() } }

    /// What is known of the sink, from one moment.
    func snapshot() -> SinkSnapshot {
        shared.withLock { shared in
            SinkSnapshot(
                name: name, accounts: shared.state.queue.accounts, deliveries: shared.state.deliveries,
                counters: shared.counters, condition: shared.state.condition, hasEndMark: shared.state.hasEndMark,
                isFinished: shared.isFinished, lastMessage: shared.state.lastMessage)
        }
    }

    // MARK: - The end

    /// Delivers what waits until the deadline, then drops the rest, delivers the end mark and closes.
    func drain(deadline: UInt64) {
        shared.withLock { $0.state.drain(deadline: deadline) }
    }

    /// - Returns: Whether the exporter was closed by then.
    func waitUntilFinished(deadline: UInt64) -> Bool {
        shared.wait { shared, until in
            if shared.isFinished { return true }
            until = deadline
            return time.monotonic() >= deadline ? false : nil
        }
    }

    /// Asks a running delivery to return. On a thread of its own, for a plugin whose answer to that hangs too.
    func askToStop() {
        guard shared.withLock({ $0.isDelivering }) else { return }
        _ = Thread.start("weir-stop") { self.exporter.stop() }
    }

    /// Leaves a call that does not return to itself and settles the accounts. The thread closes the exporter if the
    /// call ever ends.
    func abandon() {
        shared.withLock { shared in
            if !shared.isFinished { shared.state.abandon() }
        }
    }

    // MARK: - The thread

    private func run() {
        var random = SystemRandomNumberGenerator()
        while true {
            let (step, events) = shared.wait { shared, until -> (SinkState.Step, [SinkEvent])? in
                let step = shared.state.nextStep(now: time.monotonic())
                switch step {
                case .wait(let time):
                    until = time
                    return nil
                case .deliver: shared.isDelivering = true
                case .end, .abandoned: break
                }
                return (step, shared.state.takeEvents())
            }
            report(events)
            switch step {
            case .deliver(let inflight): deliver(inflight, random: &random)
            case .end(let mark): return end(mark)
            case .abandoned: return end(nil)
            case .wait: continue
            }
        }
    }

    private func deliver(_ inflight: InflightBatch, random: inout SystemRandomNumberGenerator) {
        let deadline = shared.withLock { $0.state.deadline(now: time.monotonic()) }
        let delivery = exporter.deliver(inflight.header, payload: inflight.batch.bytes, deadline: deadline)
        let counters = exporter.counters()
        report(
            shared.withLock { shared in
                shared.isDelivering = false
                shared.counters = counters
                shared.state.finish(delivery, now: time.monotonic(), random: &random)
                return shared.state.takeEvents()
            })
    }

    private func end(_ mark: FrameHeader?) {
        var delivery: Delivery?
        if let mark {
            delivery = exporter.deliver(mark, payload: [], deadline: time.monotonic() &+ 100_000_000)
        }
        let counters = exporter.counters()
        exporter.close()
        shared.withLock { shared in
            if let delivery { shared.state.finishEnd(delivery) }
            shared.counters = counters
            shared.isFinished = true
        }
    }

    private func report(_ events: [SinkEvent]) {
        for event in events {
            switch event {
            case .failing(let message): logger.warning("deliveries fail, and are tried again: \(message)")
            case .recovered(let failures):
                logger.info("deliveries succeed again\(failures == 0 ? "" : ", after \(failures) failures in a row")")
            case .dropping: logger.warning("batches are dropped from now on; the accounts say why and how many")
            case .rejecting(let message): logger.warning("the destination rejects a batch: \(message)")
            case .wedged(let nanoseconds):
                logger.error("a delivery has not returned for \(nanoseconds / 1_000_000_000) s")
            case .fatal(let message), .quarantined(let message):
                logger.error("nothing will be delivered any more: \(message)")
            }
        }
    }
}

/// What is known of a sink at one moment.
package struct SinkSnapshot: Sendable {
    package var name: String
    package var accounts: Accounts
    package var deliveries: DeliveryCounts
    package var counters: [ExporterCount]
    package var condition: SinkState.Condition
    /// Whether the stream's end mark was delivered.
    package var hasEndMark: Bool
    /// Whether the exporter is closed.
    package var isFinished: Bool
    /// What the exporter said last about a delivery that did not succeed.
    package var lastMessage: String
}
