internal import WeirExport

/// One reading of a configuration: its text, its environment, and everything that was found wrong so far. Nothing stops
/// at the first problem.
final class Reading {
    let source: SourceText
    let environment: [String: String]
    /// Variables that would override something, whether they are set or not.
    private var overrides: Set<String> = []
    private(set) var secrets = Secrets()
    private(set) var warnings: [String] = []
    private var findings: [Finding] = []
    /// Bytes that values with environment variables in them may still take.
    private var room = SourceText.limit

    /// Further ones are not looked for: the file is no configuration.
    private static let findingLimit = 1_000

    /// A problem whose line was not looked up yet.
    private struct Finding {
        var fault: ConfigurationFault
        var place: ConfigurationProblem.Place
        var path: String
        var extent: SourceText.Extent
    }

    init(_ source: SourceText, environment: [String: String]) {
        self.source = source
        self.environment = environment
    }

    var hasProblems: Bool { !findings.isEmpty }

    func report(
        _ fault: ConfigurationFault, at place: ConfigurationProblem.Place, path: String = "",
        extent: SourceText.Extent = .character
    ) {
        guard findings.count < Self.findingLimit else { return }
        findings.append(Finding(fault: fault, place: place, path: path, extent: extent))
    }

    /// Notes something that works, and will not for long.
    func warn(_ message: String, at place: ConfigurationProblem.Place) {
        warnings.append("\(place.text(in: source.name)): warning: \(message)")
    }

    /// - Parameter words: What it may be, where that is one of some words.
    func reportWrong(_ value: Value, path: Path, expected: String, words: [String] = []) {
        var nearest: String?
        if case .scalar(let scalar) = value.form {
            // What is missing in the environment was told.
            if scalar.isBroken { return }
            if !scalar.isSecret { nearest = nearestName(to: scalar.text, among: words) }
        }
        report(
            .wrongValue(expected: expected, found: value.found, nearest: nearest), at: value.place,
            path: path.description, extent: value.extent)
    }

    func reportWrong(_ value: Value, path: Path, form: SettingKind.Form) {
        if case .choice(let words) = form {
            reportWrong(value, path: path, expected: form.wanted, words: words)
        } else {
            reportWrong(value, path: path, expected: form.wanted)
        }
    }

    /// All problems, in the order of the file.
    var error: ConfigurationError {
        // Equal places keep their order.
        let sorted = findings.enumerated().sorted { left, right in
            let (a, b) = (Self.order(left.element.place), Self.order(right.element.place))
            return a == b ? left.offset < right.offset : a < b
        }
        let problems = sorted.prefix(ConfigurationError.limit).map { _, finding in
            source.problem(finding.fault, at: finding.place, path: finding.path, extent: finding.extent)
        }
        return ConfigurationError(problems, omitted: findings.count - problems.count)
    }

    private static func order(_ place: ConfigurationProblem.Place) -> (Int, Int) {
        switch place {
        case .file: (0, 0)
        case .line(let line, let column): (line, column)
        case .variable: (.max, 0)
        }
    }

    // MARK: - The environment

    /// A scalar of the file with environment variables put in. Where one is missing the text is as it is written, so that
    /// reading goes on.
    ///
    /// - Parameter quote: What stands before and behind it in the file.
    func scalar(_ written: String, quote: String, at place: ConfigurationProblem.Place) -> Scalar {
        var scalar = Scalar(text: written, written: written, quote: quote)
        guard written.utf8.contains(UInt8(ascii: "$")) else { return scalar }
        do throws(Substitution.ReferenceError) {
            let substitution = try Substitution(written, environment: environment, room: room)
            if substitution.isSecret { room -= substitution.text.utf8.count }
            scalar.text = substitution.text
            scalar.isSecret = substitution.isSecret
        } catch {
            let fault: ConfigurationFault =
                switch error.failure {
                case .missingVariable(let name): .missingVariable(name)
                case .badReference(let reason): .badReference(reason)
                case .tooLong: .variablesTooLong(limit: SourceText.limit)
                }
            report(fault, at: place, extent: .within(error.reference))
            scalar.isBroken = true
        }
        return scalar
    }

    /// The value that overrides a key, from the environment.
    func override(of path: Path) -> Value? {
        let variable = path.variable
        overrides.insert(variable)
        guard let text = environment[variable] else { return nil }
        return Value(form: .scalar(Scalar(text: text, written: "", isSecret: true)), place: .variable(variable))
    }

    /// Reports variables that look like overrides and are none: a misspelt one would do nothing, unseen.
    func reportUnknownOverrides(prefix: String) {
        for name in environment.keys.sorted() where name.hasPrefix(prefix) && !overrides.contains(name) {
            let nearest = nearestName(to: name, among: overrides.sorted())
            report(.unknownOverride(nearest: nearest), at: .variable(name))
        }
    }

    /// Remembers that a value must not be shown.
    func keepSecret(_ value: Value) { secrets.keep(value) }
}
