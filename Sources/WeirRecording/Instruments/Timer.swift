/// How long something took, in seconds: a distribution of times, its bounds from 1 ms to 10 s.
///
/// ```swift
/// let queries = Timer("db.client.operation.duration", by: [operation])
/// let rows = try queries.time(select) { try database.query(sql) }
/// ```
public struct Timer: Sendable {
    /// What it records; views of one's own may be registered for it.
    public let measure: Measure<Double>
    /// Why its view is not registered; `nil` where it is.
    public let problem: StatsError?
    private let stats: Stats

    /// A timer of the process's own ``Stats`` or of another.
    ///
    /// - Parameter aggregation: `exponentialDistribution()` where the times are not known beforehand.
    public init(
        _ name: String, description: String = "", by tagKeys: [TagKey] = [],
        as aggregation: Aggregation = .distribution(), in stats: Stats = .default
    ) {
        measure = Measure(name, unit: .seconds, description: description)
        problem = stats.registerInstrument(View(name, of: measure, by: tagKeys, as: aggregation))
        self.stats = stats
    }

    /// Records a time. Less than none is counted as rejected and changes nothing.
    public func record(_ duration: Duration, _ tags: Tags = Tags()) {
        if problem != nil { measure.countLost(in: stats) }
        guard duration >= .zero else { return measure.reject(in: stats) }
        measure.record(duration.inSeconds, tags, in: stats)
    }

    /// Runs an operation and records how long it took, also where it throws.
    public func time<Result, Failure: Error>(
        _ tags: Tags = Tags(), _ operation: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let start = ContinuousClock.now
        defer { record(ContinuousClock.now - start, tags) }
        return try operation()
    }

    /// Runs an operation and records how long it took, also where it throws.
    public func time<Result>(
        _ tags: Tags = Tags(), isolation: isolated (any Actor)? = #isolation,
        _ operation: () async throws -> Result
    ) async rethrows -> Result {
        let start = ContinuousClock.now
        defer { record(ContinuousClock.now - start, tags) }
        return try await operation()
    }

    /// The timer bound to tags: everything resolved once.
    public func bound(to tags: Tags = Tags()) -> Recorder<Double> {
        measure.bound(to: tags, in: stats, countsLost: problem != nil)
    }
}

extension Recorder where Value == Double {
    /// Records a time, in seconds. Less than none is counted as rejected and changes nothing.
    public func record(_ duration: Duration) {
        guard duration >= .zero else { return reject() }
        record(duration.inSeconds)
    }
}

extension Duration {
    var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
