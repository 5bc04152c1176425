internal import WeirExporterKit
private import WeirSystem

/// What an object is called, behind the prefix: the order of keys is that of time, and within a collection that of numbers.
///
///     2026/11/24/20261124T132601.123456789Z-0123456789abcdef0123456789abcdef-0000000007-0000000007.weir.zst
///
/// Nothing but the batch decides it, so a batch that is sent again has the key that it had. Both numbers are in it: where
/// batches have become one, that one is another object than the newer of them would have been.
enum ObjectKey {
    /// - Parameter time: The batch's; an end mark, which has none, gets one that is not before it. Nanoseconds since 1970.
    static func of(_ facts: FrameFacts, time: UInt64) -> String {
        let (seconds, nanosecond) = time.quotientAndRemainder(dividingBy: 1_000_000_000)
        var moment = time_t(seconds)
        var date = unsafe tm()
        unsafe gmtime_r(&moment, &date)
        let (year, month, day) = unsafe (
            padded(date.tm_year + 1900, 4), padded(date.tm_mon + 1, 2), padded(date.tm_mday, 2)
        )
        let clock = unsafe padded(date.tm_hour, 2) + padded(date.tm_min, 2) + padded(date.tm_sec, 2)
        // An end mark has its last batch's number, and comes behind it.
        let (first, last) = (
            padded(facts.numbers.lowerBound, 10), facts.isEndMark ? "end" : padded(facts.numbers.upperBound, 10)
        )
        return "\(year)/\(month)/\(day)/\(year)\(month)\(day)T\(clock).\(padded(nanosecond, 9))Z-\(facts.stream)"
            + "-\(first)-\(last).weir.zst"
    }

    private static func padded(_ number: some BinaryInteger, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(width - digits.utf8.count, 0)) + digits
    }
}
