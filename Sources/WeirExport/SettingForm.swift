/// What a text in a configuration must look like, and what it means: one spelling of sizes and durations everywhere.
extension SettingKind.Form {
    /// Bytes, nanoseconds, a whole number, a choice's place, or 1 for true; nil where the text does not fit.
    package func number(in text: String) -> Int64? {
        switch self {
        case .text(let range):
            range.contains(Int64(text.utf8.count)) && !text.utf8.contains(0) ? 0 : nil
        case .integer(let range):
            Int64(text).flatMap { range.contains($0) ? $0 : nil }
        case .boolean:
            text == "true" ? 1 : text == "false" ? 0 : nil
        case .bytes(let range):
            Self.scaled(text, by: Self.byteUnits).flatMap { range.contains($0) ? $0 : nil }
        case .duration(let range):
            Self.scaled(text, by: Self.durationUnits).flatMap { range.contains($0) ? $0 : nil }
        case .choice(let words):
            words.firstIndex(of: text).map(Int64.init)
        }
    }

    /// For "wanted ...".
    package var wanted: String {
        switch self {
        case .text(let range):
            "a text of \(range.lowerBound) to \(range.upperBound) bytes without a zero byte"
        case .integer(let range):
            "a whole number" + Self.bounds(range) { "\($0)" }
        case .boolean:
            "true or false"
        case .bytes(let range):
            "a size such as 512, 64KiB or 4MB" + Self.bounds(range, Self.bytes).withComma
        case .duration(let range):
            "a duration such as 500ms, 10s or 1h" + Self.bounds(range, Self.duration).withComma
        case .choice(let words):
            "one of " + words.joined(separator: ", ")
        }
    }

    /// A size as a configuration spells it: `64MiB`.
    package static func bytes(_ count: Int64) -> String {
        spelled(count, byteUnits.prefix(4), smallest: "B")
    }

    /// A duration as a configuration spells it: `90s`, `500ms`.
    package static func duration(_ nanoseconds: Int64) -> String {
        spelled(nanoseconds, durationUnits[...], smallest: "ns")
    }

    private static func bounds(_ range: ClosedRange<Int64>, _ spelling: (Int64) -> String) -> String {
        let (lower, upper) = (spelling(range.lowerBound), spelling(range.upperBound))
        return range.upperBound == .max ? " of at least \(lower)" : " from \(lower) to \(upper)"
    }

    /// The greatest unit that divides it.
    private static func spelled(_ number: Int64, _ units: ArraySlice<(String, Int64)>, smallest: String) -> String {
        let fitting = units.filter { number != 0 && number % $0.1 == 0 }.max { $0.1 < $1.1 }
        return fitting.map { "\(number / $0.1)\($0.0)" } ?? "\(number)\(smallest)"
    }

    private static let byteUnits: [(String, Int64)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
        ("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("B", 1), ("", 1),
    ]

    private static let durationUnits: [(String, Int64)] = [
        ("ns", 1), ("us", 1000), ("µs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
        ("h", 3_600_000_000_000), ("d", 86_400_000_000_000),
    ]

    private static func scaled(_ text: String, by units: [(String, Int64)]) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let suffix = text[digits.endIndex...].drop { $0 == " " }
        guard let number = Int64(digits), let (_, factor) = units.first(where: { $0.0 == suffix }) else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }
}

extension String {
    fileprivate var withComma: String { "," + self }
}
