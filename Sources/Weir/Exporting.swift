package import WeirBatch
package import WeirExport
public import WeirRecording

private import Synchronization

/// Export that runs: one thread that collects every interval, and one for each sink.
///
/// Made by `startExporting`, or by `withExporting` for the length of a scope. It goes on until ``shutdown(deadline:)``, also
/// when nobody holds this object.
///
/// A program that returns from `main` or calls `exit` without a shutdown is held up until what was recorded is delivered
/// and the streams have their end marks, for two seconds at most (`exitDeadline`). What is not delivered by then is lost,
/// and the log says at which sinks. Nothing is flushed where `exit` is called on a thread of Weir's own, as from a log
/// handler or an observation, or on one that holds a lock of Weir's, as in a signal handler: standard error says so.
///
/// What ends a program otherwise flushes nothing: SIGKILL, a signal without a handler, a crash, `abort`, `_exit` and
/// `quick_exit`. Then what was recorded since the last collection is lost, and what waits in the queues with it; what was
/// delivered and what a spill has on disk remains, and the missing end mark says that the stream broke off.
///
/// A child made by fork has no threads and exports nothing, so that nothing is written twice; it counts from zero,
/// and its series begin with the fork. It may
/// start its own, which begins a stream of its own; as Swift's tasks do not survive a fork, it ends that with
/// ``shutdownAndWait(deadline:)``. A fork waits a moment for threads that hold a lock of Weir's, so that the child finds
/// none held; of Swift's own and of other libraries' Weir knows nothing.
public final class Exporting: Sendable {
    private let pipeline: Pipeline
    /// As they were asked for last.
    private let sinks: Mutex<[Sink]>
    private let server: StatsServer?
    /// Its number among those that are flushed where the program ends.
    private let exitNumber: Int?

    /// - Parameters:
    ///   - source: Where collections come from.
    ///   - socketPath: Where a socket is made that serves the accounts; nil for none.
    ///   - exitDeadline: How long the end of the program waits for a flush; nil for none.
    /// - Throws: ``ExportingError`` where the interval, a sink's name or its settings are wrong, an exporter refuses, the
    ///   socket cannot be had, or the system has no threads. Nothing runs then.
    package init(
        every interval: Duration, to sinks: [Sink], collecting source: any BatchSource, level: Int32 = 1,
        resource: [String: String] = [:], serveStatsAt socketPath: String? = nil,
        exitDeadline: Duration? = .seconds(2)
    ) throws(ExportingError) {
        var listener: StatsListener?
        do throws(ServingError) {
            if let socketPath { listener = try StatsListener(at: socketPath) }
        } catch {
            throw .socket(path: socketPath ?? "", reason: error.description)
        }
        self.sinks = Mutex(sinks)
        do throws(ExportError) {
            pipeline = try Pipeline(
                Self.configuration(interval, level, resource), source: source, sinks: Self.configurations(of: sinks))
            try pipeline.start()
        } catch {
            listener?.removeName()
            throw ExportingError(error)
        }
        do throws(ServingError) {
            server = try listener.map { [pipeline] listener throws(ServingError) in
                let startTime = TimeSource.system.wall()
                return try StatsServer(listener) { pipeline.ownBatch(since: startTime) }
            }
        } catch {
            listener?.removeName()
            pipeline.shutdown(deadlineNanoseconds: 0) { _ in }
            throw .resources(reason: error.description)
        }
        exitNumber = exitDeadline.map { [pipeline, server] deadline in
            ExitFlush.add(pipeline, server, deadlineNanoseconds: deadline.unsignedNanoseconds)
        }
    }

    private static func configuration(
        _ interval: Duration, _ level: Int32, _ resource: [String: String]
    ) -> Pipeline.Configuration {
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = interval.nanoseconds
        configuration.level = level
        let resource = Resource(resource)
        configuration.resource = resource.attributes
        if let problem = resource.problem { configuration.problems = [problem] }
        return configuration
    }

    private static func configurations(of sinks: [Sink]) throws(ExportError) -> [SinkConfiguration] {
        var configurations: [SinkConfiguration] = []
        for sink in sinks { configurations.append(try sink.configuration()) }
        return configurations
    }

