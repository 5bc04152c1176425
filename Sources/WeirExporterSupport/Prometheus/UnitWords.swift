/// A UCUM unit in Prometheus's words: `By/s` are `bytes` per `second`.
///
/// Values are not converted: milliseconds stay `milliseconds`. What stands in braces says what is counted and is left out.
struct UnitWords: Equatable {
    /// In the plural; nil where nothing is left, as of `{request}/s`.
    var main: String?
    /// In the singular.
    var per: [String]
    /// Whether it is `1`, and nothing else.
    var isOne: Bool

    init(_ unit: String) {
        let bare = Self.withoutAnnotations(unit)
        let factors = bare.split(separator: "/", omittingEmptySubsequences: false)
        isOne = bare == "1"
        let first = factors.first.map(String.init) ?? ""
        main = first == "1" ? nil : Self.plurals[first] ?? Self.legal(first)
        per = factors.dropFirst().compactMap { factor in
            Self.singulars[String(factor)] ?? Self.legal(String(factor))
        }
    }

    /// Without `{…}`, and what is after a brace that nobody closes.
    private static func withoutAnnotations(_ unit: String) -> String {
        var bare = ""
        var isInside = false
        for character in unit {
            switch character {
            case "{": isInside = true
            case "}": isInside = false
            default: if !isInside && !character.isWhitespace { bare.append(character) }
            }
        }
        return bare
    }

    /// An unknown unit, as far as it can stand in a name; nil where nothing of it can.
    private static func legal(_ unit: String) -> String? {
        let words = unit.utf8.split { !$0.isLetterOrDigit }.map { String(decoding: $0, as: UTF8.self) }
        return words.isEmpty ? nil : words.joined(separator: "_")
    }

    private static let plurals = [
        "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds",
        "µs": "microseconds", "ns": "nanoseconds", "wk": "weeks", "mo": "months", "a": "years",
        "By": "bytes", "kBy": "kilobytes", "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes",
        "TBy": "terabytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "TiBy": "tebibytes",
        "bit": "bits", "m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams",
        "Cel": "celsius", "Hz": "hertz", "%": "percent",
    ]

    private static let singulars = [
        "s": "second", "ms": "millisecond", "us": "microsecond", "ns": "nanosecond", "min": "minute", "m": "minute",
        "h": "hour", "d": "day", "wk": "week", "w": "week", "mo": "month", "a": "year", "y": "year", "By": "byte",
    ]
}
