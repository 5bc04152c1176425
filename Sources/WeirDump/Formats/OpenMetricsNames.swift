internal import WeirBatch
internal import WeirExporterKit
internal import WeirExporterSupport

/// Names of families that are valid, and each given once.
struct OpenMetricsNames {
    enum Kind: String {
        case counter
        case gauge
        case histogram
        case info

        init(_ view: ViewDescription) {
            switch view.aggregation {
            case .count: self = .counter
            case .sum: self = view.isMonotonic ? .counter : .gauge
            case .lastValue: self = .gauge
            case .distribution, .exponentialDistribution: self = .histogram
            }
        }

        /// What samples append to the family's name; the bare name is reserved with them.
        fileprivate var suffixes: [String] {
            switch self {
            case .counter: ["", "_total", "_created"]
            case .gauge: [""]
            case .histogram: ["", "_bucket", "_count", "_sum", "_created"]
            case .info: ["", "_info"]
            }
        }
    }

    private var used: Set<String> = []

    /// A family's name: valid, ending in its unit, and with no sample of a name that another family has.
    mutating func family(_ name: String, kind: Kind, unit: String) -> String {
        var stem = Self.valid(name)
        // The sample's name ends in `_total`, not the family's.
        if kind == .counter, stem.hasSuffix("_total"), stem != "_total" { stem.removeLast("_total".count) }
        let ending = unit.isEmpty ? "" : "_" + unit
        if !ending.isEmpty, stem.hasSuffix(ending) { stem.removeLast(ending.count) }
        var number = 1
        while true {
            let candidate = (number == 1 ? stem : "\(stem)_\(number)") + ending
            let names = kind.suffixes.map { candidate + $0 }
            if used.isDisjoint(with: names) {
                used.formUnion(names)
                return candidate
            }
            number += 1
        }
    }

    /// The name with everything that is not allowed as `_`.
    private static func valid(_ name: String) -> String {
        var result = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": result.unicodeScalars.append(scalar)
            case "0"..."9":
                if result.isEmpty { result = "_" }
                result.unicodeScalars.append(scalar)
            case ":": result.unicodeScalars.append(scalar)
            default: result += "_"
            }
        }
        return result.isEmpty ? "_" : result
    }

    private static let unitNames = [
        "ns": "nanoseconds", "us": "microseconds", "ms": "milliseconds", "s": "seconds", "min": "minutes",
        "h": "hours", "d": "days", "By": "bytes", "kBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes",
        "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "bit": "bits", "%": "percent", "m": "meters",
        "g": "grams", "kg": "kilograms", "V": "volts", "A": "amperes", "W": "watts", "J": "joules", "Hz": "hertz",
        "Cel": "celsius",
    ]

    /// The word for a UCUM unit; empty where it has none that a name could end in.
    static func unit(_ ucum: String) -> String {
        if let name = unitNames[ucum] { return name }
        let parts = ucum.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, let over = unitNames[String(parts[0])], let under = unitNames[String(parts[1])] {
            return "\(over)_per_\(under.hasSuffix("s") ? String(under.dropLast()) : under)"
        }
        return ""
    }
}

/// A series' labels, as the exporter for Prometheus makes them.
struct OpenMetricsLabels: Hashable {
    /// The label of a bucket's upper bound.
    static let bucketKey = "le"

    private let pairs: ExactString

    /// Labels of tags, and of a stream where one is to be named.
    ///
    /// - Parameter reserved: Labels that samples have themselves.
    init(_ tags: [Tag], stream: String?, reserved: Set<String> = []) {
        var labeller = Labeller(reserved: stream == nil ? reserved : reserved.union(["stream"]))
        var labels = labeller.labels(tags.map { DeliveredTag(key: $0.key, value: $0.value) })
        if let stream { labels.insert(Label("stream", stream), at: 0) }
        pairs = ExactString(labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ","))
    }

    private init(pairs: String) { self.pairs = ExactString(pairs) }

    /// The same with a mark.
    func marked(_ mark: String) -> Self {
        Self(pairs: (pairs.string.isEmpty ? "" : pairs.string + ",") + "\(Mark.key)=\"\(mark)\"")
    }

    /// `{a="1"}`, or nothing where there are none; with a bucket's bound where one is given.
    func text(bucket: String? = nil) -> String {
        let bound = bucket.map { "\(Self.bucketKey)=\"\($0)\"" } ?? ""
        let pairs = pairs.string
        let all = pairs.isEmpty || bound.isEmpty ? pairs + bound : "\(pairs),\(bound)"
        return all.isEmpty ? "" : "{\(all)}"
    }

    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
