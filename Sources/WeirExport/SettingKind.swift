/// A setting as an exporter describes it, and the check of what a user wrote.
package struct SettingKind: Equatable, Sendable {
    package enum Form: Equatable, Sendable {
        /// Bytes of UTF-8.
        case text(ClosedRange<Int64>)
        case integer(ClosedRange<Int64>)
        case boolean
        case bytes(ClosedRange<Int64>)
        /// Nanoseconds.
        case duration(ClosedRange<Int64>)
        case choice([String])
    }

    package var key: String
    package var description: String
    package var form: Form
    package var defaultValue: String?

    package init(key: String, description: String, form: Form, defaultValue: String?) {
        self.key = key
        self.description = description
        self.form = form
        self.defaultValue = defaultValue
    }

    /// A value for each kind, in their order: the configured one, or the default.
    package static func check(
        _ configured: [String: String], against kinds: [SettingKind], sink: String
    ) throws(ExportError) -> [CheckedSetting] {
        for key in configured.keys.sorted() where !kinds.contains(where: { $0.key == key }) {
            let known = kinds.map(\.key)
            throw .setting(sink: sink, .unknown(key: key, nearest: nearestName(to: key, among: known), known: known))
        }
        var checked: [CheckedSetting] = []
        for kind in kinds {
            guard let text = configured[kind.key] ?? kind.defaultValue else {
                throw .setting(sink: sink, .missing(key: kind.key, description: kind.description))
            }
            guard let number = kind.number(in: text) else {
                throw .setting(sink: sink, .invalid(key: kind.key, wanted: kind.wanted, found: text))
            }
            checked.append(CheckedSetting(key: kind.key, text: text, number: number))
        }
        return checked
    }

    /// What a text means, or nil where it does not fit.
    private func number(in text: String) -> Int64? {
        switch form {
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

    private var wanted: String {
        switch form {
        case .text(let range):
            "a text of \(range.lowerBound) to \(range.upperBound) bytes without a zero byte"
        case .integer(let range):
            "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .boolean:
            "true or false"
        case .bytes(let range):
            "a size such as 512, 64KiB or 4MB, from \(range.lowerBound) to \(range.upperBound) bytes"
        case .duration(let range):
            "a duration such as 500ms, 10s or 1h, from \(range.lowerBound) ns to \(range.upperBound) ns"
        case .choice(let words):
            "one of " + words.joined(separator: ", ")
        }
    }

    // MARK: - Numbers with units

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

/// A setting whose text was checked against its kind.
package struct CheckedSetting: Equatable, Sendable {
    package var key: String
    package var text: String
    /// Bytes, nanoseconds, a whole number, a choice's place, or 1 for true.
    package var number: Int64

    package init(key: String, text: String, number: Int64) {
        self.key = key
        self.text = text
        self.number = number
    }
}

/// The known name that takes the fewest edits to reach, if they are few for a word of that length.
package func nearestName(to name: String, among known: [String]) -> String? {
    let distances = known.map { (name: $0, edits: editDistance(name.lowercased(), $0.lowercased())) }
    guard let best = distances.min(by: { $0.edits < $1.edits }), best.edits <= max(2, name.count / 3) else {
        return nil
    }
    return best.name
}

/// Insertions, removals and replacements of a character.
private func editDistance(_ left: String, _ right: String) -> Int {
    // A name that somebody made a megabyte long is nobody's typing mistake.
    let left = Array(left.prefix(64))
    let right = Array(right.prefix(64))
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, b) in right.enumerated() {
            let replaced = diagonal + (a == b ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
        }
    }
    return row[right.count]
}
