private import Yams

/// What the YAML parser complains of, with a word on what to do about it where that can be seen.
struct YAMLErrors {
    let reading: Reading

    func report(_ error: any Error) {
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _),
            YamlError.parser(let context, let problem, let mark, _),
            YamlError.composer(let context, let problem, let mark, _):
            report(problem, context, mark)
        case YamlError.reader(let problem, _, _, _):
            reading.report(.syntax(reason: "not YAML: \(problem)"), at: .file)
        case YamlError.memory:
            reading.report(.tooDeep(limit: YAMLDocument.depthLimit), at: .file)
        default:
            reading.report(.syntax(reason: "not YAML: \(error)"), at: .file)
        }
    }

    private func report(_ problem: String, _ context: YamlError.Context?, _ mark: Mark) {
        if problem.contains("another document") {
            let reason = "a configuration is one document: another one begins here"
            return reading.report(.syntax(reason: reason), at: .line(mark.line, column: mark.column))
        }
        var reason = "not YAML: \(problem)"
        if let context {
            reason += " \(context.text)"
            if context.mark.line != mark.line { reason += " that begins on line \(context.mark.line)" }
        }
        if let hint = hint(problem, mark) { reason += "; \(hint)" }
        reading.report(.syntax(reason: reason), at: .line(mark.line, column: mark.column))
    }

    private func hint(_ problem: String, _ mark: Mark) -> String? {
        let line = reading.source.line(mark.line) ?? ""
        let rest = reading.source.rest(line: mark.line, column: mark.column)
        if rest.first == "\t" || line.prefix(while: { $0 == " " || $0 == "\t" }).contains("\t") {
            return "a tab cannot indent: use spaces"
        }
        if let first = rest.first, "@`%".contains(first) { return "a value that begins with '\(first)' needs quotes" }
        if problem.contains("alphabetic") { return "a value that begins with '*' or '&' needs quotes" }
        if line.contains("${") { return "'${...}' needs quotes inside [ ] and { }, and with ': ' or ' #' in it" }
        if problem.hasPrefix("mapping values") { return "a value with ': ' in it needs quotes" }
        return nil
    }
}
