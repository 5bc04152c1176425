internal import Logging
internal import WeirBatch

/// A sink at work: its state behind a lock, its exporters, and a thread for each of them.
///
/// A further thread, the relief, makes room when the queue fills. It starts when first needed.
final class SinkWorker: Sendable {
    let name: String
    let configuration: SinkConfiguration

    struct Shared {
        var state: SinkState
        /// What each exporter counted when last asked.
        var counters: [[ExporterCount]]
        /// Exporters whose threads have begun, those that are closed, and those whose threads are gone.
        var begun = 0
        var leaving = 0
        var closed = 0
        var hasRelief = false

        /// Exporters that are being asked to return from a call: not to be closed before that question has.
        var stopping: Set<Int> = []
        /// The sink that this one follows, until that has handed over.
        var predecessor: SinkWorker?
        /// The sink that took over from this one, with all that was in its hands.
        var successor: SinkWorker?
        /// What the exporters of sinks before this one counted.
        var inherited: [ExporterCount] = []
        /// Whether the disk is another sink's when this one ends.
        var leavesSpill = false

        var isFinished: Bool { closed == counters.count }
    }

    let exporters: [any OpenExporter]
    let shared: Monitor<Shared>
    let spill: SpillStore?
    let deadLetters: DeadLetterFolder?
    let budget: MemoryBudget?
    let time: TimeSource
    let log: SinkLog

    /// Opens the exporters and the spill. The threads begin with ``start()``.
    ///
    /// - Parameters:
    ///   - budget: Counts what is in memory of batches that were on disk.
    ///   - collect: Asks for a batch of now.
    ///   - predecessor: The sink of this name that it is to follow. It takes batches in, and delivers the first when that
    ///     one has handed over.
    init(
        _ configuration: SinkConfiguration, logger: Logger, time: TimeSource, budget: MemoryBudget? = nil,
        collect: @escaping @Sendable () -> Void = {}, following predecessor: SinkWorker? = nil
    ) throws(ExportError) {
        let name = configuration.name
        self.configuration = configuration
        var logger = logger
        logger[metadataKey: "sink"] = "\(name)"
        self.name = name
        self.time = time
        self.budget = budget
        log = SinkLog(logger)
        let count = min(max(configuration.workers, 1), 64)
        let state = SinkState(
            queue: SinkQueue(bounds: configuration.bounds, policy: configuration.policy), retry: configuration.retry,
            breaker: configuration.breaker, timeout: configuration.timeoutNanoseconds, workers: count,
            isOnDemand: configuration.isOnDemand, hasSpill: configuration.spill != nil)
        let shared = Monitor(Shared(state: state, counters: Array(repeating: [], count: count)))
        self.shared = shared
        deadLetters = try Self.deadLetterFolder(configuration, sink: name)
        // A disk that both use alike is handed over as it is, open and locked.
        let sharedSpill = predecessor?.sharedSpill(with: configuration)
        if let sharedSpill {
            spill = sharedSpill
        } else {
            spill = try Self.spillStore(configuration, sink: name, time: time)
        }
        let context = SinkContext(
            name: name, settings: configuration.settings, logger: logger, time: time,
            demand: { batches in shared.withLock { $0.state.ask(for: batches) } }, collect: collect)
        var exporters: [any OpenExporter] = []
        do throws(ExportError) {
            for _ in 0..<count { exporters.append(try configuration.exporter.open(for: context)) }
        } catch {
            for exporter in exporters { exporter.close() }
            if sharedSpill == nil { spill?.close() }
            throw error
        }
        self.exporters = exporters
        let previous = exporters.lazy.compactMap(\.previousStream).first
        // What a predecessor left on this disk, that one's accounts tell.
        let recovery = predecessor?.usesSpill(of: configuration) == true ? nil : spill?.recovery
        shared.withLock { shared in
            shared.state.queue.previousStream = previous
            if let recovery { shared.state.queue.recover(recovery) }
            if let predecessor {
                shared.state.awaitEstate()
                shared.predecessor = predecessor
                shared.leavesSpill = sharedSpill != nil
            }
        }
        if let recovery { log.report(recovery) }
    }

    /// - Returns: Whether the system had threads for all exporters; if not, call ``closeUnstarted()``.
    func start() -> Bool {
        for index in exporters.indices {
            guard Thread.start("weir-sink", { self.run(index) }) else { return false }
            shared.withLock { $0.begun += 1 }
        }
        startReliefIfNeeded()
        return true
    }

    /// Closes the exporters whose threads never began, and lets the others close theirs.
    func closeUnstarted() {
        let begun = shared.withLock { shared in
            shared.state.abandon(now: time.monotonic())
            return shared.begun
        }
        for exporter in exporters[begun...] { exporter.close() }
        let leavesSpill = shared.withLock { shared in
            shared.closed += exporters.count - begun
            return shared.leavesSpill
        }
        if !leavesSpill { spill?.close() }
    }

