package import Logging
package import WeirBatch
private import WeirSystem

/// From a source of batches to sinks: one thread collects, encodes once for each feed that is due, and offers the same
/// bytes to the queue of every sink of the feed. Nothing that a sink does makes it wait, unless that sink's policy says
/// so.
///
/// The thread keeps the pipeline alive until ``shutdown(deadlineNanoseconds:completion:)``. A fork's child has no
/// threads, hence no pipeline: nothing is written there under the parent's stream.
package final class Pipeline: Sendable {
    /// What all sinks of the pipeline share.
    package struct Configuration: Sendable {
        /// How often a sink gets a batch that does not say it itself.
        package var intervalNanoseconds: Int64 = 10_000_000_000
        /// zstd's, likewise.
        package var level: Int32 = 1
        /// Who measures.
        package var resource: [Batch.Attribute] = []
        /// Bytes of batches that all sinks together may hold.
        package var totalBytes = 128 << 20
        /// A collection whose payload would be longer is split.
        package var partBytes = BatchEncoder.partLength
        /// What was wrong with what it was made of, and stops nothing, for the log.
        package var problems: [String] = []

        package init() {}
    }

    enum Phase: Equatable {
        case starting
        case failed(message: String)
        case running
        /// Collect once more, then stop.
        case stopping
        case stopped
    }

    /// What the collector's thread and all others share.
    struct Control {
        var phase = Phase.starting
        var counts = CollectionCounts()
        /// What is collected, or will be from the next collection on: its number tells whether it is already.
        var plan: Plan
        var planNumber: UInt64 = 0
        var adoptedNumber: UInt64 = 0
        /// Streams that had others follow them, as the clock was set, between the making of the adopted plan and its adoption.
        var adoptedRenaming: [StreamID: StreamID] = [:]
        /// Whether somebody changes the sinks at this moment.
        var isReconfiguring = false
        /// Sinks that were taken out and still deliver, and how those ended that do not.
        var leaving: [SinkWorker] = []
        var left: [SinkSnapshot] = []
        /// Sinks at work that could not be opened again after a change that failed, each with a thread that tries.
        var restoring: [SinkWorker] = []
        /// Names of callbacks that had not returned when the last collection was made.
        var lateCallbacks: [String] = []
        /// Streams that go on and that a sink has left, and so ended, by its name. It never returns to them.
        var leftStreams: [String: Set<StreamID>] = [:]
        /// Sinks that ask for a collection, by name, and when the next one may be that is only for them.
        var requests: Set<String> = []
        var requestsDue: UInt64 = 0
    }

    /// What is to be collected, for whom.
    struct Plan: Sendable {
        var feeds: [FeedPlan]
        var resource: [Batch.Attribute]
        var partBytes: Int
        /// All of them, in the order in which they were given.
        var sinks: [SinkWorker]
    }

    let source: any BatchSource
    let budget: MemoryBudget
    let time: TimeSource
    let logger: Logger
    let control: Monitor<Control>
    let completions = Monitor(Completions())
    let process: Int32 = getpid()

    /// Opens the exporters. Collecting begins with ``start()``.
    ///
    /// - Parameter time: Its monotonic clock must be the system's, by which threads sleep.
    /// - Throws: ``ExportError`` of the first sink that cannot be opened; the others are closed again.
    package init(
        _ configuration: Configuration, source: any BatchSource, sinks: [SinkConfiguration],
        logger: Logger = Logger(label: "weir"), time: TimeSource = .system
    ) throws(ExportError) {
        let definitions = try Self.definitions(of: sinks, in: configuration)
        let budget = MemoryBudget(limit: configuration.totalBytes)
        var plan = Plan(feeds: [], resource: configuration.resource, partBytes: configuration.partBytes, sinks: [])
        let control = Monitor(Control(plan: plan))
        do throws(ExportError) {
            for (sink, definition) in zip(sinks, definitions) {
                do throws(ExportError) {
                    let worker = try SinkWorker(
                        sink, logger: logger, time: time, budget: budget,
                        collect: Self.collecting(for: sink.name, by: control))
                    plan.add(worker, to: definition.adapted(to: worker))
                } catch {
                    guard !sink.isRequired, case .plugin = error else { throw error }
                    logger.error("sink \(sink.name) is left out: \("\(error)".escapingControls)")
                }
            }
        } catch {
            for worker in plan.sinks { worker.closeUnstarted() }
            throw error
        }
        for problem in configuration.problems { logger.warning("\(problem.escapingControls)") }
        // Without a sink, whoever looks at the counts still sees the source collected.
        if plan.feeds.isEmpty { plan.add(nil, to: try FeedDefinition(configuration)) }
        self.source = source
        self.time = time
        self.logger = logger
        self.budget = budget
        control.withLock { $0.plan = plan }
        self.control = control
    }

    /// How a sink asks for a collection. Its exporter may keep that for longer than the pipeline lives.
    static func collecting(for sink: String, by control: Monitor<Control>) -> @Sendable () -> Void {
        { [weak control] in control?.withLock { _ = $0.requests.insert(sink) } }
    }

    /// The feed of each sink, where all of what they say makes sense.
    static func definitions(
        of sinks: [SinkConfiguration], in configuration: Configuration
    ) throws(ExportError) -> [FeedDefinition] {
        _ = try FeedDefinition(configuration)
        var names: Set<String> = []
        for sink in sinks where !names.insert(sink.name).inserted { throw .duplicateSink(sink.name) }
        return try sinks.map { sink throws(ExportError) in try FeedDefinition(sink, in: configuration) }
    }

    /// Starts the threads.
    package func start() throws(ExportError) {
        let sinks = sinks
        var started = 0
        while started < sinks.count, sinks[started].start() { started += 1 }
        var fault: ExportError? = started < sinks.count ? .noThread : nil
        if fault == nil {
            if Thread.start("weir-collect", { self.run() }) {
                let message = control.wait { control, _ -> String?? in
                    switch control.phase {
                    case .starting: nil
                    case .failed(let message): .some(message)
                    case .running, .stopping, .stopped: .some(nil)
                    }
                }
                fault = message.map { .encoder(message: $0) }
            } else {
                fault = .noThread
            }
        }
        guard let fault else { return }
        for sink in sinks[..<started] { sink.drain(deadline: 0) }
        for sink in sinks[started...] { sink.closeUnstarted() }
        throw fault
    }

    var sinks: [SinkWorker] { control.withLock { $0.plan.sinks } }

    /// The names of the streams that the batches belong to, one a feed.
    package var streams: [StreamID] { control.withLock { $0.plan.feeds.map(\.stream) } }

    /// Collections so far, and ticks that came too late for one of their own.
    package var counts: CollectionCounts { control.withLock { $0.counts } }

    /// Every sink's accounts, each from one moment.
    package func snapshots() -> [SinkSnapshot] { sinks.map { $0.snapshot() } }

    /// What this moment's batch would say of the pipeline itself: ``PipelineMetrics``, and nothing else.
    ///
    /// - Parameter startTime: When counting began. Nanoseconds since 1970.
    package func ownBatch(since startTime: UInt64) -> Batch {
        var batch = Batch()
        batch.resource = control.withLock { $0.plan.resource }
        batch.startTime = startTime
        // The clock may have been set since.
        batch.endTime = max(time.wall(), startTime)
        var metrics = PipelineMetrics()
        metrics.startTime = startTime
        metrics.fill(&batch, snapshots(), counts)
        return batch
    }
}

