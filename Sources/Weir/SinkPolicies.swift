internal import WeirExport

/// How long a sink pauses between attempts: twice as long from failure to failure, at random below that, so that many
/// processes do not return to one server at the same moment.
public struct RetryPolicy: Sendable, Equatable {
    /// The longest pause after the first failure.
    public var first: Duration
    /// The longest pause of all.
    public var longest: Duration
    /// A destination that asks for a longer pause than this gets this.
    public var longestHint: Duration

    /// Creates a policy.
    public init(
        first: Duration = .milliseconds(500), longest: Duration = .seconds(30), longestHint: Duration = .seconds(300)
    ) {
        self.first = first
        self.longest = longest
        self.longestHint = longestHint
    }

    var retry: Retry {
        Retry(
            first: first.unsignedNanoseconds, longest: longest.unsignedNanoseconds,
            longestHint: longestHint.unsignedNanoseconds)
    }
}

/// When a sink stops knocking at a door that does not open: for a while nothing is delivered, then one batch as a probe.
public struct BreakerPolicy: Sendable, Equatable {
    /// So many failures in a row; 0 for never.
    public var failuresInARow: Int
    /// So many failures among the last 20 deliveries; 0 for never.
    public var failuresOf20: Int
    /// How long nothing is delivered.
    public var pause: Duration

    /// Creates a policy.
    public init(failuresInARow: Int = 5, failuresOf20: Int = 10, pause: Duration = .seconds(30)) {
        self.failuresInARow = failuresInARow
        self.failuresOf20 = failuresOf20
        self.pause = pause
    }

    var breaker: Breaker {
        Breaker(
            failuresInARow: UInt32(clamping: failuresInARow), failuresOf20: UInt32(clamping: failuresOf20),
            pause: pause.unsignedNanoseconds)
    }
}

/// Where batches wait that memory has no room for, and those that a shutdown leaves: the next process that uses the
/// directory delivers them.
///
/// One process uses it at a time. A batch may be delivered twice where a process is killed; readers tell by its number.
public struct Spill: Sendable, Equatable {
    /// Made where it is missing, with its parents.
    public var directory: String
    /// What its files may take; the oldest batches go.
    public var maximumBytes: Int
    /// When batches are forced to disk.
    public var sync: Sink.FileSync

    /// Creates a spill's description; nothing is opened before exporting starts.
    public init(directory: String, maximumBytes: Int = 1 << 30, sync: Sink.FileSync = .second) {
        self.directory = directory
        self.maximumBytes = maximumBytes
        self.sync = sync
    }

    var configuration: SinkConfiguration.Spill {
        let sync: SpillSync =
            switch sync {
            case .never: .never
            case .second: .second
            case .always: .always
            }
        return SinkConfiguration.Spill(
            directory: directory, maximumBytes: UInt64(max(maximumBytes, 0)), sync: sync)
    }
}
