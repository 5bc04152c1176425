package import WeirRecording

/// Reads `views`: a list of rules, each for the views that its `select` matches.
enum ViewReader {
    static func rules(_ values: [Value], path: Path, reading: Reading) -> [ViewRule] {
        values.enumerated().compactMap { index, value in
            // Rules have no names that an environment variable could be called by.
            var reader = MappingReader(
                value, path: path.at(index), at: value.place, canOverride: false, reading: reading)
            let rule = rule(&reader)
            reader.finish()
            return rule
        }
    }

    private static func rule(_ reader: inout MappingReader) -> ViewRule? {
        let select = reader.text("select", length: 1...255)
        if select == nil, !reader.has("select") {
            reader.reportMissing("select", "expected a view's name, or a pattern such as 'http/*'")
        }
        var rule = ViewRule(select ?? "*")
        rule.drops = reader.boolean("drop") ?? false
        rule.name = reader.text("rename", length: 1...255)
        rule.description = reader.text("description", length: 0...4096)
        rule.keepsOnly = reader.texts("keep", of: "tag keys")?.map { TagKey($0) }
        rule.removes = reader.texts("remove", of: "tag keys")?.map { TagKey($0) } ?? []
        rule.buckets = buckets(&reader)
        rule.seriesLimit = reader.integer("series", Ranges.series)
        rule.forgetsIdle = reader.duration("forgetIdle", Ranges.age)
        let filters = ExemplarFilter.allCases
        rule.exemplars = reader.choice("exemplars", filters.map(\.word)).flatMap { word in
            filters.first { $0.word == word }
        }
        check(rule, reader)
        return select == nil ? nil : rule
    }

    private static func buckets(_ reader: inout MappingReader) -> ViewRule.Buckets? {
        let bounds = bounds(&reader)
        var exponential = reader.mapping("exponential")
        let error = exponential.number("error", 0.001...0.4)
        if exponential.isPresent && !exponential.has("error") {
            exponential.reportMissing("error", "how far a value may be off, such as 0.025")
        }
        exponential.finish()
        guard let error else { return bounds.map { .bounds($0) } }
        if bounds != nil { reader.reportConflict("exponential", "a distribution has 'bounds' or is 'exponential'") }
        return .exponential(relativeError: error)
    }

    private static func bounds(_ reader: inout MappingReader) -> [Double]? {
        guard let values = reader.list("bounds", of: "ascending numbers") else { return nil }
        let path = reader.path.appending("bounds")
        var bounds: [Double] = []
        for value in values {
            guard case .scalar(let scalar) = value.form, let bound = Double(scalar.text), bound.isFinite else {
                reader.reading.reportWrong(value, path: path, expected: "a list of ascending numbers")
                continue
            }
            if let last = bounds.last, last >= bound {
                reader.reading.reportWrong(value, path: path, expected: "a number above \(last)")
                continue
            }
            bounds.append(bound)
        }
        if values.count > 1024 { reader.reportConflict("bounds", "expected at most 1024, found \(values.count)") }
        return bounds
    }

    private static func check(_ rule: ViewRule, _ reader: MappingReader) {
        if rule.name != nil, reader.has("select"), NamePattern(rule.pattern).hasWildcards {
            reader.reportConflict("rename", "one name for many views: select a view by its whole name")
        }
        if rule.keepsOnly != nil, !rule.removes.isEmpty {
            reader.reportConflict("remove", "a rule has 'keep' or 'remove'")
        }
        if let name = rule.name, (try? ViewRule("*", name: name).validate()) == nil {
            reader.reportWrong("rename", expected: "printable ASCII characters")
        }
    }
}

extension ExemplarFilter {
    /// As configurations spell it.
    package var word: String {
        switch self {
        case .alwaysOff: "alwaysOff"
        case .traceBased: "traceBased"
        case .alwaysOn: "alwaysOn"
        }
    }
}
