internal import Logging
internal import WeirBatch
private import WeirSystem

/// Changing the sinks of a pipeline that runs.
///
/// Everything new is opened first, beside what runs. Only then does the collector's thread, between two collections, turn
/// to the new sinks, and each that was changed takes over from the one of its name. Where anything fails before that, what
/// was opened is closed again and what ran has noticed nothing.
extension Pipeline {
    /// What a reconfiguration has done so far.
    private struct Change {
        var plan: Plan
        /// The new sinks that follow others, and what is new altogether.
        var successors: [SinkWorker] = []
        /// Those of them that could be opened only when the sink before had let go.
        var reopened: [(before: SinkWorker, after: SinkWorker)] = []
        var additions: [SinkWorker] = []
        var removed: [SinkWorker] = []
    }

    /// Collects for these sinks from now on.
    ///
    /// A sink that is unchanged goes on undisturbed, only its feed may be another. One that was changed hands its queue,
    /// its accounts and its gaps to its successor: its exporter finishes what it has in hand, for as long as a delivery
    /// may take, and is closed. One that is gone delivers what waits, ends its stream, and is in the report at the end.
    /// A feed that stays keeps its stream and its numbers.
    ///
    /// Returns when all of that has happened, but for the last deliveries of those that are gone.
    ///
    /// - Parameters:
    ///   - configuration: Its bounds in bytes stay as they were.
    ///   - unchanged: The names of the sinks that are as they were.
    /// - Throws: ``ExportError``; all is as it was then. A sink that had let go of its resource for its successor, and
    ///   cannot have it back at once, keeps what comes in its queue until it can.
    package func reconfigure(
        _ configuration: Configuration, sinks: [SinkConfiguration], unchanged: Set<String>
    ) throws(ExportError) {
        guard getpid() == process, beginReconfiguring() else { throw .notRunning }
        defer { control.withLock { $0.isReconfiguring = false } }
        let definitions = try Self.definitions(of: sinks, in: configuration)
        guard BatchEncoder.levels.contains(configuration.level) else {
            throw .encoder(
                message: "\(BatchError.compressionLevel(allowed: BatchEncoder.levels, found: configuration.level))")
        }
        let old = control.withLock { $0.plan }
        var leftStreams = control.withLock { $0.leftStreams }
        var change = Change(
            plan: Plan(feeds: [], resource: configuration.resource, partBytes: old.partBytes, sinks: []))
        do throws(ExportError) {
            for (sink, definition) in zip(sinks, definitions) {
                let isUnchanged = unchanged.contains(sink.name)
                if let worker = try worker(for: sink, isUnchanged: isUnchanged, old, &change) {
                    let definition = definition.adapted(to: worker)
                    let stream = old.feeds.first { $0.definition == definition }?.stream
                    change.plan.add(worker, to: definition, stream: stream)
                }
            }
            if change.plan.feeds.isEmpty { change.plan.add(nil, to: try FeedDefinition(configuration)) }
            change.plan.renewStreams(after: old, &leftStreams)
            try install(change.plan, instead: old)
            control.withLock { $0.leftStreams = Plan.left(leftStreams, renaming: $0.adoptedRenaming) }
        } catch {
            for worker in change.successors + change.additions { worker.discard() }
            for (before, after) in change.reopened {
                _ = after.waitUntilFinished(deadline: time.monotonic().addingClamped(Self.patience))
                restore(before)
            }
            throw error
        }
        let names = Set(change.plan.sinks.map(\.name))
        change.removed = old.sinks.filter { !names.contains($0.name) }
        finish(change)
    }

    /// One at a time, and none once the end has begun.
    private func beginReconfiguring() -> Bool {
        control.wait { control, _ -> Bool? in
            guard control.phase == .running else { return false }
            guard !control.isReconfiguring else { return nil }
            control.isReconfiguring = true
            return true
        }
    }

    // MARK: - Opening

    /// The sink at work, or a new one, started; nil for one that is left out.
    private func worker(
        for sink: SinkConfiguration, isUnchanged: Bool, _ old: Plan, _ change: inout Change
    ) throws(ExportError) -> SinkWorker? {
        guard let before = old.sinks.first(where: { $0.name == sink.name }) else {
            do throws(ExportError) {
                let worker = try open(sink, following: nil)
                change.additions.append(worker)
                return worker
            } catch {
                guard !sink.isRequired, case .plugin = error else { throw error }
                logger.error("sink \(sink.name) is left out: \("\(error)".escapingControls)")
                return nil
            }
        }
        if isUnchanged { return before }
        let worker: SinkWorker
        do throws(ExportError) {
            worker = try open(sink, following: before)
        } catch {
            // It may be that both claim one resource: an address, a directory. Then the one that runs has to let go first.
            guard error.mayBeForWantOfRoom else { throw error }
            worker = try openInPlace(sink, of: before)
            change.reopened.append((before, worker))
        }
        change.successors.append(worker)
        return worker
    }

    private func open(_ sink: SinkConfiguration, following before: SinkWorker?) throws(ExportError) -> SinkWorker {
        let worker = try SinkWorker(
            sink, logger: logger, time: time, budget: budget, collect: Self.collecting(for: sink.name, by: control),
            following: before)
        guard worker.start() else {
            worker.closeUnstarted()
            throw .noThread
        }
        return worker
    }

    /// Opens a sink after the one before has let go. Where that fails too, the old one is opened again.
    private func openInPlace(_ sink: SinkConfiguration, of before: SinkWorker) throws(ExportError) -> SinkWorker {
        retire([before]) { $0.sharedSpill(with: sink) != nil }
        do throws(ExportError) {
            return try open(sink, following: before)
        } catch {
            restore(before)
            throw error
        }
    }

