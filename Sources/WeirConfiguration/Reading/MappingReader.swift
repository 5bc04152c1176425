internal import WeirExport

/// Reads a mapping key by key. What does not fit is reported and read as if it were not there; at the end the keys that
/// nobody asked for are.
///
/// An environment variable overrides what the file says, and need not be in the file: see ``Path``.
struct MappingReader {
    let reading: Reading
    let path: Path
    /// Where its key stands; of an element of a list, the element.
    let place: ConfigurationProblem.Place
    /// Whether the file has it.
    let isPresent: Bool
    /// Whether the environment may override what is in it.
    private let canOverride: Bool
    /// Whether there is something else than a mapping, which is told.
    private let isWrong: Bool
    private let entries: [String: Entry]
    private let order: [String]
    private var known: [String] = []

    init(
        _ value: Value?, path: Path, at place: ConfigurationProblem.Place, canOverride: Bool = true,
        reading: Reading
    ) {
        self.reading = reading
        self.path = path
        self.canOverride = canOverride
        self.place = place
        var entries: [Entry] = []
        var isWrong = false
        switch value?.form {
        case .mapping(let found): entries = found
        // A key under which everything is commented out.
        case nil, .nothing: break
        case .scalar, .list:
            isWrong = true
            if let value { reading.reportWrong(value, path: path, expected: "a mapping (`key: value` lines)") }
        }
        self.isWrong = isWrong
        isPresent = value != nil
        order = entries.map(\.key)
        self.entries = Dictionary(entries.map { ($0.key, $0) }) { first, _ in first }
    }

    /// The value of a key: from the environment, or the file's.
    mutating func value(_ key: String) -> Value? {
        known.append(key)
        return override(of: key) ?? entries[key]?.value
    }

    private func override(of key: String) -> Value? { canOverride ? reading.override(of: path.appending(key)) : nil }

    /// Whether the file or the environment has the key, whatever its value.
    func has(_ key: String) -> Bool {
        entries[key] != nil || override(of: key) != nil
    }

    func place(of key: String) -> ConfigurationProblem.Place { entries[key]?.place ?? place }

    /// Reports a missing key.
    func reportMissing(_ key: String, _ description: String) {
        guard !isWrong else { return }
        reading.report(
            .missingKey(key, description: description), at: place, path: path.description,
            extent: .exact(path.keys.last ?? ""))
    }

    /// Reports the value of a key of the file.
    func reportWrong(_ key: String, expected: String) {
        guard let value = entries[key]?.value else { return }
        reading.reportWrong(value, path: path.appending(key), expected: expected)
    }

    func reportConflict(_ key: String, _ reason: String) {
        reading.report(
            .conflict(reason), at: place(of: key), path: path.appending(key).description,
            extent: entries[key]?.extent ?? .character)
    }

    /// Reports something that is wrong with the value of a key.
    func report(_ fault: ConfigurationFault, of key: String) {
        let value = entries[key]?.value
        reading.report(
            fault, at: value?.place ?? place, path: path.appending(key).description,
            extent: value?.extent ?? .character)
    }

    /// Reports the keys that nobody asked for.
    func finish() { finish(known: known) }

    /// Reports the keys that are not among these.
    func finish(known: [String]) {
        for key in order where !known.contains(key) {
            guard let entry = entries[key] else { continue }
            reading.report(
                .unknownKey(Scalar.shortened(key), nearest: nearestName(to: key, among: known), known: known),
                at: entry.place, path: path.description, extent: entry.extent)
        }
    }

    // MARK: - Scalars

    /// A scalar of a form: a size, a duration, a choice and so on.
    mutating func setting(_ key: String, _ form: SettingKind.Form) -> (text: String, number: Int64)? {
        guard let value = value(key) else { return nil }
        guard case .scalar(let scalar) = value.form, let number = form.number(in: scalar.text) else {
            reading.reportWrong(value, path: path.appending(key), form: form)
            return nil
        }
        if case .text = form { reading.keepSecret(value) }
        return scalar.isBroken ? nil : (scalar.text, number)
    }

