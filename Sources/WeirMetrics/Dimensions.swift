internal import WeirRecording

/// The dimensions of a metric, as they can be tags.
struct Dimensions {
    /// What is left of them, in their order.
    private(set) var elements: [(String, String)] = []

    /// The key of the series for what a label has no room for.
    static let overflowKey = TagKey.overflow.name
    /// Bytes of a key.
    private static let longestKey = 255

    /// - Parameters:
    ///   - keys: Those that are in use, of any label.
    ///   - problems: What is left out or changed.
    init(
        _ dimensions: [(String, String)], of label: String, _ limits: MetricsLimits, _ keys: inout Set<String>,
        _ problems: inout [MetricsProblem]
    ) {
        if dimensions.count > limits.dimensions {
            problems.append(.limit(label: label, of: "dimensions", limit: limits.dimensions))
        }
        for (key, value) in dimensions.prefix(max(0, limits.dimensions)) {
            func note(_ reason: String) {
                problems.append(
                    .dimension(label: label, key: Self.usable(key), reason: reason))
            }
            guard !key.isEmpty, key != Self.overflowKey else {
                note("is left out: a key is a word, and not the one for what there is no room for")
                continue
            }
            let name = Self.usable(key)
            if name != key { note("has a key with control characters or of more than 255 bytes, which is changed") }
            if !keys.contains(name) {
                guard keys.count < limits.keys, TagKey(name).isValid else {
                    note("is left out: there are \(keys.count) keys already, the most that there may be")
                    continue
                }
                keys.insert(name)
            }
            let kept = TagLimit.cut(value, to: limits.valueLength)
            if kept.utf8.count != value.utf8.count {
                note("has a value of more than \(limits.valueLength) bytes, which is cut")
            }
            elements.append((name, kept))
        }
    }

    /// A key without control characters, and not too long.
    private static func usable(_ key: String) -> String {
        guard key.utf8.count > longestKey || key.utf8.contains(where: isControl) else { return key }
        let bytes = key.cut(to: longestKey).utf8.map { isControl($0) ? UInt8(ascii: "_") : $0 }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7F }
}
