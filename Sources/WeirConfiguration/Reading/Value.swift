/// A part of a configuration file: what it is, and where it stands.
struct Value {
    indirect enum Form {
        case scalar(Scalar)
        case list([Value])
        case mapping([Entry])
        /// A key without a value, or `null`.
        case nothing
    }

    var form: Form
    var place: ConfigurationProblem.Place

    /// For "found ...".
    var found: String {
        switch form {
        case .scalar(let scalar): scalar.found
        case .list: "a list"
        case .mapping: "a mapping"
        case .nothing: "nothing"
        }
    }

    /// How much of its line is meant.
    var extent: SourceText.Extent {
        if case .scalar(let scalar) = form { .exact(scalar.quote + scalar.written + scalar.quote) } else { .character }
    }
}

/// A key of a mapping and its value.
struct Entry {
    var key: String
    var place: ConfigurationProblem.Place
    var value: Value
    /// How much of its line the key takes.
    var extent: SourceText.Extent
}

/// A text, a number, a word: what it means is decided by who reads it.
struct Scalar {
    /// With environment variables put in.
    var text: String
    /// As the file has it.
    var written: String
    /// Whether a part of the text comes from the environment, and is nobody's to see.
    var isSecret = false
    /// Whether a variable is missing, which is told already.
    var isBroken = false
    /// What stands before and behind it in the file.
    var quote = ""

    /// For "found ...": never what came from the environment.
    var found: String {
        if isSecret { return written.isEmpty ? "another value" : "the value of '\(Self.shortened(written))'" }
        return "'\(Self.shortened(text))'"
    }

    /// A text for an error: short, on one line, and nothing that a terminal would obey.
    static func shortened(_ text: String) -> String {
        let scalars = text.unicodeScalars
        let safe = scalars.prefix(60).map { scalar -> String in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: "\\u{\(String(scalar.value, radix: 16))}"
            default: String(scalar)
            }
        }.joined()
        return scalars.dropFirst(60).isEmpty ? safe : safe + "…"
    }
}