    mutating func text(_ key: String, length: ClosedRange<Int64> = 1...4096) -> String? {
        setting(key, .text(length))?.text
    }

    /// A text whose key had another name, which is read too, with a warning.
    mutating func text(_ key: String, formerly former: String) -> String? {
        let text = text(key)
        guard has(former) else { return text }
        if has(key) { reportConflict(former, "'\(former)' is the former name of '\(key)', which is there too") }
        reading.warn(
            "\(path.appending(former)) is called '\(key)' now; the next version will not know the former name",
            at: override(of: former)?.place ?? place(of: former))
        return self.text(former)
    }

    mutating func integer(_ key: String, _ range: ClosedRange<Int64>) -> Int? {
        setting(key, .integer(range)).map { Int($0.number) }
    }

    mutating func bytes(_ key: String, _ range: ClosedRange<Int64>) -> Int? {
        setting(key, .bytes(range)).map { Int($0.number) }
    }

    /// - Parameter range: Nanoseconds.
    mutating func duration(_ key: String, _ range: ClosedRange<Int64>) -> Duration? {
        setting(key, .duration(range)).map { .nanoseconds($0.number) }
    }

    mutating func boolean(_ key: String) -> Bool? {
        setting(key, .boolean).map { $0.number == 1 }
    }

    mutating func choice(_ key: String, _ words: [String]) -> String? {
        setting(key, .choice(words))?.text
    }

    mutating func number(_ key: String, _ range: ClosedRange<Double>) -> Double? {
        guard let value = value(key) else { return nil }
        let expected = "a number from \(range.lowerBound) to \(range.upperBound)"
        guard case .scalar(let scalar) = value.form, let number = Double(scalar.text), range.contains(number) else {
            reading.reportWrong(value, path: path.appending(key), expected: expected)
            return nil
        }
        return number
    }

    // MARK: - What holds others

    /// A mapping below; where there is none, one without keys, which the environment may fill.
    mutating func mapping(_ key: String) -> MappingReader {
        known.append(key)
        return MappingReader(
            entries[key]?.value, path: path.appending(key), at: place(of: key), canOverride: canOverride,
            reading: reading)
    }

    /// The values of a list. The environment does not override lists.
    mutating func list(_ key: String, of expected: String) -> [Value]? {
        known.append(key)
        guard let value = entries[key]?.value else { return nil }
        switch value.form {
        case .list(let values): return values
        case .nothing: return []
        case .scalar, .mapping:
            reading.reportWrong(value, path: path.appending(key), expected: "a list of \(expected)")
            return nil
        }
    }

    /// A list of texts.
    mutating func texts(_ key: String, of expected: String) -> [String]? {
        guard let values = list(key, of: expected) else { return nil }
        var texts: [String] = []
        for value in values {
            if case .scalar(let scalar) = value.form, !scalar.text.isEmpty, !scalar.text.utf8.contains(0) {
                reading.keepSecret(value)
                texts.append(scalar.text)
            } else {
                reading.reportWrong(value, path: path.appending(key), expected: "a list of \(expected)")
            }
        }
        return texts
    }

    /// Keys of the user's own choice, and those of `expected` that the environment gives, with their values.
    mutating func own(_ expected: [String] = []) -> [(key: String, value: Value)] {
        var found: [(key: String, value: Value)] = []
        for key in order + expected.filter({ entries[$0] == nil }) {
            if let value = value(key) { found.append((key, value)) }
        }
        return found
    }

    /// Texts under keys of the user's own choice.
    mutating func ownTexts() -> [String: String] {
        var texts: [String: String] = [:]
        for (key, value) in own() {
            if case .scalar(let scalar) = value.form {
                reading.keepSecret(value)
                texts[key] = scalar.text
            } else {
                reading.reportWrong(value, path: path.appending(key), expected: "a text")
            }
        }
        return texts
    }
}
