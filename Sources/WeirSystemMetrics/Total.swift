internal import WeirRecording

/// A view of totals that the kernel keeps, one a series: what is recorded is by how much each grew.
///
/// A total that only grows counts from when it was seen first, as every series of Weir's begins with nothing in it: what
/// was before belongs to no interval. One that may shrink is all there from the beginning. Its series end with it.
final class Total<Value: MeasureValue & Comparable & SignedNumeric>: @unchecked Sendable {
    // Sendable: its observation has it alone, under a lock.

    /// A total, and what holds its series.
    private struct Part: Sendable {
        var total: Value
        let recorder: Recorder<Value>
    }

    private let isMonotonic: Bool
    private let bind: @Sendable (Tags) -> Recorder<Value>
    private let record: @Sendable (Recorder<Value>, Value) -> Void
    private let takeBack: @Sendable (Recorder<Value>, Value) -> Void
    private var last: [Tags: Part] = [:]
    private var current: [Tags: Part] = [:]
    private var generation = ForkedChild.generation

    fileprivate init(
        _ view: View, of measure: Measure<Value>, isMonotonic: Bool, in stats: Stats,
        record: @escaping @Sendable (Recorder<Value>, Value) -> Void,
        takeBack: @escaping @Sendable (Recorder<Value>, Value) -> Void
    ) throws(StatsError) {
        try stats.register(view)
        self.isMonotonic = isMonotonic
        self.record = record
        self.takeBack = takeBack
        bind = { tags in measure.bound(to: tags, in: stats) }
    }

    deinit {
        for part in last.values { end(part) }
    }

    /// Takes note of a total; nil where there is none to be had.
    func set(_ total: Value?, _ tags: Tags = Tags()) {
        guard let total, total >= .zero else { return }
        if generation != ForkedChild.generation {
            // A fork's child: its series have nothing in them, and its totals are others.
            generation = ForkedChild.generation
            last = [:]
        }
        guard let before = current[tags] ?? last[tags] else {
            let recorder = bind(tags)
            current[tags] = Part(total: total, recorder: recorder)
            return record(recorder, isMonotonic ? .zero : total)
        }
        current[tags] = Part(total: total, recorder: before.recorder)
        // One that only grows and is less than it was began again, as of an interface that was taken away and is back.
        record(before.recorder, isMonotonic && total < before.total ? total : total - before.total)
    }

    /// Ends the series of which nothing was said since the last time.
    func finish() {
        for (tags, part) in last where current[tags] == nil { end(part) }
        last = current
        current = [:]
    }

    /// Ends a series when its recorder is freed. A level that others have part in goes on without this part.
    private func end(_ part: Part) {
        if isMonotonic { part.recorder.endSeries(now: false) } else { takeBack(part.recorder, part.total) }
    }
}

extension Total<Double> {
    /// A total that only grows.
    convenience init(_ name: String, unit: MeasureUnit, _ description: String, by keys: [TagKey], in stats: Stats)
        throws(StatsError)
    {
        let measure = Measure<Double>(name, unit: unit, description: description)
        try self.init(View(name, of: measure, by: keys, as: .sum), of: measure, isMonotonic: true, in: stats) {
            $0.record($1)
        } takeBack: {
            $0.endSeries(takingBack: $1)
        }
    }
}

extension Total<Int64> {
    /// - Parameter isMonotonic: Whether it only grows.
    convenience init(
        _ name: String, unit: MeasureUnit, _ description: String, by keys: [TagKey] = [], isMonotonic: Bool = true,
        in stats: Stats
    ) throws(StatsError) {
        let measure = Measure<Int64>(name, unit: unit, description: description)
        let view = View(name, of: measure, by: keys, as: isMonotonic ? .sum : .upDownSum)
        try self.init(view, of: measure, isMonotonic: isMonotonic, in: stats) {
            $0.record($1)
        } takeBack: {
            $0.endSeries(takingBack: $1)
        }
    }
}

extension ObservedSeries {
    /// A last value of a view of its own.
    convenience init(
        _ name: String, unit: MeasureUnit, _ description: String, by keys: [TagKey] = [], _ tags: Tags = Tags(),
        in stats: Stats
    ) throws(StatsError) {
        let measure = Measure<Double>(name, unit: unit, description: description)
        try stats.register(View(name, of: measure, by: keys, as: .lastValue))
        self.init(of: measure, tags, in: stats)
    }
}
