/// Everything that is wrong with a configuration, as a compiler says it.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, in the order of the file, what the environment overrides last; at most ``limit``.
    public let problems: [ConfigurationProblem]
    /// Problems beyond those.
    public let omitted: Int

    /// How many problems are told.
    public static let limit = 100

    init(_ problems: [ConfigurationProblem], omitted: Int = 0) {
        self.problems = problems
        self.omitted = omitted
    }

    /// Whether there is nothing to look at: the file cannot be opened or read.
    public var isUnreadable: Bool {
        if case .unreadable = problems.first?.fault { true } else { false }
    }

    /// Each problem with its line of the file, a caret under what is meant.
    public var description: String {
        let more = omitted == 0 ? [] : ["\(omitted) further errors are not shown"]
        return (problems.map(\.description) + more).joined(separator: "\n")
    }
}

/// One thing that is wrong with a configuration: where, with what, what was expected and what was found.
public struct ConfigurationProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where a part of a configuration comes from.
    public enum Place: Hashable, Sendable {
        /// Both from 1; columns are characters.
        case line(Int, column: Int)
        /// An environment variable that overrides a key.
        case variable(String)
        /// The file as a whole.
        case file
    }

    /// The file's name as it was given.
    public let file: String
    /// Where in it.
    public let place: Place
    /// The keys that lead there, `sinks.file.policy`; empty for the file's own level.
    public let path: String
    /// What is wrong.
    public let fault: ConfigurationFault
    /// The line of the file and a caret; empty where there is none.
    let excerpt: String

    /// `weir.yaml:12:5: error: unknown key 'polcy' in sinks.file: did you mean 'policy'?`, and the line.
    public var description: String {
        let text = "\(place.text(in: file)): error: \(fault.message(in: path))"
        return excerpt.isEmpty ? text : text + "\n" + excerpt
    }
}

extension ConfigurationProblem.Place {
    /// `weir.yaml:12:5`.
    func text(in file: String) -> String {
        switch self {
        case .line(let line, let column): "\(file):\(line):\(column)"
        case .variable(let name): "environment variable \(name)"
        case .file: file
        }
    }
}

/// What can be wrong at one place of a configuration.
public enum ConfigurationFault: Equatable, Sendable {
    /// The file cannot be opened or read.
    case unreadable(reason: String)
    /// The file is longer than a configuration may be.
    case tooLong(limit: Int)
    /// Not UTF-8.
    case notText(byte: UInt8)
    /// A character that YAML does not allow.
    case character(UInt32)
    /// Not YAML, in the parser's words.
    case syntax(reason: String)
    /// There is nothing in the file.
    case empty
    /// More levels than a configuration can need.
    case tooDeep(limit: Int)
    /// More values than a configuration can need, once aliases are followed.
    case tooMany(limit: Int)
    /// A key that is no text.
    case keyIsNoText
    /// A YAML tag.
    case tag(String)
    /// A key that stands twice in one mapping.
    case repeatedKey(String, firstLine: Int)
    /// A key that is not known here.
    case unknownKey(String, nearest: String?, known: [String])
    /// A key that must be there.
    case missingKey(String, description: String)
    /// A value of another kind or out of its range.
    case wrongValue(expected: String, found: String, nearest: String? = nil)
    /// Two keys that do not go together, or a value that another one excludes.
    case conflict(String)
    /// A plugin that cannot be loaded.
    case refusedExporter(reason: String)
    /// `${NAME}` where there is no such variable and no default.
    case missingVariable(String)
    /// `${` without a name or without an end.
    case badReference(String)
    /// Environment variables whose values are too long together.
    case variablesTooLong(limit: Int)
    /// A variable that looks like an override, of a key that is not there.
    case unknownOverride(nearest: String?)
}

extension ConfigurationFault {
    func message(in path: String) -> String {
        let here = path.isEmpty ? "" : " in \(path)"
        let prefix = path.isEmpty ? "" : "\(path): "
        return switch self {
        case .unreadable(let reason): "cannot be read: \(reason)"
        case .tooLong(let limit): "longer than \(limit) bytes, which is more than a configuration can need"
        case .notText(let byte):
            "not UTF-8: the byte 0x\(String(byte, radix: 16, uppercase: true)) cannot stand here"
        case .character(let scalar):
            "the character U+\(Self.hexadecimal(scalar)) cannot stand in YAML; in double quotes write it as an escape"
        case .syntax(let reason): reason
        case .empty: "the file is empty: expected a configuration; `weir config example` prints one"
        case .tooDeep(let limit): "nested deeper than \(limit) levels"
        case .tooMany(let limit): "more than \(limit) values, aliases followed"
        case .keyIsNoText: "a key\(here) is no text: expected a name"
        case .tag(let tag): "\(prefix)a configuration has no tags: found '\(tag)'"
        case .repeatedKey(let key, let line): "the key '\(key)'\(here) is there twice; first on line \(line)"
        case .unknownKey("<<", _, _): "merge keys (<<)\(here) are not followed: write the keys out"
        case .unknownKey(let key, let nearest?, _): "unknown key '\(key)'\(here): did you mean '\(nearest)'?"
        case .unknownKey(let key, nil, []): "unknown key '\(key)'\(here), which has none"
        case .unknownKey(let key, nil, let known):
            "unknown key '\(key)'\(here): expected one of \(known.joined(separator: ", "))"
        case .missingKey(let key, let description): "the key '\(key)' is missing\(here): \(description)"
        case .wrongValue(let expected, let found, nil): "\(prefix)expected \(expected), found \(found)"
        case .wrongValue(let expected, let found, let nearest?):
            "\(prefix)expected \(expected), found \(found): did you mean '\(nearest)'?"
        case .conflict(let reason), .refusedExporter(let reason): "\(prefix)\(reason)"
        case .missingVariable(let name):
            "\(prefix)the environment variable \(name) is not set, and there is no default: "
                + "set it, or write ${\(name):default}"
        case .badReference(let reason): "\(prefix)\(reason)"
        case .variablesTooLong(let limit): "\(prefix)the values of environment variables exceed \(limit) bytes"
        case .unknownOverride(let nearest?): "overrides nothing: did you mean \(nearest)?"
        case .unknownOverride(nil): "overrides nothing: no sink of the configuration has such a key"
        }
    }

    private static func hexadecimal(_ scalar: UInt32) -> String {
        let digits = String(scalar, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
