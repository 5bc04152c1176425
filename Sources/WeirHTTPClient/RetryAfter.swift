private import CCurl

/// How long a server asks to wait: seconds, or a date.
package enum RetryAfter {
    /// - Parameters:
    ///   - text: The header's value.
    ///   - now: Nanoseconds since 1970, by the clock that a date is compared with.
    /// - Returns: nil for what is neither. Nothing for a date that has passed.
    package static func pause(_ text: String, now: UInt64) -> Duration? {
        if !text.isEmpty, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) {
            // More digits than fit are a long time all the same; the host bounds it.
            return .seconds(min(Int64(text) ?? .max, Self.longest))
        }
        // All three forms of HTTP's dates; -1 for what is none.
        let date = unsafe curl_getdate(text, nil)
        guard date > 0 else { return nil }
        let seconds = Int64(date) - Int64(now / 1_000_000_000)
        return .seconds(min(max(seconds, 0), Self.longest))
    }

    /// A year, in seconds.
    private static let longest: Int64 = 31_536_000
}
