package import WeirBatch

/// What a sink is made of.
package struct SinkConfiguration: Sendable {
    /// Where batches wait that memory has no room for.
    package struct Spill: Equatable, Sendable {
        package var directory: String
        package var maximumBytes: UInt64
        package var sync: SpillSync

        package init(directory: String, maximumBytes: UInt64 = 1 << 30, sync: SpillSync = .second) {
            self.directory = directory
            self.maximumBytes = maximumBytes
            self.sync = sync
        }
    }

    /// Unique in its pipeline; in logs, accounts and reports.
    package var name: String
    package var exporter: any OpenableExporter
    /// Whether a pipeline starts only with this sink. If not, one whose plugin cannot be loaded is left out.
    package var isRequired = true
    /// As a user wrote them; checked against what the exporter knows when the pipeline starts.
    package var settings: [String: String]
    package var bounds: QueueBounds
    package var policy: any QueuePolicy
    /// How long a delivery should take at most; a call that takes twice as long marks the sink as wedged.
    package var timeoutNanoseconds: UInt64
    /// How many exporters are opened, which deliver side by side.
    package var workers = 1
    /// Whether batches wait until the exporter asks for them.
    package var isOnDemand = false
    package var retry = Retry()
    package var breaker = Breaker()
    /// A directory for batches that the destination will never take; nil: they are not kept.
    package var deadLetterDirectory: String?
    package var spill: Spill?
    /// How often it gets a batch; nil: the pipeline's own.
    package var intervalNanoseconds: Int64?
    package var temporality = ViewColumns.Temporality.cumulative
    /// Patterns over the names of views, see ``ViewFilter``; nil: all views.
    package var match: [String]?
    /// zstd's; nil: the pipeline's own.
    package var level: Int32?

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

/// What is known of a sink at one moment.
package struct SinkSnapshot: Sendable {
    package var name: String
    package var accounts: Accounts
    package var deliveries: DeliveryCounts
    package var counters: [ExporterCount]
    package var condition: SinkState.Condition
    /// Whether the stream's end mark was delivered.
    package var hasEndMark: Bool
    /// Whether its exporters are closed.
    package var isFinished: Bool
    /// What the exporter said last about a delivery that did not succeed.
    package var lastMessage: String
    /// When that was, since when it has been so, and when a delivery succeeded last.
    package var moments: SinkMoments
}
