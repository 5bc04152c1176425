package import Logging
package import WeirBatch

#if canImport(Glibc)
private import Glibc
#elseif canImport(Musl)
private import Musl
#else
private import Darwin
#endif

/// From a source of batches to sinks: one thread collects every interval, encodes once, and offers the same bytes to
/// every sink's queue. Nothing that a sink does makes it wait, unless that sink's policy says so.
///
/// The thread keeps the pipeline alive until ``shutdown(deadlineNanoseconds:completion:)``. A fork's child has no
/// threads, hence no pipeline: nothing is written there under the parent's stream.
package final class Pipeline: Sendable {
    /// What all sinks of the pipeline share.
    package struct Configuration: Sendable {
        package var intervalNanoseconds: Int64 = 10_000_000_000
        /// zstd's.
        package var level: Int32 = 1
        /// Who measures.
        package var resource: [Batch.Attribute] = []
        /// Bytes of batches that all sinks together may hold.
        package var totalBytes = 128 << 20
        /// A collection whose payload would be longer is split.
        package var partBytes = BatchEncoder.partLength
        package var stream = StreamID.random()

        package init() {}
    }

    private enum Phase: Equatable {
        case starting
        case failed(message: String)
        case running
        /// Collect once more, then stop.
        case stopping
        case stopped
    }

    private struct Control {
        var phase = Phase.starting
        var counts = CollectionCounts()
    }

    private let configuration: Configuration
    private let source: any BatchSource
    private let sinks: [SinkWorker]
    private let budget: MemoryBudget
    private let time: TimeSource
    private let logger: Logger
    private let control = Monitor(Control())
    private let completions = Monitor(Completions())
    private let process = getpid()

    /// Opens the exporters. Collecting begins with ``start()``.
    ///
    /// - Parameter time: Its monotonic clock must be the system's, by which threads sleep.
    /// - Throws: ``ExportError`` of the first sink that cannot be opened; the others are closed again.
    package init(
        _ configuration: Configuration, source: any BatchSource, sinks: [SinkConfiguration],
        logger: Logger = Logger(label: "weir"), time: TimeSource = .system
    ) throws(ExportError) {
        let longest: Int64 = 366 * 86_400 * 1_000_000_000
        guard 1...longest ~= configuration.intervalNanoseconds else {
            throw .interval(nanoseconds: configuration.intervalNanoseconds)
        }
        var names: Set<String> = []
        for sink in sinks where !names.insert(sink.name).inserted { throw .duplicateSink(sink.name) }
        let budget = MemoryBudget(limit: configuration.totalBytes)
        var workers: [SinkWorker] = []
        do throws(ExportError) {
            for sink in sinks {
                do throws(ExportError) {
                    workers.append(try SinkWorker(sink, logger: logger, time: time, budget: budget))
                } catch {
                    guard !sink.isRequired, case .plugin = error else { throw error }
                    logger.error("sink \(sink.name) is left out: \(error)")
                }
            }
        } catch {
            for worker in workers { worker.closeUnstarted() }
            throw error
        }
        self.configuration = configuration
        self.source = source
        self.sinks = workers
        self.time = time
        self.logger = logger
        self.budget = budget
    }

    /// Starts the threads.
    package func start() throws(ExportError) {
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

    /// The name of the stream that the batches belong to.
    package var stream: StreamID { configuration.stream }

    /// Collections so far, and ticks that came too late for one of their own.
    package var counts: CollectionCounts { control.withLock { $0.counts } }

    /// Every sink's accounts, each from one moment.
    package func snapshots() -> [SinkSnapshot] { sinks.map { $0.snapshot() } }

    /// What this moment's batch would say of the pipeline itself: ``PipelineMetrics``, and nothing else.
    ///
    /// - Parameter startTime: When counting began. Nanoseconds since 1970.
    package func ownBatch(since startTime: UInt64) -> Batch {
        var batch = Batch()
        batch.resource = configuration.resource
        batch.startTime = startTime
        batch.endTime = time.wall()
        var metrics = PipelineMetrics()
        metrics.startTime = startTime
        metrics.append(snapshots(), counts, to: &batch)
        return batch
    }

    // MARK: - The collector's thread

    private func run() {
        do throws(BatchError) {
            var collection = Collection(encoder: try BatchEncoder(level: configuration.level))
            control.withLock { $0.phase = .running }
            collection.metrics.startTime = time.wall()
            let interval = UInt64(configuration.intervalNanoseconds)
            var tick = time.monotonic() &+ interval
            while waitForTick(tick) {
                collect(&collection)
                // A collection that took longer than the interval answers for the ticks that it missed.
                let now = time.monotonic()
                let late = now > tick ? (now - tick) / interval : 0
                control.withLock { $0.counts.lateTicks += late }
                tick &+= (late + 1) &* interval
            }
            collect(&collection)
            control.withLock { $0.phase = .stopped }
        } catch {
            control.withLock { $0.phase = .failed(message: "\(error)") }
        }
    }

    /// - Returns: Whether the pipeline goes on.
    private func waitForTick(_ tick: UInt64) -> Bool {
        control.wait { control, until in
            if control.phase == .stopping { return false }
            until = tick
            return time.monotonic() >= tick ? true : nil
        }
    }

    /// What the thread keeps from one collection to the next.
    private struct Collection: ~Copyable {
        var encoder: BatchEncoder
        var batch = Batch()
        var metrics = PipelineMetrics()
        var estimate = LengthEstimate()
        /// The number that the next batch gets.
        var number: UInt64 = 1

        init(encoder: consuming BatchEncoder) {
            self.encoder = encoder
        }
    }

    private func collect(_ collection: inout Collection) {
        let began = time.monotonic()
        source.collect(into: &collection.batch)
        collection.batch.resource = configuration.resource
        collection.metrics.append(snapshots(), counts, to: &collection.batch)
        defer { collection.metrics.remove(from: &collection.batch) }
        do throws(BatchError) {
            let payloads = try collection.encoder.encode(
                collection.batch, upTo: configuration.partBytes, &collection.estimate)
            let isDelta = collection.batch.views.contains { $0.temporality == .delta }
            // Half the interval for all parts together.
            let patience = time.monotonic() &+ UInt64(configuration.intervalNanoseconds) / 2
            for (index, payload) in payloads.enumerated() {
                let batch = SharedBatch(
                    stream: configuration.stream, numbers: collection.number...collection.number,
                    startTime: payload.startTime, endTime: payload.endTime, rows: payload.rows, points: payload.points,
                    rawLength: payload.rawLength, bytes: payload.bytes, isDelta: isDelta,
                    part: UInt32(index) + 1, parts: UInt32(payloads.count), budget: budget)
                publish(batch, patience: patience)
                collection.number += 1
            }
            control.withLock { control in
                control.counts.collections += 1
                control.counts.lastDurationNanoseconds = time.monotonic() &- began
            }
        } catch {
            let isFirst = control.withLock { control in
                control.counts.failures += 1
                return control.counts.failures == 1
            }
            if isFirst { logger.error("a collection cannot be encoded, and is left out: \(error)") }
        }
    }

    /// Offers a batch to all sinks, then waits with those whose policies want it, side by side: one that is slow takes no
    /// collection from the others.
    private func publish(_ batch: SharedBatch, patience: UInt64) {
        makeRoom()
        for sink in sinks { sink.offer(batch) }
        for sink in sinks { sink.waitForRoom(until: patience) }
    }

    /// Holds the bound over all sinks: the oldest waiting batch goes, wherever it waits. What is in flight stays, one
    /// batch a sink at most.
    private func makeRoom() {
        while budget.isExceeded {
            var oldest: UInt64?
            for sink in sinks {
                if let number = sink.oldestNumber { oldest = min(oldest ?? number, number) }
            }
            guard let oldest else { return }
            for sink in sinks where sink.oldestNumber == oldest { _ = sink.shedOldest() }
        }
    }

    // MARK: - The end

    private struct Completions {
        var waiting: [@Sendable (PipelineReport) -> Void] = []
        var report: PipelineReport?
        var hasBegun = false
    }

    /// Stops ticking, collects once more, delivers what waits in all sinks side by side, drops the rest, ends the
    /// streams and reports: by the deadline and 250 ms, whatever an exporter does.
    ///
    /// `completion` runs on a thread of the pipeline's, or at once where the pipeline has ended before.
    package func shutdown(
        deadlineNanoseconds: UInt64, completion: @escaping @Sendable (PipelineReport) -> Void
    ) {
        // A fork's child inherits the locks in whatever state, and no thread that would answer.
        guard getpid() == process else { return completion(PipelineReport(sinks: [], isComplete: false)) }
        let deadline = time.monotonic() &+ min(deadlineNanoseconds, 86_400_000_000_000)
        enum Next {
            case begin
            case wait
            case answer(PipelineReport)
        }
        let next = completions.withLock { state -> Next in
            if let report = state.report { return .answer(report) }
            state.waiting.append(completion)
            defer { state.hasBegun = true }
            return state.hasBegun ? .wait : .begin
        }
        switch next {
        case .answer(let report): completion(report)
        case .wait: break
        case .begin:
            let work: @Sendable () -> Void = { self.finish(deadline: deadline) }
            // Without a thread to wait on, the caller's own has to do.
            if !Thread.start("weir-shutdown", work) { work() }
        }
    }

    private func finish(deadline: UInt64) {
        control.withLock { if $0.phase == .running { $0.phase = .stopping } }
        // Half of the time that is left, so that what they took in can still be delivered.
        let now = time.monotonic()
        for sink in sinks { sink.limitParking(until: now &+ (deadline - min(now, deadline)) / 2) }
        let hasCollected = control.wait { control, until -> Bool? in
            if control.phase == .stopped { return true }
            until = deadline
            return time.monotonic() >= deadline ? false : nil
        }
        for sink in sinks { sink.drain(deadline: deadline) }
        let late = sinks.filter { !$0.waitUntilFinished(deadline: deadline) }
        for sink in late { sink.askToStop() }
        let grace = max(deadline, time.monotonic()) &+ 150_000_000
        for sink in late where !sink.waitUntilFinished(deadline: grace) { sink.abandon() }
        let report = PipelineReport(sinks: snapshots(), isComplete: hasCollected)
        let waiting = completions.withLock { state in
            state.report = report
            defer { state.waiting = [] }
            return state.waiting
        }
        for completion in waiting { completion(report) }
    }
}

/// What the collector did.
package struct CollectionCounts: Equatable, Sendable {
    package var collections: UInt64 = 0
    /// Collections that could not be encoded.
    package var failures: UInt64 = 0
    /// Ticks that passed while a collection ran.
    package var lateTicks: UInt64 = 0
    /// Collecting and encoding, the last time.
    package var lastDurationNanoseconds: UInt64 = 0

    package init() {}
}

/// How a pipeline ended.
package struct PipelineReport: Sendable {
    package var sinks: [SinkSnapshot]
    /// Whether the last collection was made.
    package var isComplete: Bool
}
