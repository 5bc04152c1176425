/// A moment, in nanoseconds since 1970 in UTC, as RFC 3339 text and back.
package struct Timestamp: Equatable, Comparable, Sendable {
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }

    /// `2026-11-24T13:38:22.123456789Z`, always with nine digits, so that texts sort as times do.
    package var rfc3339: String { text(fractionDigits: 9) }

    /// `2026-11-24T13:38:22.123Z`: the same with as many digits of the second's fraction, cut and not rounded.
    package func text(fractionDigits: Int) -> String {
        let seconds = nanoseconds / 1_000_000_000
        let (year, month, day) = Self.date(daysSince1970: Int(seconds / 86_400))
        let second = Int(seconds % 86_400)
        var digits: [UInt8] = []
        digits.reserveCapacity(30)
        func append(_ number: Int, width: Int, then separator: Unicode.Scalar) {
            var divisor = (1..<width).reduce(1) { divisor, _ in divisor * 10 }
            while divisor > 0 {
                digits.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
                divisor /= 10
            }
            digits.append(UInt8(ascii: separator))
        }
        append(year, width: 4, then: "-")
        append(month, width: 2, then: "-")
        append(day, width: 2, then: "T")
        append(second / 3600, width: 2, then: ":")
        append(second / 60 % 60, width: 2, then: ":")
        append(second % 60, width: 2, then: fractionDigits > 0 ? "." : "Z")
        if fractionDigits > 0 {
            append(Int(nanoseconds % 1_000_000_000), width: 9, then: "Z")
            digits.removeSubrange(digits.count - 1 - (9 - min(fractionDigits, 9))..<digits.count - 1)
        }
        return String(decoding: digits, as: UTF8.self)
    }

    /// `1764000000.123456789`: seconds since 1970, exact.
    package var decimalSeconds: String {
        "\(nanoseconds / 1_000_000_000).\(padded(Int(nanoseconds % 1_000_000_000), 9))"
    }

    /// The civil date of a day. Years are counted from March, so that the leap day is a year's last.
    private static func date(daysSince1970: Int) -> (year: Int, month: Int, day: Int) {
        let day = daysSince1970 + 719_468  // since the first of March of the year 0
        let era = day / 146_097  // 400 years each
        let ofEra = day % 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * ofYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, ofYear - (153 * marchMonth + 2) / 5 + 1)
    }

    /// Days from 1970 to a civil date, the inverse of ``date(daysSince1970:)``.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let yearOfEra = year % 400
        return year / 400 * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + ofYear - 719_468
    }
}

extension Timestamp {
    /// Reads `2026-11-24T13:38:22Z`, with a fraction and an offset like `+01:00` where wanted, or a date alone, which
    /// means its midnight in UTC. Nil for anything else, and before 1970 or after 2554.
    package init?(rfc3339 text: String) {
        var scanner = Scanner(text)
        guard let year = scanner.number(digits: 4), scanner.skip("-"), let month = scanner.number(digits: 2),
            scanner.skip("-"), let day = scanner.number(digits: 2), (1...12).contains(month), year >= 1970
        else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        guard Self.date(daysSince1970: days) == (year, month, day) else { return nil }
        if scanner.isAtEnd {
            self.init(seconds: days * 86_400, fraction: 0)
            return
        }
        guard scanner.skip("T") || scanner.skip("t") || scanner.skip(" "),
            let hour = scanner.number(digits: 2), scanner.skip(":"), let minute = scanner.number(digits: 2),
            scanner.skip(":"), let second = scanner.number(digits: 2), hour < 24, minute < 60, second <= 60
        else { return nil }
        var fraction = 0
        if scanner.skip(".") {
            guard let digits = scanner.fraction() else { return nil }
            fraction = digits
        }
        var offset = 0
        if !scanner.skip("Z") && !scanner.skip("z") {
            let isWest = scanner.skip("-")
            guard isWest || scanner.skip("+"), let hours = scanner.number(digits: 2), scanner.skip(":"),
                let minutes = scanner.number(digits: 2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (isWest ? -1 : 1)
        }
        guard scanner.isAtEnd else { return nil }
        self.init(seconds: days * 86_400 + hour * 3600 + minute * 60 + second - offset, fraction: fraction)
    }

    private init?(seconds: Int, fraction: Int) {
        guard let seconds = UInt64(exactly: seconds) else { return nil }
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (all, again) = whole.addingReportingOverflow(UInt64(fraction))
        guard !overflow, !again else { return nil }
        self.init(nanoseconds: all)
    }
}

/// Reads ASCII from left to right.
private struct Scanner {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = Substring(text).utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard rest.first.map(UInt32.init) == character.value else { return false }
        rest.removeFirst()
        return true
    }

    mutating func number(digits: Int) -> Int? {
        var value = 0
        for _ in 0..<digits {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// One to nine digits as nanoseconds; finer ones are passed over.
    mutating func fraction() -> Int? {
        guard var value = digit() else { return nil }
        var scale = 8
        while let digit = digit() {
            if scale > 0 {
                value = value * 10 + digit
                scale -= 1
            }
        }
        for _ in 0..<scale { value *= 10 }
        return value
    }

    private mutating func digit() -> Int? {
        guard let byte = rest.first, (48...57).contains(byte) else { return nil }
        rest.removeFirst()
        return Int(byte) - 48
    }
}

/// A number that is not negative with zeros before it.
func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(width - digits.utf8.count, 0)) + digits
}
