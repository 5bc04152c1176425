internal import WeirBatch
internal import WeirExporterSupport

/// One row a point under a header line, by RFC 4180: fields with a comma, a quote or a line break are quoted, and lines
/// end in CR LF. Columns and their order are stable; those that do not apply are empty.
package struct CSVFormat: TableFormat, BatchFormat {
    private static let columns = [
        "name", "unit", "tags", "start", "end", "ended", "value", "count", "sum", "min", "max", "mean", "p50", "p90",
        "p99", "bounds", "buckets", "scale", "zero", "positive", "negative", "measure", "aggregation", "temporality",
        "stream", "batch",
    ]

    package init() {}

    package mutating func begin(to output: Output) { write(Self.columns, to: output) }

    package mutating func show(_ batch: BatchFacts, to output: Output) {}

    package mutating func show(_ point: SeriesPoint, to output: Output) {
        let view = point.view
        var fields = [
            view.name, view.valueUnit, JSON.object(point.tags.map { ($0.key, $0.value) }),
            Timestamp(nanoseconds: point.point.start).rfc3339, Timestamp(nanoseconds: point.point.end).rfc3339,
            point.point.hasEnded ? "true" : "",
        ]
        switch point.point.value {
        case .scalar(let scalar):
            fields.append(JSON.number(scalar))
            fields += Array(repeating: "", count: 14)
        case .distribution(let distribution):
            fields += [""] + Self.fields(of: distribution)
        }
        fields += [
            view.measure, "\(view.aggregation)", "\(view.temporality)", point.stream.text, "\(point.batch)",
        ]
        write(fields, to: output)
    }

    /// From `count` to `negative`. Lists are separated by spaces; exponential buckets are `index:count`.
    private static func fields(of distribution: Distribution) -> [String] {
        let percentiles = [0.5, 0.9, 0.99].map { part in
            distribution.percentile(part).map { ($0.isBeyond ? ">" : "") + "\($0.value)" } ?? ""
        }
        var fields = ["\(distribution.count)", JSON.number(distribution.sum)]
        fields += [distribution.minimum, distribution.maximum, distribution.mean].map { $0.map { "\($0)" } ?? "" }
        fields += percentiles
        switch distribution.buckets {
        case .explicit(let bounds, let counts):
            return fields + [list(bounds), list(counts), "", "", "", ""]
        case .exponential(let buckets):
            return fields + [
                "", "", "\(buckets.scale)", "\(buckets.zeroCount)", list(buckets.positive.map(Self.text)),
                list(buckets.negative.map(Self.text)),
            ]
        }
    }

    private static func text(_ bucket: ExponentialBuckets.Bucket) -> String { "\(bucket.index):\(bucket.count)" }

    private static func list(_ values: [some CustomStringConvertible]) -> String {
        values.map(\.description).joined(separator: " ")
    }

    private func write(_ fields: [String], to output: Output) {
        output.write(fields.map(Self.quoted).joined(separator: ","))
        output.write("\r\n")
    }

    private static func quoted(_ field: String) -> String {
        let needsQuotes = field.utf8.contains { [UInt8(ascii: ","), UInt8(ascii: "\""), 10, 13].contains($0) }
        guard needsQuotes else { return field }
        return "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
