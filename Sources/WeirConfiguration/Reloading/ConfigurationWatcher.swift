internal import Logging
internal import Synchronization
public import Weir
internal import WeirExport
public import WeirRecording

/// Follows a configuration file: when it changes, or somebody asks, reads it and changes what runs to what it says.
///
/// ```swift
/// let configuration = try Configuration(contentsOf: "weir.yaml")
/// let exporting = try startExporting(configuration: configuration)
/// let watcher = ConfigurationWatcher(of: "weir.yaml", inForce: configuration, for: exporting)
/// ```
///
/// A file in which something is wrong changes nothing, nor does one whose exporters cannot be opened: what was in force
/// stays, and the log says why. Sinks that are the same in both go on undisturbed; one that differs hands its queue and
/// its accounts to its successor. Views that rules change start anew. Where plugins are looked for, and the socket of
/// `weir stats`, stay as they were until the process starts again.
///
/// The file is looked at by a small thread, every few seconds: that works wherever the file is, also where it is put
/// there by replacing a link, as Kubernetes does. It ends with this object, or with ``stop()``. A pipe, as of a shell's
/// `<(…)`, is read once and not followed.
public final class ConfigurationWatcher: Sendable {
    private let watch: Watch

    /// Starts to follow a file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - configuration: What is in force, as it was read from the file.
    ///   - exporting: What runs with it.
    ///   - stats: Whose views its rules are for.
    ///   - interval: How often to look; nil for ``reload()`` alone.
    ///   - environment: The process's own where none is given.
    public convenience init(
        of path: String, inForce configuration: Configuration, for exporting: Exporting, from stats: Stats = .default,
        every interval: Duration? = .seconds(5), environment: [String: String]? = nil
    ) {
        let reloader = Reloader(
            path: path, environment: environment ?? Environment.process, current: configuration)
        self.init(reloader, every: interval) { old, new throws(ExportingError) in
            try exporting.change(from: old, to: new, stats: stats)
        }
    }

    /// - Parameter change: Changes from one configuration to another, or throws and changes nothing.
    init(
        _ reloader: Reloader, every interval: Duration?, logger: Logger = Logger(label: "weir"),
        change: @escaping @Sendable (Configuration, Configuration) throws(ExportingError) -> Void
    ) {
        watch = Watch(reloader, logger: logger, change: change)
        if let interval { watch.start(every: interval) }
    }

    deinit {
        watch.stop()
    }

    /// Reads the file now, whether it has changed or not, and returns when what runs is what it says.
    ///
    /// - Returns: Whether that is something else than before.
    /// - Throws: ``ReloadError``; nothing has changed then.
    @discardableResult
    public func reload() throws(ReloadError) -> Bool {
        switch watch.reload() {
        case .unchanged: false
        case .changed: true
        case .failed(let error): throw error
        }
    }

    /// Follows no longer. A reload that has begun goes on.
    public func stop() {
        watch.stop()
    }
}

/// What the thread holds, so that the watcher itself can be let go.
private final class Watch: Sendable {
    private let reloader: Mutex<Reloader>
    private let isStopped = Monitor(false)
    private let logger: Logger
    private let change: @Sendable (Configuration, Configuration) throws(ExportingError) -> Void

    init(
        _ reloader: Reloader, logger: Logger,
        change: @escaping @Sendable (Configuration, Configuration) throws(ExportingError) -> Void
    ) {
        self.reloader = Mutex(reloader)
        self.logger = logger
        self.change = change
    }

    func start(every interval: Duration) {
        let started = Thread.start("weir-config") { self.run(every: interval) }
        if !started { logger.error("the configuration is not followed: the system has no thread to give") }
    }

    func stop() {
        isStopped.withLock { $0 = true }
    }

    private func run(every interval: Duration) {
        let time = TimeSource.system
        let bounded = min(max(interval, .milliseconds(1)), .seconds(86_400))
        let nanoseconds = UInt64(bounded / .nanoseconds(1))
        var next = time.monotonic()
        while true {
            next &+= nanoseconds
            let goesOn = isStopped.wait { isStopped, until -> Bool? in
                if isStopped { return false }
                until = next
                return time.monotonic() >= next ? true : nil
            }
            guard goesOn else { return }
            if reloader.withLock({ $0.hasChanged }) { _ = reload() }
            next = max(next, time.monotonic())
        }
    }

    func reload() -> Reloader.Outcome {
        let (outcome, configuration) = reloader.withLock { ($0.reload(change), $0.current) }
        switch outcome {
        case .unchanged: break
        case .changed:
            logger.info("the configuration was reloaded")
            configuration.logWarnings()
        case .failed(let error):
            logger.error("the configuration is not reloaded, and what was in force stays: \(error)")
        }
        return outcome
    }
}

extension Exporting {
    /// Changes what runs, all or nothing.
    func change(from old: Configuration, to new: Configuration, stats: Stats) throws(ExportingError) {
        try reconfigure(to: new)
        do throws(ExportingError) {
            try new.applyViewRules(to: stats)
        } catch {
            try reconfigure(to: old)
            throw error
        }
    }

    private func reconfigure(to configuration: Configuration) throws(ExportingError) {
        try reconfigure(
            every: configuration.interval, to: configuration.sinks, level: configuration.level,
            resource: configuration.resource)
    }
}
