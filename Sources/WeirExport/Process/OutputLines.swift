/// What a plugin prints, cut into lines. Holds at most one line, of which it keeps 1024 bytes.
struct OutputLines {
    private static let longestLine = 1024

    private var line: [UInt8] = []
    /// Bytes of the present line that were not kept.
    private var skipped = 0

    /// - Returns: The lines that are whole now.
    mutating func append(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                if let line = finish() { lines.append(line) }
            } else if line.count < Self.longestLine {
                line.append(byte)
            } else {
                skipped += 1
            }
        }
        return lines
    }

    /// What is left without an end; nil where nothing is.
    mutating func finish() -> String? {
        defer {
            line.removeAll(keepingCapacity: true)
            skipped = 0
        }
        guard !line.isEmpty else { return nil }
        // A terminal that shows the log must not obey what a plugin prints.
        let text = String(decoding: line, as: UTF8.self).unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control && scalar != "\t" ? "\u{FFFD}" : scalar
        }
        let shown = String(String.UnicodeScalarView(text))
        return skipped == 0 ? shown : "\(shown)… (\(skipped) bytes more)"
    }
}