    /// Whether it gets batches when it asks for them.
    var collectsOnRequest: Bool { exporters.contains(where: \.collectsOnRequest) }

    // MARK: - The collector's side

    /// Queues a batch. Never waits for the exporter.
    func offer(_ batch: SharedBatch) {
        change { $0.offer(batch, now: time.monotonic()) }
        startReliefIfNeeded()
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
    func limitParking(until limit: UInt64) { change { $0.limitParking(until: limit) } }

    /// The exporter asks for so many batches more; only a sink that is on demand waits for that.
    func demand(_ batches: UInt64) { change { $0.ask(for: batches) } }

    /// The oldest batch that could be shed.
    var oldest: SharedBatch? { shared.withLock { $0.state.queue.oldest?.batch } }

    func shedOldest() -> Bool { change { $0.shedOldest() } }

    /// What is known of the sink, from one moment.
    func snapshot() -> SinkSnapshot {
        shared.withLock { shared in
            var snapshot = SinkSnapshot(
                name: name, accounts: shared.state.queue.accounts, deliveries: shared.state.deliveries,
                counters: ExporterCount.sums(shared.counters + [shared.inherited]), condition: shared.state.condition,
                hasEndMark: shared.state.hasEndMark, isFinished: shared.isFinished,
                lastMessage: shared.state.lastMessage,
                moments: SinkMoments(shared.state.health, hangingSince: shared.state.hangingSince, time: time))
            if let before = shared.predecessor?.snapshot() { snapshot.add(before) }
            return snapshot
        }
    }

    // MARK: - The end

    /// Delivers what waits until the deadline, then spills or drops the rest, delivers the end mark and closes.
    ///
    /// - Parameter endsStreams: Whether the stream ends with what it was offered.
    func drain(deadline: UInt64, endsStreams: Bool = true) {
        change { $0.drain(deadline: deadline, endsStreams: endsStreams) }
        startReliefIfNeeded()
    }

    /// - Returns: Whether the exporters were closed by then.
    func waitUntilFinished(deadline: UInt64) -> Bool {
        shared.wait { shared, until in
            if shared.isFinished { return true }
            until = deadline
            return time.monotonic() >= deadline ? false : nil
        }
    }

    /// Asks running deliveries to return. Each on a thread of its own, for a plugin whose answer to that hangs too.
    func askToStop() {
        let asked = shared.withLock { shared in
            let asked = shared.state.delivering.filter { !shared.stopping.contains($0) }
            shared.stopping.formUnion(asked)
            return asked
        }
        for index in asked {
            let hasStarted = Thread.start("weir-stop") {
                self.exporters[index].stop()
                self.shared.withLock { _ = $0.stopping.remove(index) }
            }
            if !hasStarted { shared.withLock { _ = $0.stopping.remove(index) } }
        }
    }

    /// Leaves calls that do not return to themselves and settles the accounts. The threads close their exporters if the
    /// calls ever end.
    func abandon() {
        let (isFinished, leavesSpill) = shared.withLock { shared in
            if !shared.isFinished { shared.state.abandon(now: time.monotonic()) }
            return (shared.isFinished, shared.leavesSpill)
        }
        // On a thread of its own, since a disk may hang too.
        if !isFinished, !leavesSpill, let spill { _ = Thread.start("weir-spill") { spill.close() } }
    }

    /// Changes the state that accounts for what this sink had in hand: its own, or that of the sink that took over.
    @discardableResult
    func changeLedger<Result>(_ body: (inout SinkState, SinkWorker) -> Result) -> Result {
        var holder = self
        while true {
            let (result, events, successor) = holder.shared.withLock { shared -> (Result?, [SinkEvent], SinkWorker?) in
                if let successor = shared.successor { return (nil, [], successor) }
                return (body(&shared.state, holder), shared.state.takeEvents(), nil)
            }
            holder.log.report(events)
            if let result { return result }
            if let successor { holder = successor }
        }
    }

    /// Changes the state and says in the log what that led to.
    @discardableResult
    func change<Result>(_ body: (inout SinkState) -> Result) -> Result {
        let (result, events) = shared.withLock { shared in
            let result = body(&shared.state)
            return (result, shared.state.takeEvents())
        }
        log.report(events)
        return result
    }
}

extension ExporterCount {
    /// What several exporters of one kind count together.
    static func sums(_ counters: [[ExporterCount]]) -> [ExporterCount] {
        var sums: [ExporterCount] = []
        for counter in counters.joined() {
            if let index = sums.firstIndex(where: { $0.name == counter.name }) {
                sums[index].value &+= counter.value
            } else {
                sums.append(counter)
            }
        }
        return sums
    }
}