    /// Goes on with other sinks, another interval, level or resource.
    ///
    /// Everything new is checked and opened first; where anything is wrong with it, the error says what, and exporting
    /// goes on as it was. Then the sinks that differ change, and no others: a sink that is equal to one before goes on
    /// undisturbed. One that was changed hands its queue and its accounts to the one of its name that follows; one that is
    /// gone delivers what waits, for up to five seconds, and ends its stream; both stand in the report at the shutdown.
    /// Sinks whose interval, temporality, views and level stay together go on with the same stream.
    ///
    /// Returns when the change is made: after the deliveries that run, each for as long as its sink's
    /// ``Sink/timeout`` and at most ten seconds. An exporter that cannot be opened beside the one that it follows, since
    /// both want the same port or directory, is opened when that one is closed; where it then fails the old one is opened
    /// again. Where that fails too, as in a directory that is read-only for a while, it is tried again until it succeeds,
    /// and batches wait in the sink's queue.
    ///
    /// - Parameters:
    ///   - interval: How often, from a nanosecond to a year.
    ///   - sinks: All that there are to be.
    ///   - level: zstd's.
    ///   - resource: Attributes of this process beside the standard ones, or instead of them.
    /// - Throws: ``ExportingError``; all is as it was then.
    public func reconfigure(
        every interval: Duration = .seconds(10), to sinks: [Sink], level: Int32 = 1, resource: [String: String] = [:]
    ) throws(ExportingError) {
        try self.sinks.withLock { current throws(ExportingError) in
            let unchanged = sinks.filter { sink in current.contains { $0 == sink } }
            do throws(ExportError) {
                try pipeline.reconfigure(
                    Self.configuration(interval, level, resource), sinks: Self.configurations(of: sinks),
                    unchanged: Set(unchanged.map(\.name)))
            } catch {
                throw ExportingError(error)
            }
            current = sinks
        }
        if exitNumber != nil { ExitFlush.registerLast() }
    }

    /// The streams that the batches belong to, one a feed.
    package var streams: [StreamID] { pipeline.streams }

    /// Every sink's accounts, each from one moment.
    package var snapshots: [SinkSnapshot] { pipeline.snapshots() }

    /// Collections so far, and ticks that came too late for one of their own.
    package var counts: CollectionCounts { pipeline.counts }

    /// Collects once more, delivers what waits at all sinks side by side, and ends their streams.
    ///
    /// Comes back as soon as that is done, and at the latest a quarter of a second after the deadline, whatever the
    /// exporters do: what could not be delivered by then is dropped and counted. Called again, it gives the same report.
    /// The calling thread is free meanwhile.
    ///
    /// - Parameter deadline: How long deliveries may take.
    @discardableResult
    public func shutdown(deadline: Duration = .seconds(5)) async -> ShutdownReport {
        await withCheckedContinuation { continuation in
            end(deadline) { continuation.resume(returning: $0) }
        }
    }

    /// The same as ``shutdown(deadline:)`` for code without tasks: the calling thread waits.
    ///
    /// - Parameter deadline: How long deliveries may take.
    @discardableResult
    public func shutdownAndWait(deadline: Duration = .seconds(5)) -> ShutdownReport {
        let ended = Monitor<ShutdownReport?>(nil)
        end(deadline) { report in ended.withLock { $0 = report } }
        return ended.wait { report, _ in report }
    }

    private func end(_ deadline: Duration, completion: @escaping @Sendable (ShutdownReport) -> Void) {
        pipeline.shutdown(deadlineNanoseconds: deadline.unsignedNanoseconds) { [server, exitNumber] report in
            server?.stop()
            if let exitNumber { ExitFlush.remove(exitNumber) }
            completion(ShutdownReport(report))
        }
    }
}

/// Starts to export what is recorded: every interval one batch, to every sink.
///
/// ```swift
/// let exporting = try startExporting(every: .seconds(10), to: .file(directory: "weir-data"))
/// await exporting.shutdown(deadline: .seconds(5))
/// ```
///
/// - Parameters:
///   - interval: How often, from a nanosecond to a year.
///   - sinks: Where to. Those that agree in interval, temporality, views and level get the same batches, byte for byte.
///   - level: zstd's; 1 is fast, and columns gain little from more.
///   - resource: Attributes of this process beside the standard ones, or instead of them: `service.name` and its like. The
///     environment gives some too, under these: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`. Without a
///     `service.instance.id` each process has a random one, so that two of one service are told apart.
///   - stats: What to export.
///   - socketPath: Where a socket is made at which `weir stats` reads the accounts; nil for none. It is this user's alone
///     (mode 0600), and goes at the shutdown. What a dead process left there is replaced; a live one is not.
///   - exitDeadline: How long a program that returns from `main` or calls `exit` without a shutdown waits at most until what
///     was recorded is delivered; nil to flush nothing then.
/// - Throws: ``ExportingError``; nothing runs then.
public func startExporting(
    every interval: Duration = .seconds(10), to sinks: Sink..., level: Int32 = 1, resource: [String: String] = [:],
    from stats: Stats = .default, serveStatsAt socketPath: String? = nil, exitDeadline: Duration? = .seconds(2)
) throws(ExportingError) -> Exporting {
    try Exporting(
        every: interval, to: sinks, collecting: Collector(stats: stats), level: level, resource: resource,
        serveStatsAt: socketPath, exitDeadline: exitDeadline)
}

