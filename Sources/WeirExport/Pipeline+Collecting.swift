internal import Logging
internal import WeirBatch
internal import WeirRecording

/// The collector's thread: it waits for the feed that is due next, collects once for all that are, and offers their
/// batches. One collection is in flight, never two.
extension Pipeline {
    /// What the thread keeps from one collection to the next.
    private struct State {
        var collection = Collected()
        var metrics = PipelineMetrics()
        var feeds: [Feed] = []
        var encoders: [Int32: EncoderBox] = [:]
        var plan: Plan
        var planNumber: UInt64
        /// Ticks are counted from here, so that feeds whose intervals are multiples share collections.
        let epoch: UInt64
        var beginning: UInt64?
        /// Names of callbacks that had not returned when the last collection was made.
        var lateCallbacks: Set<String> = []
        /// Streams that ended because the clock was set, and those that followed, for a plan that was made meanwhile.
        var renamed: [StreamID: StreamID] = [:]
        var failures = FailureLog()

        init(_ plan: Plan, number: UInt64, epoch: UInt64) {
            self.plan = plan
            planNumber = number
            self.epoch = epoch
        }

        /// The next tick of feeds with an interval.
        func tick(every interval: UInt64, after now: UInt64) -> UInt64 {
            epoch &+ ((now - epoch) / interval + 1) &* interval
        }

        /// zstd's state and large buffers, one for all feeds of a level.
        mutating func encoder(_ level: Int32) throws(BatchError) -> EncoderBox {
            if let encoder = encoders[level] { return encoder }
            let encoder = EncoderBox(try BatchEncoder(level: level))
            encoders[level] = encoder
            return encoder
        }
    }

    private final class EncoderBox {
        var encoder: BatchEncoder

        init(_ encoder: consuming BatchEncoder) { self.encoder = encoder }
    }

    func run() {
        let (plan, number) = control.withLock { ($0.plan, $0.planNumber) }
        var state = State(plan, number: number, epoch: time.monotonic())
        state.metrics.startTime = source.currentTime
        state.feeds = plan.feeds.map { feedPlan in
            let feed = Feed(feedPlan, tick: state.epoch.addingClamped(feedPlan.definition.intervalNanoseconds))
            resume(feed, takePositions(of: feedPlan.sinks))
            return feed
        }
        do throws(BatchError) {
            for feed in state.feeds { _ = try state.encoder(feed.definition.level) }
        } catch {
            return control.withLock { $0.phase = .failed(message: "\(error)") }
        }
        control.withLock { $0.phase = .running }
        while true {
            switch wait(for: state.feeds, planNumber: state.planNumber) {
            case .due(let requesters):
                let now = time.monotonic()
                collect(&state) { feed in
                    feed.tick <= now || feed.definition.requester.map(requesters.contains) == true
                }
                answerTicks(of: state.feeds.filter { $0.tick <= now })
                if !requesters.isEmpty { noteRequested() }
            case .plan(let plan, let number): adopt(plan, number, &state)
            case .stop:
                collect(&state) { _ in true }
                keepPositions(of: state.feeds, behind: state.collection)
                return control.withLock { $0.phase = .stopped }
            }
        }
    }

    private enum Event {
        /// A feed ticks, or these sinks ask.
        case due(requesters: Set<String>)
        case plan(Plan, number: UInt64)
        case stop
    }

    private func wait(for feeds: [Feed], planNumber: UInt64) -> Event {
        let tick = feeds.map(\.tick).min() ?? .max
        let requesters = Set(feeds.compactMap(\.definition.requester))
        return control.wait { control, until in
            if control.planNumber != planNumber { return .plan(control.plan, number: control.planNumber) }
            if control.phase == .stopping { return .stop }
            control.requests.formIntersection(requesters)
            let due = control.requests.isEmpty ? tick : min(tick, control.requestsDue)
            until = due
            guard time.monotonic() >= due else { return nil }
            defer { control.requests = [] }
            return .due(requesters: control.requests)
        }
    }

    /// Between two collections that were asked for. Nanoseconds: a destination that asks without end gets twenty a second.
    private static let requestPause: UInt64 = 50_000_000

    private func noteRequested() {
        let now = time.monotonic()
        control.withLock { $0.requestsDue = now.addingClamped(Self.requestPause) }
    }

