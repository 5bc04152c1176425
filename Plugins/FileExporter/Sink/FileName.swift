internal import WeirExporterKit

/// A batch file's name, whose order is the order of writing:
/// `weir-20261124T132601.123456789Z-0123456789abcdef-000001.weir.zst`.
///
/// The time is when the file began, in UTC, moved behind the newest name in the directory where the clock stepped back.
/// Then comes the first half of the stream's name and the file's number in that stream.
package struct FileName: Equatable, Sendable {
    /// Nanoseconds since 1970.
    package var time: UInt64
    package var streamPrefix: UInt64
    /// From 1.
    package var number: UInt64

    package init(time: UInt64, streamPrefix: UInt64, number: UInt64) {
        self.time = time
        self.streamPrefix = streamPrefix
        self.number = number
    }

    package var text: String {
        let (days, nanosecond) = time.quotientAndRemainder(dividingBy: Self.dayNanoseconds)
        let (year, month, day) = Self.date(days)
        let second = nanosecond / 1_000_000_000
        return "weir-" + Self.padded(year, 4) + Self.padded(month, 2) + Self.padded(day, 2) + "T"
            + Self.padded(second / 3600, 2) + Self.padded(second / 60 % 60, 2) + Self.padded(second % 60, 2) + "."
            + Self.padded(nanosecond % 1_000_000_000, 9) + "Z-" + StreamName.digits(streamPrefix) + "-"
            + Self.padded(number, 6) + Self.suffix
    }

    /// Reads a name; nil where the file is not one of ours.
    package init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        func skip(_ literal: String) -> Bool {
            guard rest.starts(with: literal.utf8) else { return false }
            rest = rest.dropFirst(literal.utf8.count)
            return true
        }
        func number(_ digits: Int, radix: Int = 10) -> UInt64? {
            let prefix = rest.prefix(digits)
            guard prefix.count == digits, prefix.allSatisfy({ $0 != UInt8(ascii: "+") }) else { return nil }
            rest = rest.dropFirst(digits)
            return UInt64(String(decoding: prefix, as: UTF8.self), radix: radix)
        }
        guard skip("weir-"), let year = number(4), let month = number(2), let day = number(2), skip("T"),
            let hour = number(2), let minute = number(2), let second = number(2), skip("."),
            let nanosecond = number(9), skip("Z-"), let streamPrefix = number(16, radix: 16), skip("-"),
            // UInt64 nanoseconds end in 2554.
            1970..<2554 ~= year, 1...12 ~= month, 1...31 ~= day, hour < 24, minute < 60, second < 61
        else { return nil }
        let digits = rest.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        guard digits.count >= 6, let fileNumber = number(digits.count), skip(Self.suffix), rest.isEmpty else {
            return nil
        }
        let days = Self.days(year, month, day)
        let seconds = (hour * 60 + minute) * 60 + second
        time = days * Self.dayNanoseconds + seconds * 1_000_000_000 + nanosecond
        self.streamPrefix = streamPrefix
        self.number = fileNumber
    }

    private static let suffix = ".weir.zst"
    private static let dayNanoseconds: UInt64 = 86_400_000_000_000

    private static func padded(_ number: UInt64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(width - digits.utf8.count, 0)) + digits
    }

    // MARK: - The calendar

    // Counted in years that begin in March, so that the leap day is the last; 400 of them have 146,097 days. 719,468
    // days lie between March of the year 0 and 1970.

    private static func date(_ days: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
        let (era, dayOfEra) = (days + 719_468).quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    private static func days(_ year: UInt64, _ month: UInt64, _ day: UInt64) -> UInt64 {
        let (era, yearOfEra) = (month <= 2 ? year - 1 : year).quotientAndRemainder(dividingBy: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
