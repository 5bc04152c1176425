private import Yams

/// A YAML text as a tree of values, each with its place. With ``YAMLErrors`` all that knows the YAML parser.
///
/// Hostile texts cost little: their length is bounded, the parser's own recursion ends at a thousand levels, ours long
/// before, and aliases are followed to a bounded number of values.
struct YAMLDocument {
    private let reading: Reading
    private var masked: MaskedText
    /// What anchors that were passed already name, and how many values that is.
    private var anchors: [Substring: (value: Value, count: Int)] = [:]
    /// Values that may still be made.
    private var room = Self.valueLimit

    static let depthLimit = 32
    static let valueLimit = 100_000

    /// Reports what is wrong.
    ///
    /// - Returns: `nil` where there is no tree.
    static func read(_ reading: Reading) -> Value? {
        guard let masked = MaskedText(reading.source.text) else {
            reading.report(
                .syntax(reason: "the file uses the characters from U+F0000 on, which nobody does"), at: .file)
            return nil
        }
        var document = YAMLDocument(reading: reading, masked: masked)
        return document.parse()
    }

    private init(reading: Reading, masked: MaskedText) {
        self.reading = reading
        self.masked = masked
    }

    private mutating func parse() -> Value? {
        while true {
            do {
                // Every scalar is a text to this resolver: what it means is decided where it is read.
                let parser = try Parser(yaml: masked.text, resolver: .basic, encoding: .utf8)
                guard let root = try parser.singleRoot() else {
                    reading.report(.empty, at: .file)
                    return nil
                }
                // The parser holds the anchors' names.
                return withExtendedLifetime(parser) { value(root, depth: 0) }
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                let mark = context.mark
                if let key = keys.first, masked.hide(key, line: mark.line, column: mark.column) { continue }
                reading.report(
                    .repeatedKey(masked.original(keys.first ?? ""), firstLine: mark.line), at: mark.place)
                return nil
            } catch {
                YAMLErrors(reading: reading).report(error)
                return nil
            }
        }
    }

    private mutating func value(_ node: Node, depth: Int) -> Value {
        let place = node.mark?.place ?? .file
        guard depth < Self.depthLimit else {
            reading.report(.tooDeep(limit: Self.depthLimit), at: place)
            return broken(at: place)
        }
        if case .scalar(let scalar) = node, scalar.style == .plain {
            if let name = masked.alias(scalar.string) { return anchored(name, at: place) }
            if masked.isBadAlias(scalar.string) {
                reading.report(.syntax(reason: "a value that begins with '*' needs quotes"), at: place)
            }
        }
        let before = room
        guard take(1, at: place) else { return broken(at: place) }
        checkTag(node, at: place)
        let value = Value(form: form(of: node, at: place, depth: depth), place: place)
        if let anchor = node.anchor { anchors[anchor.rawValue[...]] = (value, before - room) }
        return value
    }

    private mutating func form(of node: Node, at place: ConfigurationProblem.Place, depth: Int) -> Value.Form {
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain
            if isPlain, ["", "~", "null", "Null", "NULL"].contains(scalar.string) { return .nothing }
            let text = masked.original(scalar.string)
            return .scalar(reading.scalar(text, quote: scalar.style.quote, at: place))
        case .sequence(let sequence):
            return .list(sequence.map { value($0, depth: depth + 1) })
        case .mapping(let mapping):
            return .mapping(entries(mapping, depth: depth + 1))
        case .alias:
            // Masked, there are none.
            return .nothing
        }
    }

    private mutating func entries(_ mapping: Node.Mapping, depth: Int) -> [Entry] {
        var entries: [Entry] = []
        var lines: [String: Int] = [:]
        for (key, node) in mapping {
            let place = key.mark?.place ?? .file
            let value = value(node, depth: depth)
            guard case .scalar(let scalar) = key, scalar.style != .plain || masked.alias(scalar.string) == nil else {
                reading.report(.keyIsNoText, at: place)
                continue
            }
            checkTag(key, at: place)
            let name = masked.original(scalar.string)
            let extent = SourceText.Extent.exact(scalar.style.quote + name + scalar.style.quote)
            if let line = lines[name] {
                reading.report(
                    .repeatedKey(Scalar.shortened(name), firstLine: line), at: place, extent: extent)
            } else {
                lines[name] = key.mark?.line ?? 0
                entries.append(Entry(key: name, place: place, value: value, extent: extent))
            }
        }
        return entries
    }

    private mutating func anchored(_ name: Substring, at place: ConfigurationProblem.Place) -> Value {
        guard let (value, count) = anchors[name] else {
            reading.report(
                .syntax(reason: "the alias '*\(name)' has no anchor '&\(name)' before it"), at: place,
                extent: .exact("*\(name)"))
            return broken(at: place)
        }
        return take(count, at: place) ? value : broken(at: place)
    }

    /// A value of which is told already what is wrong.
    private func broken(at place: ConfigurationProblem.Place) -> Value {
        Value(form: .scalar(Scalar(text: "", written: "", isBroken: true)), place: place)
    }

    /// Says once where there are too many.
    private mutating func take(_ count: Int, at place: ConfigurationProblem.Place) -> Bool {
        if room >= count {
            room -= count
            return true
        }
        if room >= 0 { reading.report(.tooMany(limit: Self.valueLimit), at: place) }
        room = -1
        return false
    }

    private func checkTag(_ node: Node, at place: ConfigurationProblem.Place) {
        let tag =
            switch node {
            case .scalar(let scalar): scalar.tag
            case .sequence(let sequence): sequence.tag
            case .mapping(let mapping): mapping.tag
            case .alias(let alias): alias.tag
            }
        let allowed: [Tag.Name] = [.implicit, .nonSpecific, .str, .seq, .map]
        guard !allowed.contains(where: { $0.rawValue == tag.description }) else { return }
        reading.report(.tag(Scalar.shortened(tag.description)), at: place)
    }
}

extension Mark {
    fileprivate var place: ConfigurationProblem.Place { .line(line, column: column) }
}

extension Node.Scalar.Style {
    fileprivate var quote: String {
        switch self {
        case .singleQuoted: "'"
        case .doubleQuoted: "\""
        case .any, .plain, .literal, .folded: ""
        }
    }
}
