/// What a view is called at Prometheus: its metric family's name, and the names of the samples in it.
///
/// The rules are OpenTelemetry's for Prometheus, so that a metric has one name whichever way it comes:
///
/// - What is no ASCII letter, digit or colon separates words, and words are joined by one `_`.
/// - The unit follows in words, and `total` at a counter, unless the name has them already.
/// - The unit `1` of a gauge is `ratio`. Where the gauge's numbers are whole it is none: nobody measures a ratio in those.
package struct FamilyName: Hashable, Sendable {
    /// What kind of metric the view becomes.
    package enum Kind: Hashable, Sendable {
        /// A count, or a sum that only grows.
        case counter
        /// A sum that also falls: at Prometheus a gauge, but no ratio.
        case sum
        /// A last value.
        case gauge(isInteger: Bool)
        /// A distribution of either kind.
        case histogram
    }

    /// As OpenMetrics has it: without the `_total` of a counter's samples.
    package let family: String
    /// What the family's name ends with, `seconds`; empty where it has no unit, or not at its end.
    package let unit: String
    package let kind: Kind

    /// - Parameters:
    ///   - view: `http/latency`.
    ///   - unit: UCUM: `s`, `By`, `{request}/s`.
    package init(view: String, unit: String, kind: Kind) {
        var words = Self.words(of: view)
        if kind == .counter, words.contains(where: { $0 != "total" }) { words.removeAll { $0 == "total" } }
        if words.isEmpty { words = ["unnamed"] }

        let parts = Self.parts(of: UnitWords(unit), kind)
        for part in parts where !words.contains(part[part.count - 1]) { words += part }
        let name = words.joined(separator: "_")
        family = words[0].utf8.first?.isDigit == true ? "_" + name : name
        let unitWords = parts.joined().joined(separator: "_")
        // A name that is its unit and no more does not end with it, as OpenMetrics has it.
        self.unit = !unitWords.isEmpty && name.hasSuffix("_" + unitWords) ? unitWords : ""
        self.kind = kind
    }

    /// The name of a counter's, gauge's or sum's only sample.
    package var sample: String { kind == .counter ? family + "_total" : family }

    /// All names that the family's samples have, and its own.
    package var allNames: [String] {
        switch kind {
        case .counter: [family, family + "_total", family + "_created"]
        case .sum, .gauge: [family]
        case .histogram: [family, family + "_bucket", family + "_sum", family + "_count", family + "_created"]
        }
    }

    /// The same with a mark among its words, for a view whose name another one has.
    package func marked(_ mark: String) -> FamilyName {
        let ending = unit.isEmpty ? "" : "_" + unit
        return FamilyName(family: family.dropLast(ending.count) + "_x" + mark + ending, unit: unit, kind: kind)
    }

    private init(family: String, unit: String, kind: Kind) {
        (self.family, self.unit, self.kind) = (family, unit, kind)
    }

    private static func words(of name: String) -> [String] {
        name.utf8.split { !isLegal($0) }.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func isLegal(_ byte: UInt8) -> Bool {
        byte.isLetterOrDigit || byte == UInt8(ascii: ":")
    }

    /// The unit's words that come after a name, a part for what is measured and one for each that it is measured per.
    private static func parts(of unit: UnitWords, _ kind: Kind) -> [[String]] {
        if unit.isOne { return kind == .gauge(isInteger: false) ? [["ratio"]] : [] }
        return (unit.main.map { [[$0]] } ?? []) + unit.per.map { ["per", $0] }
    }
}

extension UInt8 {
    /// Of ASCII.
    var isLetterOrDigit: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        default: isDigit
        }
    }

    var isDigit: Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= self }
}
