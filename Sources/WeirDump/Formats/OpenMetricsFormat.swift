internal import WeirBatch
internal import WeirExporterKit
internal import WeirExporterSupport

/// The latest value of all series as an OpenMetrics exposition, with the times at which they were read.
///
/// A view is one family, whichever sources and tables its series come from. Where several sources are shown, a label `stream` tells them apart.
/// Families' names lose what OpenMetrics does not allow; of two that thereby become one, the later gets a number. Labels
/// are those of the exporter for Prometheus, and so is what becomes of series whose labels are the same.
package struct OpenMetricsFormat: TableFormat {
    package init() {}

    package mutating func show(_ table: inout SeriesTable, sources: [StreamTracker.Source], to output: Output) {
        let shown = sources.indices.filter { sources[$0].batches > 0 }
        let streamLabel = { (source: Int) in shown.count > 1 ? sources[source].stream.text : nil }
        var names = OpenMetricsNames()
        if shown.contains(where: { !sources[$0].resource.isEmpty }) {
            _ = names.family("target", kind: .info, unit: "")
            output.write("# TYPE target info\n")
            for source in shown where !sources[source].resource.isEmpty {
                let labels = OpenMetricsLabels(
                    sources[source].resource.map { Tag(key: $0.key, value: $0.value) }, stream: streamLabel(source))
                output.write("target_info\(labels.text()) 1\n")
            }
        }
        // Groups of one description side by side: a family stands in one piece.
        var families: [(view: ViewDescription, groups: [SeriesTable.Group])] = []
        var positions: [ViewDescription.Identity: Int] = [:]
        for group in table.groups where !group.sorted.isEmpty {
            let identity = group.view.identity
            if let position = positions[identity] {
                families[position].groups.append(group)
            } else {
                positions[identity] = families.count
                families.append((group.view, [group]))
            }
        }
        for family in families {
            let kind = OpenMetricsNames.Kind(family.view)
            let unit = OpenMetricsNames.unit(family.view.valueUnit)
            let name = names.family(family.view.name, kind: kind, unit: unit)
            output.write("# TYPE \(name) \(kind.rawValue)\n")
            if !unit.isEmpty { output.write("# UNIT \(name) \(unit)\n") }
            if !family.view.description.isEmpty {
                output.write("# HELP \(name) \(OpenMetricsLabels.escaped(family.view.description))\n")
            }
            var series: [(labels: OpenMetricsLabels, tags: [Tag], point: Point)] = []
            for group in family.groups {
                for position in group.sorted {
                    guard let point = group.series[position].latest else { continue }
                    let tags = group.series[position].tags
                    let labels = OpenMetricsLabels(
                        tags, stream: streamLabel(group.source),
                        reserved: kind == .histogram ? [OpenMetricsLabels.bucketKey] : [])
                    series.append((labels, tags, point))
                }
            }
            Self.unite(&series, areLastValues: family.view.aggregation == .lastValue)
            for (labels, _, point) in series { Family(name: name, kind: kind, output: output).write(point, labels) }
        }
        output.write("# EOF\n")
    }

    /// Puts series together that have the same labels, or marks them where they are last values.
    private static func unite(
        _ series: inout [(labels: OpenMetricsLabels, tags: [Tag], point: Point)], areLastValues: Bool
    ) {
        var known = Set(series.map(\.labels))
        var joined: Set<Int> = []
        for group in RepeatedNames.groups(series.map(\.labels)) {
            let labels = series[group[0]].labels
            guard areLastValues else {
                for other in group.dropFirst() {
                    series[group[0]].point = series[group[0]].point.adding(series[other].point)
                }
                joined.formUnion(group.dropFirst())
                continue
            }
            let tags = group.map { series[$0].tags.map { DeliveredTag(key: $0.key, value: $0.value) } }
            let marks = RepeatedNames.marks(tags) { known.contains(labels.marked($0)) }
            for (place, mark) in zip(group, marks) {
                guard let mark else { continue }
                series[place].labels = labels.marked(mark)
                known.insert(labels.marked(mark))
            }
        }
        series = series.indices.filter { !joined.contains($0) }.map { series[$0] }
    }
}

extension Point {
    /// Both as one series' point, of the later time.
    fileprivate func adding(_ other: Point) -> Point {
        var result = end < other.end ? other : self
        result.start = min(start, other.start)
        result.value = value.merged(with: other.value) ?? value
        return result
    }
}

/// Writes a family's series.
private struct Family {
    let name: String
    let kind: OpenMetricsNames.Kind
    let output: Output

    func write(_ point: Point, _ labels: OpenMetricsLabels) {
        let time = Timestamp(nanoseconds: point.end).decimalSeconds
        func line(_ suffix: String, _ labels: String, _ value: String) {
            output.write("\(name)\(suffix)\(labels) \(value) \(time)\n")
        }
        switch (point.value, kind) {
        case (.scalar(let value), .counter):
            // A counter may be neither; an encoder of ours writes none that is.
            guard value.double >= 0 else { return }
            line("_total", labels.text(), Self.number(value))
        case (.scalar(let value), _):
            line("", labels.text(), Self.number(value))
            return
        case (.distribution(let distribution), _):
            let hasNegative = writeBuckets(distribution) { bound, count in
                line("_bucket", labels.text(bucket: bound), "\(count)")
            }
            // Sums of values on both sides of zero may fall, so the specification has none there, and no count either.
            if !hasNegative, distribution.sum.double >= 0 {
                line("_count", labels.text(), "\(distribution.count)")
                line("_sum", labels.text(), Self.number(distribution.sum))
            }
        }
        line("_created", labels.text(), Timestamp(nanoseconds: point.start).decimalSeconds)
    }

    /// Calls `line` with each bucket's upper bound and how many values are not above it; says whether a bound is
    /// below zero.
    private func writeBuckets(_ distribution: Distribution, _ line: (_ bound: String, _ count: UInt64) -> Void) -> Bool
    {
        var below: UInt64 = 0
        var bounds: [(bound: Double, count: UInt64)] = []
        switch distribution.buckets {
        case .explicit(let upper, let counts): bounds = Array(zip(upper, counts)).map { ($0, $1) }
        case .exponential(let buckets):
            bounds = buckets.negative.reversed().map { (-buckets.lowerEdge(of: $0.index), $0.count) }
            if buckets.zeroCount > 0 || !buckets.negative.isEmpty { bounds.append((0, buckets.zeroCount)) }
            bounds += buckets.positive.map { (buckets.upperEdge(of: $0.index), $0.count) }
        }
        var last = -Double.infinity
        for (index, (bound, count)) in bounds.enumerated() where bound.isFinite {
            below &+= count
            // Edges beyond a Double's reach fall together; the last of them tells the count.
            if index + 1 < bounds.count, bounds[index + 1].bound <= bound { continue }
            guard bound > last else { continue }
            line("\(bound == 0 ? 0 : bound)", below)
            last = bound
        }
        line("+Inf", distribution.count)
        return (bounds.first?.bound ?? 0) < 0
    }

    private static func number(_ value: Scalar) -> String {
        switch value {
        case .integer(let whole): "\(whole)"
        case .double(let value) where value.isFinite: "\(value)"
        case .double(let value): value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf"
        }
    }
}
