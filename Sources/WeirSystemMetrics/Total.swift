internal import WeirRecording

/// A view of totals that the kernel keeps, one a series: what is recorded is by how much each grew.
///
/// A total that only grows counts from when it was seen first, as every series of Weir's begins with nothing in it: what
/// was before belongs to no interval. One that may shrink is all there from the beginning.
struct Total<Value: MeasureValue & Comparable & AdditiveArithmetic>: Sendable {
    private let isMonotonic: Bool
    private let record: @Sendable (Value, Tags) -> Void
    private let forget: @Sendable (Tags) -> Void
    private var last: [Tags: Value] = [:]
    private var current: [Tags: Value] = [:]

    fileprivate init(
        _ view: View, isMonotonic: Bool, in stats: Stats, record: @escaping @Sendable (Value, Tags) -> Void
    ) throws(StatsError) {
        try stats.register(view)
        self.isMonotonic = isMonotonic
        self.record = record
        forget = { tags in _ = stats.forget(tags, of: view.name) }
    }

    /// Takes note of a total; nil where there is none to be had.
    mutating func set(_ total: Value?, _ tags: Tags = Tags()) {
        guard let total, total >= .zero else { return }
        let before = current[tags] ?? last[tags]
        current[tags] = total
        guard let before else { return record(isMonotonic ? .zero : total, tags) }
        // One that only grows and is less than it was began again, as of an interface that was taken away and is back.
        record(isMonotonic && total < before ? total : total - before, tags)
    }

    /// Ends the series of which nothing was said since the last time.
    mutating func finish() {
        for tags in last.keys where current[tags] == nil { forget(tags) }
        last = current
        current = [:]
    }
}

extension Total<Double> {
    /// A total that only grows.
    init(_ name: String, unit: MeasureUnit, _ description: String, by keys: [TagKey], in stats: Stats)
        throws(StatsError)
    {
        let measure = Measure<Double>(name, unit: unit, description: description)
        try self.init(View(name, of: measure, by: keys, as: .sum), isMonotonic: true, in: stats) { value, tags in
            measure.record(value, tags, in: stats)
        }
    }
}

extension Total<Int64> {
    /// - Parameter isMonotonic: Whether it only grows.
    init(
        _ name: String, unit: MeasureUnit, _ description: String, by keys: [TagKey] = [], isMonotonic: Bool = true,
        in stats: Stats
    ) throws(StatsError) {
        let measure = Measure<Int64>(name, unit: unit, description: description)
        let view = View(name, of: measure, by: keys, as: isMonotonic ? .sum : .upDownSum)
        try self.init(view, isMonotonic: isMonotonic, in: stats) { value, tags in
            measure.record(value, tags, in: stats)
        }
    }
}
