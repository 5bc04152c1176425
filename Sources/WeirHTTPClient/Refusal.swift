/// What servers say of samples that they will never take.
package enum Refusal {
    /// Whether a server says that it has later values than these, or other ones of the same time.
    ///
    /// In the words of Prometheus, which Cortex, Mimir and Thanos have too, and of InfluxDB. What is too far in the future is
    /// `out of bounds` as well, and something else.
    package static func isOutOfOrder(_ text: String) -> Bool {
        let text = text.lowercased()
        guard !text.contains("future") else { return false }
        if phrases.contains(where: { text.contains($0) }) { return true }
        // Bounds of other things have words beside them.
        return text.contains("out of bounds")
            && (text.contains("sample") || text.contains("timestamp")
                || text.split(whereSeparator: \.isWhitespace).count == 3)
    }

    private static let phrases = [
        "out of order", "out-of-order", "too old sample", "sample too old", "timestamp-too-old", "timestamp too old",
        "duplicate sample for timestamp", "duplicate-timestamp", "points beyond retention",
    ]
}
