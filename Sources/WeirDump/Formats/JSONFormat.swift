internal import WeirBatch
internal import WeirExporterSupport

/// One JSON object a line and point: `name`, `unit`, `tags`, `start`, `end`, then `value`, or `count`, `sum` and the
/// buckets, and `exemplars` where there are any; then what else is known. Names and their order are stable, and what does not apply is left out.
///
/// Integers are written in full, beyond 2^53 too. What JSON has no number for is a string: `"NaN"`, `"Infinity"`.
package struct JSONFormat: TableFormat, BatchFormat {
    /// What all points of the last view say of it.
    private var facts: (view: ViewDescription, text: String)?

    package init() {}

    package mutating func show(_ batch: BatchFacts, to output: Output) {}

    package mutating func show(_ point: SeriesPoint, to output: Output) {
        let view = point.view
        var object = JSONObject()
        object.add("name", JSON.string(view.name))
        object.add("unit", JSON.string(view.valueUnit))
        object.add("tags", JSON.object(point.tags.map { ($0.key, $0.value) }))
        object.add("start", JSON.string(Timestamp(nanoseconds: point.point.start).rfc3339))
        object.add("end", JSON.string(Timestamp(nanoseconds: point.point.end).rfc3339))
        if point.point.hasEnded { object.add("ended", "true") }
        switch point.point.value {
        case .scalar(let scalar): object.add("value", JSON.number(scalar))
        case .distribution(let distribution): object.add(distribution)
        }
        if !point.point.exemplars.isEmpty { object.add("exemplars", JSON.array(point.point.exemplars.map(Self.text))) }
        object.add(members: facts(of: view))
        if !point.resource.isEmpty { object.add("resource", JSON.object(point.resource.map { ($0.key, $0.value) })) }
        object.add("stream", JSON.string(point.stream.text))
        object.add("batch", "\(point.batch)")
        output.write(object.text)
        output.write("\n")
    }
}

extension JSONFormat {
    private static func text(_ exemplar: Exemplar) -> String {
        var object = JSONObject()
        object.add("value", JSON.number(exemplar.value))
        object.add("time", JSON.string(Timestamp(nanoseconds: exemplar.time).rfc3339))
        if let span = exemplar.span {
            object.add("trace", JSON.string(span.trace))
            object.add("span", JSON.string(span.span))
        }
        if !exemplar.tags.isEmpty { object.add("tags", JSON.object(exemplar.tags.map { ($0.key, $0.value) })) }
        return object.text
    }

    /// Kept from point to point, since the names of enumeration cases are slow to get.
    private mutating func facts(of view: ViewDescription) -> String {
        if let facts, facts.view == view { return facts.text }
        var object = JSONObject()
        object.add("measure", JSON.string(view.measure))
        object.add("description", JSON.string(view.description))
        object.add("aggregation", JSON.string("\(view.aggregation)"))
        object.add("type", JSON.string("\(view.number)"))
        object.add("temporality", JSON.string("\(view.temporality)"))
        if view.aggregation == .sum { object.add("monotonic", "\(view.isMonotonic)") }
        facts = (view, object.members)
        return object.members
    }
}

/// An object being written.
private struct JSONObject {
    /// What stands within the braces.
    private(set) var members = ""

    var text: String { "{\(members)}" }

    mutating func add(_ name: String, _ value: String) {
        if !members.isEmpty { members += "," }
        members += "\""
        members += name
        members += "\":"
        members += value
    }

    mutating func add(members more: String) {
        if !members.isEmpty { members += "," }
        members += more
    }

    mutating func add(_ distribution: Distribution) {
        add("count", "\(distribution.count)")
        add("sum", JSON.number(distribution.sum))
        if let minimum = distribution.minimum { add("min", JSON.number(minimum)) }
        if let maximum = distribution.maximum { add("max", JSON.number(maximum)) }
        if let squares = distribution.squares { add("squares", JSON.number(squares)) }
        switch distribution.buckets {
        case .explicit(let bounds, let counts):
            add("bounds", JSON.array(bounds.map(JSON.number)))
            add("buckets", JSON.array(counts.map { "\($0)" }))
        case .exponential(let buckets):
            add("scale", "\(buckets.scale)")
            add("zero", "\(buckets.zeroCount)")
            add("positive", Self.text(buckets.positive))
            add("negative", Self.text(buckets.negative))
        }
    }

    private static func text(_ buckets: [ExponentialBuckets.Bucket]) -> String {
        var object = JSONObject()
        object.add("indexes", JSON.array(buckets.map { "\($0.index)" }))
        object.add("counts", JSON.array(buckets.map { "\($0.count)" }))
        return object.text
    }
}

/// JSON's values as text.
package enum JSON {
    static func number(_ value: Scalar) -> String {
        switch value {
        case .integer(let whole): "\(whole)"
        case .double(let value): number(value)
        }
    }

    /// The shortest text that reads back as the same number.
    static func number(_ value: Double) -> String {
        if value.isFinite { return "\(value)" }
        return value.isNaN ? "\"NaN\"" : value < 0 ? "\"-Infinity\"" : "\"Infinity\""
    }

    static func array(_ values: [String]) -> String { "[\(values.joined(separator: ","))]" }

    package static func object(_ members: [(name: String, value: String)]) -> String {
        "{\(members.map { "\(string($0.name)):\(string($0.value))" }.joined(separator: ","))}"
    }

    package static func string(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        return isPlain ? "\"" + text + "\"" : escaped(text)
    }

    private static func escaped(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
