internal import FileSink
internal import WeirBatch
internal import WeirExport
public import WeirExporterKit

/// Where batches go: an exporter, its settings, and how much may wait before it.
///
///     let exporting = try startExporting(to: .file(directory: "weir-data"))
///
/// A sink that is slow or away never slows the program down: batches wait in a queue of their own, and where it is full
/// its ``policy`` decides. What was dropped is counted, and told to the reader as a gap.
public struct Sink: Sendable, Equatable {
    /// What the sink is called in logs, accounts and reports; unique among those that start together.
    public var name: String

    /// How many batches may wait. What is being delivered counts. While deltas are merged or batches go to disk, at most
    /// 256 more wait, and once more ``maximumBytes``, before any is dropped.
    public var maximumBatches: Int = 256

    /// How many bytes of batches may wait. All sinks together hold at most 128 MiB besides.
    public var maximumBytes: Int = 32 << 20

    /// A batch that waited longer is dropped; nil for no such bound.
    public var maximumAge: Duration?

    /// How often it gets a batch; nil: exporting's own interval.
    public var interval: Duration?

    /// Whether values count from when their series began, or from the batch before.
    public var temporality: Temporality = .cumulative

    /// Which views it gets, by patterns over their names: `["http/*", "!http/debug/*"]`; nil: all.
    ///
    /// A view is sent where a pattern matches, or all are of those with `!`, and none with `!` does. `*` stands for
    /// anything, `?` for one character. Weir's own views (`weir.*`) are sent unless a pattern with `!` matches them.
    public var match: [String]?

    /// zstd's level; nil: exporting's own.
    public var level: Int?

    /// What happens when the queue is full; nil for ``OverflowPolicy/coalesce`` where values are deltas, which would be
    /// lost, and ``OverflowPolicy/dropOldest`` where a newer batch says all that an older one said.
    public var policy: OverflowPolicy?

    /// How long a delivery should take at most. One that takes twice as long is reported, and goes on.
    public var timeout: Duration = .seconds(10)

    /// How many exporters are opened, from 1 to 64. They deliver side by side, and batches may arrive out of order.
    public var workers: Int = 1

    /// Whether batches wait until the exporter asks for them.
    public var onDemand: Bool = false

    /// How long to pause after a delivery that failed.
    public var retry = RetryPolicy()

    /// When to pause for longer.
    public var breaker = BreakerPolicy()

    /// A directory where batches are kept that the destination will never take, for somebody to look at: at most 256,
    /// and 64 MiB. They count as lost either way.
    public var deadLetterDirectory: String?

    /// Where batches wait that memory has no room for; nil: the ``policy`` decides alone.
    public var spill: Spill?

    /// Whether exporting starts only where this sink's plugin can be loaded. Linked exporters always can.
    let isRequired: Bool

    var exporter: SinkExporter
    private let settings: [String: String]

    /// A sink of an exporter that the program links.
    ///
    /// - Parameter settings: As a configuration would spell them, `["rotateAge": "10m"]`. Those that the exporter does not
    ///   know, or that do not fit, are refused when exporting starts.
    public init(_ plugin: ExporterPlugin, name: String, settings: [String: String]) {
        self.init(.linked(plugin), name: name, settings: settings, isRequired: true)
    }

    init(_ exporter: SinkExporter, name: String, settings: [String: String], isRequired: Bool) {
        self.exporter = exporter
        self.name = name
        self.settings = settings
        self.isRequired = isRequired
    }

    /// When a file's frames are forced to disk. A killed process loses nothing either way; a machine that loses power may.
    public enum FileSync: String, Sendable {
        /// The operating system decides.
        case never
        /// With the first batch that comes a second or more after the last time.
        case second
        /// With each batch.
        case always
    }

    /// A directory of batch files, which `weir dump` reads.
    ///
    /// Files begin with the time and are ordered by name as they were written. Several processes may share a directory.
    ///
    /// - Parameters:
    ///   - directory: Made where it is missing, with its parents.
    ///   - rotateBytes: A file that would grow beyond this is ended, and another begun.
    ///   - rotateAge: A file that is older than this is ended, and another begun.
    ///   - totalBytes: What all files may take, at least twice `rotateBytes`. The oldest are removed, and counted.
    ///   - totalFiles: How many files there may be. The oldest are removed, and counted.
    ///   - sync: When frames are forced to disk.
    ///   - name: What the sink is called; change it for a second directory.
    public static func file(
        directory: String, rotateBytes: Int = 64 << 20, rotateAge: Duration = .seconds(3600),
        totalBytes: Int = 1 << 30, totalFiles: Int = 4096, sync: FileSync = .second, name: String = "file"
    ) -> Sink {
        Sink(
            FileSink.plugin, name: name,
            settings: [
                "directory": directory, "rotateBytes": "\(rotateBytes)", "rotateAge": "\(rotateAge.nanoseconds)ns",
                "totalBytes": "\(totalBytes)", "totalFiles": "\(totalFiles)", "sync": sync.rawValue,
            ])
    }

    func configuration() throws(ExportError) -> SinkConfiguration {
        var configuration = SinkConfiguration(
            name: name, exporter: try exporter.openable(), settings: settings,
            bounds: QueueBounds(
                batches: UInt64(max(maximumBatches, 1)), bytes: UInt64(max(maximumBytes, 1)),
                ageNanoseconds: maximumAge?.unsignedNanoseconds),
            policy: (policy ?? (temporality == .delta ? .coalesce : .dropOldest)).queuePolicy(),
            timeoutNanoseconds: UInt64(max(timeout.nanoseconds, 1)))
        configuration.isRequired = isRequired
        configuration.workers = workers
        configuration.isOnDemand = onDemand
        configuration.retry = retry.retry
        configuration.breaker = breaker.breaker
        configuration.deadLetterDirectory = deadLetterDirectory
        configuration.spill = spill?.configuration
        configuration.intervalNanoseconds = interval?.nanoseconds
        configuration.temporality = temporality == .delta ? .delta : .cumulative
        configuration.match = match
        configuration.level = level.map { Int32(clamping: $0) }
        return configuration
    }
}

extension Duration {
    /// The whole nanoseconds that an Int64 can hold: 292 years either way.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || carry ? (seconds < 0 ? .min : .max) : sum
    }
}