    /// Feeds that stay go on as they are, with their numbers and what they told; the others end, and new ones begin.
    ///
    /// A sink whose feed becomes another one is told first what came since its last batch. So all sinks that move stand at
    /// one collection, and the feed that takes them over goes on from there.
    private func adopt(_ plan: Plan, _ number: UInt64, _ state: inout State) {
        var plan = plan
        plan.rename(state.renamed)
        let moving = Moving(from: state.feeds, to: plan)
        if moving.isAny { collect(&state, isDue: moving.concerns) }
        // The clock may have been set just now.
        plan.rename(state.renamed)
        let names = Set(plan.sinks.map(\.name))
        keepPositions(of: state.feeds, behind: state.collection) { !names.contains($0) }
        let positions = takePositions(of: plan.sinks)
        let now = time.monotonic()
        // What they told just now answers for the tick that is due, so that feeds of one interval stay in step.
        for feed in state.feeds where moving.concerns(feed) && feed.tick <= now {
            feed.tick = state.tick(every: feed.definition.intervalNanoseconds, after: now)
        }
        var known: [StreamID: Feed] = [:]
        for feed in state.feeds { known[feed.stream] = feed }
        state.feeds = plan.feeds.map { feedPlan in
            if let feed = known[feedPlan.stream] {
                feed.sinks = feedPlan.sinks
                return feed
            }
            let feed = Feed(
                feedPlan, tick: state.tick(every: feedPlan.definition.intervalNanoseconds, after: now))
            let sources = moving.sources(of: feedPlan)
            feed.takeOver(from: sources, at: state.collection)
            if sources.isEmpty { resume(feed, positions) }
            return feed
        }
        state.encoders = state.encoders.filter { level, _ in
            plan.feeds.contains { $0.definition.level == level }
        }
        let renamed = state.renamed
        (state.plan, state.planNumber, state.renamed) = (plan, number, [:])
        control.withLock { control in
            if control.planNumber == number { control.plan = plan }
            (control.adoptedNumber, control.adoptedRenaming) = (number, renamed)
        }
    }

    /// Goes on where the sinks of a new feed stood when export to them ended.
    private func resume(_ feed: Feed, _ positions: [String: FeedPosition]) {
        let positions = feed.sinks.compactMap { positions[$0.name] }
        guard let first = positions.first, positions.count == feed.sinks.count else { return }
        // Sinks that were told different things cannot share what comes next: they are told all of it, as new ones are.
        if positions.allSatisfy({ $0.end == first.end && $0.isOfTotals == first.isOfTotals }) { feed.resume(first) }
    }

    private func takePositions(of sinks: [SinkWorker]) -> [String: FeedPosition] {
        var positions: [String: FeedPosition] = [:]
        for sink in sinks { positions[sink.name] = source.takePosition(of: sink.name) }
        return positions
    }

    private func keepPositions(
        of feeds: [Feed], behind collection: borrowing Collected, where isWanted: (String) -> Bool = { _ in true }
    ) {
        for feed in feeds {
            let sinks = feed.sinks.filter { isWanted($0.name) }
            guard !sinks.isEmpty, let position = feed.position(behind: collection) else { continue }
            for sink in sinks { source.keepPosition(position, of: sink.name) }
        }
    }

    /// A collection that took longer than an interval answers for the ticks that it missed, too.
    private func answerTicks(of feeds: [Feed]) {
        let now = time.monotonic()
        var late: UInt64 = 0
        for feed in feeds {
            let ticks = (now - feed.tick) / feed.definition.intervalNanoseconds + 1
            late += ticks - 1
            feed.tick &+= ticks &* feed.definition.intervalNanoseconds
        }
        if late > 0 { control.withLock { $0.counts.lateTicks += late } }
    }

