/// A callback at each collection, as long as this object is held.
public final class Observation: Sendable {
    private let stats: Stats
    private let number: Int
    private let end: @Sendable () -> Void

    /// - Parameters:
    ///   - name: What is said of a callback that does not return in time. Empty for one of Weir's own that always does.
    ///   - observe: Runs at each collection.
    package convenience init(in stats: Stats, name: String, _ observe: @escaping @Sendable () -> Void) {
        self.init(in: stats, name: name, of: { nil }, observe, end: {})
    }

    /// - Parameters:
    ///   - series: What the callback alone records into: it is not told while the callback is late.
    ///   - end: Runs when the observation ends, maybe while a call that has begun goes on.
    init(
        in stats: Stats, name: String, of series: @escaping @Sendable () -> BoundSeries?,
        _ observe: @escaping @Sendable () -> Void, end: @escaping @Sendable () -> Void
    ) {
        self.stats = stats
        self.end = end
        number = stats.withState { state in
            state.nextObserver += 1
            state.observers[state.nextObserver] = Callback(
                number: state.nextObserver, name: name, run: observe, series: series)
            return state.nextObserver
        }
    }

    /// Ends the observation, and the series of what was observed. A call that has begun goes on, and changes nothing.
    public func cancel() {
        // What it held is let go outside the lock: it may be a recorder, which takes the lock to give its series back.
        let observe = stats.withState { $0.observers.removeValue(forKey: number) }
        if observe != nil { end() }
    }

    deinit {
        cancel()
    }
}

/// A last value that is observed: its series ends when nothing is observed of it, and begins anew when something is.
///
/// Any thread may call anything.
@safe
package final class ObservedSeries: Sendable {
    private let measure: Measure<Double>
    private let tags: Tags
    private let stats: Stats
    private let countsLost: Bool
    private let lock = Lock()
    // Sendable: under the lock.
    /// Holds the series while something is observed, so that whoever forgets series leaves it.
    private nonisolated(unsafe) var recorder: Recorder<Double>?
    /// Whether the observation is over.
    private nonisolated(unsafe) var isOver = false

    /// - Parameter countsLost: Whether what finds no view is counted as lost.
    package init(of measure: Measure<Double>, _ tags: Tags = Tags(), in stats: Stats, countsLost: Bool = false) {
        self.measure = measure
        self.tags = tags
        self.stats = stats
        self.countsLost = countsLost
        // Now, so that a view which is nearly full has room for those that came first.
        unsafe recorder = Self.bind(measure, tags, stats, countsLost)
    }

    private static func bind(
        _ measure: Measure<Double>, _ tags: Tags, _ stats: Stats, _ countsLost: Bool
    ) -> Recorder<Double> {
        let recorder = measure.bound(to: tags, in: stats, countsLost: countsLost)
        recorder.endSeries(now: false)
        return recorder
    }

    /// What it records into, while something is observed.
    var bound: BoundSeries? { lock.withLock { unsafe recorder?.bound } }

    /// Sets the value; `nil` where there is none.
    package func set(_ value: Double?) {
        guard let value, value.isFinite else {
            if value != nil { measure.reject(in: stats) }
            return release(forGood: false)
        }
        let held = lock.withLock { unsafe (recorder, isOver) }
        if held.1 { return }
        // Outside the lock: to bind takes that of the instance.
        let current = held.0 ?? Self.bind(measure, tags, stats, countsLost)
        lock.withLock {
            if unsafe isOver { return }
            unsafe recorder = unsafe recorder ?? current
            current.record(value)
        }
    }

    /// Ends the series for good.
    package func end() { release(forGood: true) }

    private func release(forGood: Bool) {
        // Freed outside the lock: with it ends the series, which takes the lock of the instance.
        let held = lock.withLock {
            if forGood { unsafe isOver = true }
            return unsafe recorder.take()
        }
        withExtendedLifetime(held) {}
    }
}