extension Pipeline.Plan {
    /// Adds a sink to the feed of its definition, which begins a stream where there is none yet.
    mutating func add(_ worker: SinkWorker?, to definition: FeedDefinition, stream: StreamID? = nil) {
        let added = worker.map { [$0] } ?? []
        sinks += added
        if let place = feeds.firstIndex(where: { $0.definition == definition }) {
            feeds[place].sinks += added
        } else {
            feeds.append(FeedPlan(definition: definition, stream: stream ?? .random(), sinks: added))
        }
    }

    /// Gives feeds the streams that followed theirs.
    mutating func rename(_ streams: [StreamID: StreamID]) {
        for index in feeds.indices {
            while let next = streams[feeds[index].stream] { feeds[index].stream = next }
        }
    }

    /// Gives a new stream to each feed that a sink would return to after it has ended the feed's stream: nothing follows an
    /// end mark.
    ///
    /// - Parameters:
    ///   - old: What was collected before.
    ///   - left: Streams that sinks have left, by name. Those that go on with this plan stay in it.
    mutating func renewStreams(after old: Pipeline.Plan, _ left: inout [String: Set<StreamID>]) {
        for index in feeds.indices {
            let isEnded = feeds[index].sinks.contains { left[$0.name]?.contains(feeds[index].stream) == true }
            if isEnded { feeds[index].stream = .random() }
        }
        for feed in old.feeds {
            guard let next = feeds.first(where: { $0.stream == feed.stream }) else { continue }
            for sink in feed.sinks where !next.sinks.contains(where: { $0.name == sink.name }) {
                left[sink.name, default: []].insert(feed.stream)
            }
        }
        let going = Set(feeds.map(\.stream))
        left = left.mapValues { $0.intersection(going) }.filter { !$0.value.isEmpty }
    }

    /// Streams that sinks have left, and those that followed them before the plan was adopted: which of them a sink has ended,
    /// the collector's thread alone knows.
    static func left(_ left: [String: Set<StreamID>], renaming: [StreamID: StreamID]) -> [String: Set<StreamID>] {
        left.mapValues { streams in
            streams.reduce(into: streams) { streams, stream in
                var stream = stream
                while let next = renaming[stream], streams.insert(next).inserted { stream = next }
            }
        }
    }
}
