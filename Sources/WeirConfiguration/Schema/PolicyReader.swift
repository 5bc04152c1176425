internal import Weir

/// Reads `policy`: a name, or a name with what it needs.
///
///     policy: lifo
///     policy: {block: {deadline: 1s}}
enum PolicyReader {
    private typealias Read = @Sendable (inout MappingReader) -> OverflowPolicy?

    private static let plain: [(name: String, policy: OverflowPolicy)] = [
        ("dropOldest", .dropOldest), ("dropNewest", .dropNewest), ("lifo", .lifo), ("coalesce", .coalesce),
    ]

    /// With the whole of what they need, as errors show it.
    private static let needy: [(name: String, example: String, read: Read)] = [
        ("block", "{block: {deadline: 1s}}", block),
        ("asyncThenSync", "{asyncThenSync: {high: 0.8, low: 0.5, deadline: 1s}}", asyncThenSync),
        ("random", "{random: {low: 0.5, high: 1}}", random),
        ("expire", "{expire: {age: 5m}}", expire),
        ("codel", "{codel: {target: 5s, interval: 100s}}", codel),
    ]

    static var names: [String] { plain.map(\.name) + needy.map(\.name) }

    static func policy(_ sink: inout MappingReader) -> OverflowPolicy? {
        guard let value = sink.value("policy") else { return nil }
        let path = sink.path.appending("policy")
        switch value.form {
        case .scalar(let scalar):
            if let known = plain.first(where: { $0.name == scalar.text }) { return known.policy }
            if let known = needy.first(where: { $0.name == scalar.text }), !scalar.isSecret {
                sink.reading.reportWrong(value, path: path, expected: "what \(known.name) needs: \(known.example)")
            } else {
                sink.reading.reportWrong(
                    value, path: path, expected: "one of " + names.joined(separator: ", "), words: names)
            }
            return nil
        case .mapping(let entries) where entries.count == 1:
            return policy(value, entries[0], path, sink.reading)
        case .mapping, .list, .nothing:
            sink.reading.reportWrong(value, path: path, expected: "one policy: " + names.joined(separator: ", "))
            return nil
        }
    }

    private static func policy(_ value: Value, _ entry: Entry, _ path: Path, _ reading: Reading) -> OverflowPolicy? {
        let isPlain = plain.first { $0.name == entry.key }
        guard
            let read = needy.first(where: { $0.name == entry.key })?.read
                ?? isPlain.map({ known in { _ in known.policy } })
        else {
            // Says what is wrong with the one key.
            var reader = MappingReader(value, path: path, at: value.place, reading: reading)
            for name in names { _ = reader.mapping(name) }
            reader.finish()
            return nil
        }
        var reader = MappingReader(
            entry.value, path: path.appending(entry.key), at: entry.place, reading: reading)
        defer { reader.finish() }
        return read(&reader)
    }

    // MARK: - What each needs

    @Sendable private static func block(_ reader: inout MappingReader) -> OverflowPolicy? {
        reader.required("deadline", Ranges.wait).map { .block(deadline: $0) }
    }

    @Sendable private static func asyncThenSync(_ reader: inout MappingReader) -> OverflowPolicy? {
        let (high, low) = (reader.fraction("high"), reader.fraction("low"))
        let deadline = reader.required("deadline", Ranges.wait)
        guard let high, let low, let deadline, reader.areOrdered(low, high) else { return nil }
        return .asyncThenSync(high: high, low: low, deadline: deadline)
    }

    @Sendable private static func random(_ reader: inout MappingReader) -> OverflowPolicy? {
        let (low, high) = (reader.fraction("low"), reader.fraction("high"))
        guard let low, let high, reader.areOrdered(low, high) else { return nil }
        return .random(low: low, high: high)
    }

    @Sendable private static func expire(_ reader: inout MappingReader) -> OverflowPolicy? {
        reader.required("age", Ranges.age).map { .expire(age: $0) }
    }

    @Sendable private static func codel(_ reader: inout MappingReader) -> OverflowPolicy? {
        let (target, interval) = (reader.required("target", Ranges.age), reader.required("interval", Ranges.age))
        guard let target, let interval else { return nil }
        return .codel(target: target, interval: interval)
    }
}

extension MappingReader {
    fileprivate mutating func required(_ key: String, _ range: ClosedRange<Int64>) -> Duration? {
        if !has(key) { reportMissing(key, "expected a duration such as 1s") }
        return duration(key, range)
    }

    /// Of a queue's bounds.
    fileprivate mutating func fraction(_ key: String) -> Double? {
        if !has(key) { reportMissing(key, "expected a part of the queue's bounds, from 0.0 to 1.0") }
        return number(key, 0...1)
    }

    fileprivate func areOrdered(_ low: Double, _ high: Double) -> Bool {
        if low >= high { reportConflict("low", "the low mark must be below the high one") }
        return low < high
    }
}
