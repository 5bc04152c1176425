/// What the host does for an exporter. Its functions may be called from any thread until ``Exporter/close()`` returns.
public struct ExporterHost: Sendable {
    /// How much a line in the log matters.
    public enum LogLevel: UInt32, Sendable {
        /// For whoever looks for a mistake.
        case debug = 1
        /// Something began or ended.
        case info
        /// Something is lost or late.
        case warning
        /// The sink does not work.
        case error
    }

    /// Writes a line to the application's log, under the sink's name.
    public var log: @Sendable (LogLevel, String) -> Void
    /// Nanoseconds since 1970. May step.
    public var wallNanoseconds: @Sendable () -> UInt64
    /// Nanoseconds since some fixed moment. Never steps.
    public var monotonicNanoseconds: @Sendable () -> UInt64
    /// Reads the header that the bytes begin with; nil where no whole and valid header stands there.
    public var readHeader: @Sendable ([UInt8]) -> FrameFacts?
    /// Asks for so many batches more. A sink that is configured to wait for demand delivers nothing without it; elsewhere
    /// it changes nothing.
    public var demand: @Sendable (UInt64) -> Void
    /// Asks for a batch of this moment. Returns at once; the batch is delivered like any other, and its
    /// ``FrameFacts/endTime`` is the moment of the collection. Only an exporter whose ``ExporterKind/collectsOnRequest``
    /// is true gets one.
    public var collect: @Sendable () -> Void

    package init(
        log: @escaping @Sendable (LogLevel, String) -> Void, wallNanoseconds: @escaping @Sendable () -> UInt64,
        monotonicNanoseconds: @escaping @Sendable () -> UInt64,
        readHeader: @escaping @Sendable ([UInt8]) -> FrameFacts?,
        demand: @escaping @Sendable (UInt64) -> Void = { _ in }, collect: @escaping @Sendable () -> Void = {}
    ) {
        self.log = log
        self.wallNanoseconds = wallNanoseconds
        self.monotonicNanoseconds = monotonicNanoseconds
        self.readHeader = readHeader
        self.demand = demand
        self.collect = collect
    }
}
