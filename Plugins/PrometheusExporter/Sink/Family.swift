internal import WeirExporterSupport

/// A metric family: what a view became, with its series.
struct Family {
    /// One series.
    struct Series {
        /// `a="1",b="2"` in the snapshot's texts.
        var labels: Range<Int>
        /// When it began. Nanoseconds since 1970.
        var startTime: UInt64
        var value: Value
        /// What the exemplars of its samples are, as they are written: of a counter one, of a histogram one for each bucket
        /// that has one.
        var exemplars: [Exemplar] = []
    }

    /// `# {trace_id="…"} 0.25 1700000000.5` in the snapshot's texts.
    struct Exemplar {
        /// Of a histogram; the one of all values above the last bound is as many as there are bounds.
        var bucket = 0
        var text: Range<Int>
    }

    enum Value {
        case integer(Int64)
        case double(Double)
        /// Counts by bucket are where the range says in the family's; the last of them has no bound.
        case histogram(sum: Double, counts: Range<Int>)
    }

    let name: FamilyName
    let help: String
    /// Of a distribution: upper bounds, ascending. There is one more bucket.
    var bounds: [Double] = []
    var counts: [UInt64] = []
    var series: [Series] = []

    /// Adds a series of an explicit distribution.
    mutating func append(
        buckets: [UInt64], sum: Double, labels: Range<Int>, startTime: UInt64, exemplars: [Exemplar]
    ) {
        let start = counts.count
        counts.append(contentsOf: buckets)
        series.append(
            Series(
                labels: labels, startTime: startTime, value: .histogram(sum: sum, counts: start..<counts.count),
                exemplars: exemplars))
    }

    /// Adds one series to another: their values and, by bucket, their counts.
    mutating func add(_ other: Int, to one: Int) {
        let added = series[other]
        series[one].startTime = min(series[one].startTime, added.startTime)
        switch (series[one].value, added.value) {
        case (.integer(let left), .integer(let right)):
            let (sum, overflow) = left.addingReportingOverflow(right)
            series[one].value = overflow ? .double(Double(left) + Double(right)) : .integer(sum)
        case (.double(let left), .double(let right)): series[one].value = .double(left + right)
        case (.histogram(let left, let places), .histogram(let right, let others)):
            for (place, other) in zip(places, others) { counts[place] &+= counts[other] }
            series[one].value = .histogram(sum: left + right, counts: places)
        default: break
        }
        let known = Set(series[one].exemplars.map(\.bucket))
        series[one].exemplars += added.exemplars.filter { !known.contains($0.bucket) }
        series[one].exemplars.sort { $0.bucket < $1.bucket }
    }
}
