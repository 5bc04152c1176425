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
    /// Why it records nothing, `nil` where it does.
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
        measure.record(value, tags, in: stats)
    }

    /// The gauge bound to tags: everything resolved once.
    public func bound(to tags: Tags = Tags()) -> Recorder<Double> {
        measure.bound(to: tags, in: stats)
    }

    /// Sets the series of these tags from now on at each collection, to what `value` returns then; to nothing new where
    /// it returns `nil`.
    ///
    /// `value` runs on a thread of the collector's and should return soon. While it does not, the series has no new point,
    /// and everything else is collected.
    ///
    /// - Returns: What ends the observation, when it is cancelled or no longer held.
    public func observe(_ tags: Tags = Tags(), _ value: @escaping @Sendable () -> Double?) -> Observation {
        let recorder = bound(to: tags)
        return Observation(in: stats, name: measure.name, of: recorder.bound) {
            if let value = value() { recorder.record(value) }
        }
    }
}

/// A callback at each collection, as long as this object is held.
public final class Observation: Sendable {
    private let stats: Stats
    private let number: Int

    /// - Parameter name: What is said of a callback that does not return in time. Empty for one of Weir's own that always
    ///   does.
    package convenience init(in stats: Stats, name: String, _ observe: @escaping @Sendable () -> Void) {
        self.init(in: stats, name: name, of: nil, observe)
    }

    /// - Parameter series: What the callback alone records into: it is not told while the callback is late.
    init(in stats: Stats, name: String, of series: BoundSeries?, _ observe: @escaping @Sendable () -> Void) {
        self.stats = stats
        number = stats.withState { state in
            state.nextObserver += 1
            state.observers[state.nextObserver] = Callback(
                number: state.nextObserver, name: name, run: observe, series: series)
            return state.nextObserver
        }
    }

    /// Ends the observation. A call that has begun goes on.
    public func cancel() {
        // What it held is let go outside the lock: it may be a recorder, which takes the lock to give its series back.
        _ = stats.withState { $0.observers.removeValue(forKey: number) }
    }

    deinit {
        cancel()
    }
}
