internal import Synchronization

/// A value that is set: the last one counts.
///
/// ```swift
/// let temperature = Gauge("room.temperature", unit: "Cel")
/// temperature.set(21.5)
/// ```
public struct Gauge: Sendable {
    /// What it records; views of one's own may be registered for it.
    public let measure: Measure<Double>
    /// Why its view is not registered; `nil` where it is.
    public let problem: StatsError?
    private let stats: Stats

    /// A gauge of the process's own ``Stats`` or of another.
    public init(
        _ name: String, unit: MeasureUnit = .one, description: String = "", by tagKeys: [TagKey] = [],
        in stats: Stats = .default
    ) {
        measure = Measure(name, unit: unit, description: description)
        problem = stats.registerInstrument(View(name, of: measure, by: tagKeys, as: .lastValue))
        self.stats = stats
    }

    /// Sets the series of these tags.
    public func set(_ value: Double, _ tags: Tags = Tags()) {
        if problem != nil { measure.countLost(in: stats) }
        measure.record(value, tags, in: stats)
    }

    /// The gauge bound to tags: everything resolved once.
    public func bound(to tags: Tags = Tags()) -> Recorder<Double> {
        measure.bound(to: tags, in: stats, countsLost: problem != nil)
    }

    /// Sets the series of these tags from now on at each collection, to what `value` returns then.
    ///
    /// Where it returns `nil`, or what is not finite (which is counted as rejected), the series ends, and begins anew when
    /// there is a value again. It ends with the observation, too. One that a bound gauge or another observation has goes on.
    ///
    /// `value` runs on a thread of the collector's and should return soon. While it does not, the series has no new point,
    /// and everything else is collected.
    ///
    /// - Returns: What ends the observation, when it is cancelled or no longer held.
    public func observe(_ tags: Tags = Tags(), _ value: @escaping @Sendable () -> Double?) -> Observation {
        let observed = ObservedSeries(of: measure, tags, in: stats, countsLost: problem != nil)
        return Observation(in: stats, name: measure.name, of: { observed.bound }) {
            observed.set(value())
        } end: {
            observed.end()
        }
    }
}