    private func collect(_ state: inout State, isDue: (Feed) -> Bool) {
        let began = time.monotonic()
        source.collect(into: &state.collection.source)
        for problem in source.takeProblems() { logger.warning("\(problem.escapingControls)") }
        state.collection.source.resource = state.plan.resource
        state.collection.beginning = state.beginning ?? state.collection.source.startTime
        state.beginning = state.collection.beginning
        leaveOutFailedViews(of: &state.collection, &state.failures)
        state.metrics.fill(&state.collection.own, snapshots(), counts)
        let step = source.clockStep
        state.collection.step = step
        noteCallbacks(source.lateCallbacks, &state)

        var batches: [(feed: Feed, batches: [SharedBatch])] = []
        // A stream by the clock of before ends with a batch that tells all until now.
        let due = state.feeds.filter { isDue($0) || step != 0 && $0.isPushed }
        var others = state.feeds.filter { feed in !due.contains { $0 === feed } }
        var failures: UInt64 = 0
        for feed in due {
            do throws(BatchError) {
                let box = try state.encoder(feed.definition.level)
                let encoded = try feed.encode(&state.collection, with: &box.encoder, upTo: state.plan.partBytes, budget)
                batches.append((feed, encoded))
                reportOversized(feed.oversized, of: feed, &state.failures)
            } catch {
                failures += 1
                others.append(feed)
                reportFailure(error, of: feed, &state.failures)
            }
        }
        // An end is reported once, and these have not told it.
        var lostRows: UInt64 = 0
        if !others.isEmpty, let ended = EndedRows.rows(of: state.collection.source) {
            for feed in others { lostRows += feed.keep(ended) }
        }
        publish(batches)
        if step != 0 { follow(step, &state) }
        control.withLock { control in
            control.counts.collections += 1
            control.counts.failures += failures
            control.counts.lostRows += lostRows
            control.counts.lastDurationNanoseconds = time.monotonic() &- began
        }
    }

    /// Tells of callbacks that are late, and of those that have come back.
    private func noteCallbacks(_ late: [String], _ state: inout State) {
        guard !late.isEmpty || !state.lateCallbacks.isEmpty else { return }
        let names = Set(late)
        for name in names.subtracting(state.lateCallbacks).sorted() {
            logger.warning(
                "the callback that observes \(name.escapingControls) does not return: what it observes has no new value until it does"
            )
        }
        for name in state.lateCallbacks.subtracting(names).sorted() {
            logger.info("the callback that observes \(name.escapingControls) has returned")
        }
        state.lateCallbacks = names
        control.withLock { $0.lateCallbacks = names.sorted() }
    }

    /// Goes on by a clock that was set: every feed begins a new stream.
    private func follow(_ step: Int64, _ state: inout State) {
        var renamed: [StreamID: StreamID] = [:]
        for feed in state.feeds {
            let before = feed.stream
            feed.follow(step, behind: state.collection)
            renamed[before] = feed.stream
        }
        state.metrics.startTime = state.metrics.startTime.movedClamped(by: step)
        state.beginning = state.beginning?.movedClamped(by: step)
        state.plan.rename(renamed)
        state.renamed.merge(renamed) { $1 }
        control.withLock { control in
            // One that is not adopted yet, and was made of the plan before, is renamed when it is.
            if control.planNumber == state.planNumber { control.plan = state.plan }
        }
        let seconds = Double(step) / 1e9
        logger.warning(
            "the clock was set by \(seconds > 0 ? "+" : "")\(seconds) s, or the machine slept: streams end, and new ones begin by the clock of now"
        )
    }

    // MARK: - Offering

    /// Part by part, so that a policy that waits sees one after the other.
    private func publish(_ batches: [(feed: Feed, batches: [SharedBatch])]) {
        let shortest = batches.map(\.feed.definition.intervalNanoseconds).min() ?? 0
        let limit = time.monotonic().addingClamped(shortest / 2)
        var waited: UInt64 = 0
        for part in 0..<(batches.map(\.batches.count).max() ?? 0) {
            for (feed, batches) in batches where part < batches.count {
                makeRoom()
                for sink in feed.sinks { sink.offer(batches[part]) }
            }
            // Side by side, and at most half an interval: one that is slow takes no collection from the others.
            let offered = time.monotonic()
            for (feed, batches) in batches where part < batches.count {
                for sink in feed.sinks { sink.waitForRoom(until: limit) }
            }
            waited &+= time.monotonic() &- offered
        }
        control.withLock { $0.counts.waitedNanoseconds &+= waited }
    }

    /// Holds the bound over all sinks: the oldest waiting batch goes, wherever it waits. What is in flight stays, one
    /// batch an exporter at most.
    private func makeRoom() {
        let sinks = sinks
        while budget.isExceeded {
            let waiting = sinks.compactMap(\.oldest)
            guard let oldest = waiting.min(by: { $0.endTime < $1.endTime }) else { return }
            for sink in sinks {
                guard let candidate = sink.oldest, candidate.stream == oldest.stream,
                    candidate.numbers.lowerBound == oldest.numbers.lowerBound
                else { continue }
                _ = sink.shedOldest()
            }
        }
    }
}
