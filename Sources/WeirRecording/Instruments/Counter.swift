/// A count that only grows: a measure and its sum in one line.
///
/// ```swift
/// let requests = Counter("http.server.requests", unit: "{request}", by: [route])
/// requests.add(1, [route: "/users"])
/// ```
///
/// Where its name cannot be used, or is in conflict with a view that is registered already, ``problem`` says so, and so
/// does a warning in the log when batches are collected. What it records goes to another view of its measure or, where there
/// is none, is counted in `weir.measurements.discarded` as lost. So it is with the other instruments.
public struct Counter: Sendable {
    /// What it records; views of one's own may be registered for it.
    public let measure: Measure<Int64>
    /// Why its view is not registered; `nil` where it is.
    public let problem: StatsError?
    private let stats: Stats

    /// A counter of the process's own ``Stats`` or of another.
    public init(
        _ name: String, unit: MeasureUnit = .one, description: String = "", by tagKeys: [TagKey] = [],
        in stats: Stats = .default
    ) {
        measure = Measure(name, unit: unit, description: description)
        problem = stats.registerInstrument(View(name, of: measure, by: tagKeys, as: .sum))
        self.stats = stats
    }

    /// Adds to the series of these tags. Less than zero is counted as rejected and changes nothing.
    public func add(_ value: Int64 = 1, _ tags: Tags = Tags()) {
        if problem != nil { measure.countLost(in: stats) }
        measure.record(value, tags, in: stats)
    }

    /// The counter bound to tags: everything resolved once.
    public func bound(to tags: Tags = Tags()) -> Recorder<Int64> {
        measure.bound(to: tags, in: stats, countsLost: problem != nil)
    }
}

/// A count that may shrink: connections that are open, jobs that wait.
public struct UpDownCounter: Sendable {
    /// What it records; views of one's own may be registered for it.
    public let measure: Measure<Int64>
    /// Why its view is not registered; `nil` where it is.
    public let problem: StatsError?
    private let stats: Stats

    /// An up-down counter of the process's own ``Stats`` or of another.
    public init(
        _ name: String, unit: MeasureUnit = .one, description: String = "", by tagKeys: [TagKey] = [],
        in stats: Stats = .default
    ) {
        measure = Measure(name, unit: unit, description: description)
        problem = stats.registerInstrument(View(name, of: measure, by: tagKeys, as: .upDownSum))
        self.stats = stats
    }

    /// Adds to, or takes from, the series of these tags.
    public func add(_ value: Int64, _ tags: Tags = Tags()) {
        if problem != nil { measure.countLost(in: stats) }
        measure.record(value, tags, in: stats)
    }

    /// The counter bound to tags: everything resolved once.
    public func bound(to tags: Tags = Tags()) -> Recorder<Int64> {
        measure.bound(to: tags, in: stats, countsLost: problem != nil)
    }
}