    /// Opens a sink again that had let go. Where that fails, as it does while a directory is read-only, it is tried again
    /// beside all else, until it succeeds or the sink is another's.
    private func restore(_ before: SinkWorker) {
        do throws(ExportError) {
            try reopen(before)
        } catch {
            let reason = "\(error)".escapingControls
            logger.error("sink \(before.name) cannot be opened again as it was, and waits until it can: \(reason)")
            // Each change that fails comes here, and one thread is enough.
            let isFirst = control.withLock { control in
                guard !control.restoring.contains(where: { $0 === before }) else { return false }
                control.restoring.append(before)
                return true
            }
            guard isFirst, !Thread.start("weir-restore", { self.keepRestoring(before) }) else { return }
            control.withLock { $0.restoring.removeAll { $0 === before } }
            logger.error("sink \(before.name) delivers nothing until the next change: no thread can be started")
        }
    }

    private func keepRestoring(_ before: SinkWorker) {
        defer { control.withLock { $0.restoring.removeAll { $0 === before } } }
        var retry = before.configuration.retry
        var random = SystemRandomNumberGenerator()
        while true {
            let due = time.monotonic().addingClamped(retry.failed(random: &random))
            control.wait { control, until -> Void? in
                until = due
                return control.phase != .running || time.monotonic() >= due ? () : nil
            }
            guard beginReconfiguring() else { return }
            defer { control.withLock { $0.isReconfiguring = false } }
            guard control.withLock({ $0.plan.sinks.contains { $0 === before } }) else { return }
            do throws(ExportError) {
                try reopen(before)
                logger.info("sink \(before.name) is open again")
                return
            } catch {
                logger.debug("sink \(before.name) cannot be opened again yet: \("\(error)".escapingControls)")
            }
        }
    }

    /// Has a sink that had let go take over from itself.
    private func reopen(_ before: SinkWorker) throws(ExportError) {
        let again = try open(before.configuration, following: before)
        let now = control.withLock { $0.plan }
        var plan = now
        plan.replace(before, with: again)
        do throws(ExportError) {
            try install(plan, instead: now)
        } catch {
            again.discard()
            throw error
        }
        again.takeOver()
    }

    // MARK: - Turning to the new ones

    /// Has the collector's thread collect for another plan; all is as it was where it does not get to it.
    private func install(_ plan: Plan, instead old: Plan) throws(ExportError) {
        let number = control.withLock { control in
            control.plan = plan
            control.planNumber += 1
            return control.planNumber
        }
        let patience = time.monotonic().addingClamped(10_000_000_000)
        let isAdopted = control.wait { control, until -> Bool? in
            if control.adoptedNumber >= number { return true }
            until = patience
            guard time.monotonic() >= patience || control.phase == .stopped else { return nil }
            control.plan = old
            control.planNumber += 1
            return false
        }
        guard isAdopted else { throw .collectionHangs }
    }

    private func finish(_ change: Change) {
        let now = time.monotonic()
        for sink in change.removed { sink.drain(deadline: now.addingClamped(Self.patience)) }
        control.withLock { $0.leaving += change.removed }
        for sink in change.removed where !Thread.start("weir-leave", { self.seeOff(sink) }) { seeOff(sink) }
        let before = change.successors.compactMap { successor in successor.shared.withLock { $0.predecessor } }
        retire(before) { old in
            change.successors.contains { $0.name == old.name && old.sharedSpill(with: $0.configuration) != nil }
        }
        for successor in change.successors { successor.takeOver() }
    }

    /// How long a sink that is gone delivers what waits.
    private static let patience: UInt64 = 5_000_000_000

    /// Lets sinks end side by side, each for as long as a delivery may take. One that hangs beyond that is left to
    /// itself: what it holds is delivered again.
    private func retire(_ sinks: [SinkWorker], leavingSpill: (SinkWorker) -> Bool) {
        let now = time.monotonic()
        for sink in sinks { sink.retire(leavingSpill: leavingSpill(sink)) }
        let deadline = { (sink: SinkWorker) in
            now.addingClamped(min(sink.configuration.timeoutNanoseconds, 2 * Self.patience))
        }
        let late = sinks.filter { !$0.waitUntilRetired(deadline: deadline($0)) }
        for sink in late { sink.askToStop() }
        let grace = time.monotonic().addingClamped(150_000_000)
        for sink in late { _ = sink.waitUntilRetired(deadline: grace) }
    }

    /// Waits for the last deliveries of a sink that is gone, and keeps its accounts for the report.
    private func seeOff(_ sink: SinkWorker) {
        let deadline = time.monotonic().addingClamped(Self.patience)
        if !sink.waitUntilFinished(deadline: deadline) {
            sink.askToStop()
            if !sink.waitUntilFinished(deadline: deadline.addingClamped(150_000_000)) { sink.abandon() }
        }
        let snapshot = sink.snapshot()
        control.withLock { control in
            control.leaving.removeAll { $0 === sink }
            control.left.append(snapshot)
            // A bound, should somebody change sinks without end.
            if control.left.count > 256 { control.left.removeFirst() }
        }
    }
}

extension Pipeline.Plan {
    /// Puts another sink in a sink's place.
    fileprivate mutating func replace(_ old: SinkWorker, with new: SinkWorker) {
        sinks = sinks.map { $0 === old ? new : $0 }
        for feed in feeds.indices { feeds[feed].sinks = feeds[feed].sinks.map { $0 === old ? new : $0 } }
    }
}

extension ExportError {
    /// Whether another one may be in the way.
    fileprivate var mayBeForWantOfRoom: Bool {
        switch self {
        case .exporter, .spill: true
        default: false
        }
    }
}
