/// `--since` and `--until`: a moment, or how long ago.
package enum TimeBound {
    /// Reads `2026-11-24T13:38:22Z`, a date, or a time ago such as `10m`, `2h30m` or `1d`.
    package static func parse(_ text: String, now: UInt64) throws(DumpError) -> Timestamp {
        if let moment = Timestamp(rfc3339: text) { return moment }
        guard let ago = nanoseconds(text) else {
            throw DumpError.time(found: text)
        }
        return Timestamp(nanoseconds: now > ago ? now - ago : 0)
    }

    /// Each unit's letters and nanoseconds.
    private static let units: [(name: String, nanoseconds: UInt64)] = [
        ("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
        ("h", 3_600_000_000_000), ("d", 86_400_000_000_000), ("w", 604_800_000_000_000),
    ]

    /// The length of `2h30m`; nil for what is none, or longer than 584 years.
    package static func nanoseconds(_ text: String) -> UInt64? {
        var rest = Substring(text)
        var total: UInt64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let letters = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(letters.count)
            guard let number = UInt64(digits), let unit = units.first(where: { $0.name == letters }) else { return nil }
            let (part, tooLong) = number.multipliedReportingOverflow(by: unit.nanoseconds)
            let (sum, overflow) = total.addingReportingOverflow(part)
            guard !tooLong, !overflow else { return nil }
            total = sum
        }
        return text.isEmpty ? nil : total
    }
}
