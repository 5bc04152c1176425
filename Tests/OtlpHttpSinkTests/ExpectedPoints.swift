import WeirBatch

extension Batch {
    /// What a collector should read of this batch, in the words of `collector.py`.
    var expectedPoints: [String] {
        views.flatMap { view in (0..<view.rows).flatMap { points(view, $0) } }.sorted()
    }

    private func points(_ view: ViewColumns, _ row: Int) -> [String] {
        var head = "\(view.name) \(view.unit) "
        let temporality = view.temporality == .delta ? "delta" : "cumulative"
        switch view.aggregation {
        case .count, .sum: head += "sum \(temporality)" + (view.isMonotonic ? " monotonic" : "")
        case .lastValue: head += "gauge"
        case .distribution: head += "histogram \(temporality)"
        case .exponentialDistribution: head += "exponential_histogram \(temporality)"
        }
        let tags = view.tagKeys.indices.compactMap { key -> String? in
            let value = view.tagValues[key * view.rows + row]
            return value == 0 ? nil : "\(view.tagKeys[key])=\(strings[Int(value) - 1])"
        }
        head += " {\(tags.joined(separator: ","))} \(view.startTimes[row])-"
        let end = view.endTimes.isEmpty ? 0 : view.endTimes[row]
        let point = "\(head)\(end == 0 ? endTime : end) \(value(view, row))"
        return end != 0 && view.temporality != .delta ? [point, "\(head)\(endTime) ended"] : [point]
    }

    private func value(_ view: ViewColumns, _ row: Int) -> String {
        let range = view.minima.isEmpty ? "" : " \(bits(view.minima[row]))...\(bits(view.maxima[row]))"
        switch view.aggregation {
        case .count, .sum, .lastValue:
            return view.number == .int64 ? "i\(view.integers[row])" : "d\(bits(view.doubles[row]))"
        case .distribution:
            let width = view.bounds.count + 1
            let counts = Array(view.bucketCounts[(row * width)..<((row + 1) * width)])
            let bounds = view.bounds.map(bits).joined(separator: ",")
            return "\(counts.reduce(0, +)) \(bits(view.doubles[row])) [\(list(counts))] [\(bounds)]\(range)"
        case .exponentialDistribution:
            let (positive, positives) = dense(view.positive, row)
            let (negative, negatives) = dense(view.negative, row)
            return "\(view.zeroCounts[row] + positives + negatives) \(bits(view.doubles[row])) scale \(view.scale) "
                + "zero \(view.zeroCounts[row]) \(positive) \(negative)\(range)"
        }
    }

    private func dense(_ buckets: ViewColumns.ExponentialBuckets, _ row: Int) -> (String, UInt64) {
        guard !buckets.lengths.isEmpty, buckets.lengths[row] > 0 else { return ("0[]", 0) }
        let begin = buckets.lengths[..<row].reduce(0) { $0 + Int($1) }
        let places = begin..<(begin + Int(buckets.lengths[row]))
        let counts = Dictionary(uniqueKeysWithValues: places.map { (buckets.indexes[$0], buckets.counts[$0]) })
        let (first, last) = (buckets.indexes[places.lowerBound], buckets.indexes[places.upperBound - 1])
        return ("\(first)[\(list((first...last).map { counts[$0] ?? 0 }))]", counts.values.reduce(0, +))
    }

    private func list(_ counts: [UInt64]) -> String { counts.map(String.init).joined(separator: ",") }

    private func bits(_ value: Double) -> String {
        let digits = String(value.bitPattern, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
