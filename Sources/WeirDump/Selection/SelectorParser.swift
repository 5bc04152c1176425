extension Selector {
    /// Reads `name{tag="value",other=~"regex"}`.
    ///
    /// The name or the braces may be missing. Names and keys may hold whatever views and tags commonly do, `/`, `.` and
    /// `-` among it; others can be quoted, the name too, as the first thing within the braces. Values are quoted by
    /// `"` or `'`, with `\` before a quote, a backslash, `n` and `t`; or by backticks, with no escapes.
    package init(parsing text: String) throws(DumpError) {
        var parser = SelectorParser(text)
        try self.init(matchers: parser.selector())
    }
}

/// One selector, read from left to right.
private struct SelectorParser {
    private let text: String
    private let characters: [Character]
    private var position = 0

    init(_ text: String) {
        self.text = text
        characters = Array(text)
    }

    mutating func selector() throws(DumpError) -> [Selector.Matcher] {
        var matchers: [Selector.Matcher] = []
        skipSpaces()
        if let name = bareWord() {
            matchers.append(Selector.Matcher(key: Selector.nameKey, operation: .equal(name)))
        }
        skipSpaces()
        if skip("{") {
            skipSpaces()
            while !skip("}") {
                matchers.append(try matcher(mayBeName: matchers.isEmpty))
                skipSpaces()
                if skip(",") {
                    skipSpaces()
                } else if peek != "}" {
                    throw failure("',' or '}'")
                }
            }
            skipSpaces()
        } else if matchers.isEmpty {
            throw failure("a view's name or '{'")
        }
        if peek != nil { throw failure(matchers.isEmpty ? "the end" : "'{' or the end") }
        return matchers
    }

    /// `key="value"`, or a quoted view's name alone.
    private mutating func matcher(mayBeName: Bool) throws(DumpError) -> Selector.Matcher {
        let isQuoted = peek.map(Self.isQuote) ?? false
        let key: String
        if isQuoted {
            key = try quoted()
        } else if let word = bareWord() {
            key = word
        } else {
            throw failure("a tag's key or '}'")
        }
        skipSpaces()
        if isQuoted, mayBeName, peek == "," || peek == "}" {
            return Selector.Matcher(key: Selector.nameKey, operation: .equal(key))
        }
        let operation = try operation()
        return Selector.Matcher(key: key, operation: operation)
    }

    private mutating func operation() throws(DumpError) -> Selector.Operation {
        if skip("=") {
            if skip("~") { return .matching(try pattern()) }
            return .equal(try value())
        }
        if skip("!") {
            if skip("~") { return .notMatching(try pattern()) }
            if skip("=") { return .notEqual(try value()) }
            throw failure("'=' or '~' after '!'")
        }
        throw failure("'=', '!=', '=~' or '!~'")
    }

    private mutating func value() throws(DumpError) -> String {
        skipSpaces()
        guard let character = peek, Self.isQuote(character) else { throw failure("a quoted value") }
        return try quoted()
    }

    private mutating func pattern() throws(DumpError) -> Pattern {
        skipSpaces()
        let start = position
        let source = try value()
        do {
            return try Pattern(source)
        } catch {
            throw .selector(
                text: text, column: start, expected: "a regular expression", found: "'\(source)' (\(error))")
        }
    }

    /// A quoted text; the quote is next.
    private mutating func quoted() throws(DumpError) -> String {
        let start = position
        let quote = characters[position]
        position += 1
        var result = ""
        while let character = peek {
            position += 1
            if character == quote { return result }
            guard character == "\\", quote != "`" else {
                result.append(character)
                continue
            }
            guard let escaped = peek else { break }
            switch escaped {
            case "\\", "\"", "'": result.append(escaped)
            case "n": result.append("\n")
            case "t": result.append("\t")
            // What a regular expression escapes, such as \. and \d, need not be escaped twice.
            default: result += ["\\", escaped]
            }
            position += 1
        }
        throw .selector(
            text: text, column: start, expected: "a closing \(quote) for this one", found: "the end")
    }

    private mutating func bareWord() -> String? {
        let start = position
        while let character = peek, Self.isBare(character) { position += 1 }
        return start < position ? String(characters[start..<position]) : nil
    }

    private mutating func skipSpaces() {
        while peek?.isWhitespace ?? false { position += 1 }
    }

    private mutating func skip(_ character: Character) -> Bool {
        guard peek == character else { return false }
        position += 1
        return true
    }

    private var peek: Character? { position < characters.count ? characters[position] : nil }

    private func failure(_ expected: String) -> DumpError {
        .selector(
            text: text, column: position, expected: expected, found: peek.map { "'\($0)'" } ?? "the end")
    }

    private static func isQuote(_ character: Character) -> Bool {
        character == "\"" || character == "'" || character == "`"
    }

    private static func isBare(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || "_./:-%+@#$*".contains(character)
    }
}