/// Starts to export what a source collects.
///
/// - Parameters:
///   - interval: How often, from a nanosecond to a year.
///   - sinks: Where to. Those that agree in interval, temporality, views and level get the same batches, byte for byte.
///   - source: Where collections come from.
///   - level: zstd's; 1 is fast, and columns gain little from more.
///   - resource: Attributes of this process beside the standard ones, or instead of them.
///   - socketPath: Where a socket is made that serves the accounts; nil for none.
///   - exitDeadline: How long the end of the program waits for a flush; nil for none.
/// - Throws: ``ExportingError``; nothing runs then.
package func startExporting(
    every interval: Duration = .seconds(10), to sinks: [Sink], collecting source: any BatchSource, level: Int32 = 1,
    resource: [String: String] = [:], serveStatsAt socketPath: String? = nil, exitDeadline: Duration? = .seconds(2)
) throws(ExportingError) -> Exporting {
    try Exporting(
        every: interval, to: sinks, collecting: source, level: level, resource: resource, serveStatsAt: socketPath,
        exitDeadline: exitDeadline)
}

/// Why exporting could not start.
public enum ExportingError: Error, Equatable, CustomStringConvertible {
    /// The interval is not positive, or more than a year.
    case interval(reason: String)
    /// Two sinks have one name.
    case duplicateSink(name: String)
    /// A setting of a sink is unknown, missing or does not fit.
    case setting(sink: String, reason: String)
    /// The exporter refused: its directory cannot be written, its address cannot be understood.
    case exporter(sink: String, reason: String)
    /// A directory where batches wait, or are kept, cannot be used.
    case directory(sink: String, reason: String)
    /// A plugin was made for another host.
    case plugin(path: String, reason: String)
    /// The socket for the accounts cannot be had: its path is too long, another's, or not to be written.
    case socket(path: String, reason: String)
    /// The system has no memory or threads to give.
    case resources(reason: String)
    /// There was a shutdown; or this is a child made by fork.
    case ended

    init(_ error: ExportError) {
        self =
            switch error {
            case .plugin(let path, let fault): .plugin(path: path, reason: fault.description)
            case .setting(let sink, let fault): .setting(sink: sink, reason: fault.description)
            case .exporter(let sink, let message, _): .exporter(sink: sink, reason: message)
            case .spill(let sink, let error): .directory(sink: sink, reason: "\(error)")
            case .duplicateSink(let name): .duplicateSink(name: name)
            case .noThread, .encoder, .collectionHangs: .resources(reason: error.description)
            case .notRunning: .ended
            case .interval: .interval(reason: error.description)
            }
    }

    /// The same error in other words: a sink's name stays.
    package func reworded(_ reword: (String) -> String) -> ExportingError {
        switch self {
        case .interval(let reason): .interval(reason: reword(reason))
        case .duplicateSink: self
        case .setting(let sink, let reason): .setting(sink: sink, reason: reword(reason))
        case .exporter(let sink, let reason): .exporter(sink: sink, reason: reword(reason))
        case .directory(let sink, let reason): .directory(sink: sink, reason: reword(reason))
        case .plugin(let path, let reason): .plugin(path: reword(path), reason: reword(reason))
        case .socket(let path, let reason): .socket(path: reword(path), reason: reword(reason))
        case .resources(let reason): .resources(reason: reword(reason))
        case .ended: self
        }
    }

    /// A sentence that says what is wrong, where, and what would be right.
    public var description: String {
        switch self {
        case .interval(let reason), .resources(let reason), .socket(_, let reason): reason
        case .duplicateSink(let name): "two sinks are called \(name): give one of them another name"
        case .setting(let sink, let reason), .exporter(let sink, let reason), .directory(let sink, let reason):
            "sink \(sink): \(reason)"
        case .plugin(let path, let reason): "\(path): \(reason)"
        case .ended: "exporting has ended"
        }
    }
}
