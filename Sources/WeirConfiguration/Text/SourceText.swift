/// A configuration's text, and its lines as errors show them.
struct SourceText: Sendable {
    let name: String
    let text: String
    /// Divided where YAML divides lines.
    private let lines: [Substring]

    /// In bytes. Thousands of views fit.
    static let limit = 1 << 20

    /// - Throws: Where it is too long, or no text that YAML allows.
    init(_ bytes: [UInt8], name: String) throws(ConfigurationError) {
        guard bytes.count <= Self.limit else {
            throw ConfigurationError([Self.problem(.tooLong(limit: Self.limit), in: name)])
        }
        // Editors on some systems begin every file with a mark of its encoding.
        let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
        self.init(checked: String(decoding: content, as: UTF8.self), name: name)
        if let problem = firstUnusable(in: content) { throw ConfigurationError([problem]) }
    }

    /// A text of a file that could not be read, too: it has no lines to show.
    init(checked text: String, name: String) {
        self.name = name
        self.text = text
        lines = Self.lines(of: text)
    }

    static func problem(_ fault: ConfigurationFault, in name: String) -> ConfigurationProblem {
        ConfigurationProblem(file: name, place: .file, path: "", fault: fault, excerpt: "")
    }

    /// How much of a line a problem is about, from its place on.
    enum Extent {
        case character
        /// A text, if it stands there: one of several lines does not.
        case exact(String)
        /// The first such text behind the place, or there.
        case within(String)
    }

    /// The problem with its line of the file.
    func problem(
        _ fault: ConfigurationFault, at place: ConfigurationProblem.Place, path: String = "",
        extent: Extent = .character
    ) -> ConfigurationProblem {
        guard case .line(let line, let column) = place else {
            return ConfigurationProblem(file: name, place: place, path: path, fault: fault, excerpt: "")
        }
        // The parser finds that something is missing behind the last line.
        guard line <= lines.count else {
            let last = max(lines.count, 1)
            let end = (self.line(last)?.unicodeScalars.count ?? 0) + 1
            return ConfigurationProblem(
                file: name, place: .line(last, column: end), path: path, fault: fault,
                excerpt: excerpt(line: last, column: end, length: 1))
        }
        let (offset, length) = find(extent, in: rest(line: line, column: column))
        return ConfigurationProblem(
            file: name, place: .line(line, column: column + offset), path: path, fault: fault,
            excerpt: excerpt(line: line, column: column + offset, length: length))
    }

    private func find(_ extent: Extent, in rest: Substring) -> (offset: Int, length: Int) {
        switch extent {
        case .character:
            return (0, 1)
        case .exact(let text):
            return (0, rest.hasPrefix(text) ? text.unicodeScalars.count : 1)
        case .within(let text):
            let (scalars, wanted) = (Array(rest.unicodeScalars), Array(text.unicodeScalars))
            guard scalars.count >= wanted.count,
                let offset = (0...scalars.count - wanted.count).first(where: { scalars[$0...].starts(with: wanted) })
            else { return (0, 1) }
            return (offset, wanted.count)
        }
    }

    /// From 1.
    func line(_ number: Int) -> Substring? {
        lines.indices.contains(number - 1) ? lines[number - 1] : nil
    }

    /// What stands on a line from a column on.
    func rest(line number: Int, column: Int) -> Substring {
        guard let line = line(number) else { return "" }
        let scalars = line.unicodeScalars
        let start = scalars.index(scalars.startIndex, offsetBy: max(0, column - 1), limitedBy: scalars.endIndex)
        return line[(start ?? line.endIndex)...]
    }

    /// A line number, the line, and below it a caret and waves. Of a long line the part around the caret.
    private func excerpt(line number: Int, column: Int, length: Int) -> String {
        guard let line = line(number) else { return "" }
        let scalars = Array(line.unicodeScalars.map { Self.isShown($0) ? $0 : " " })
        let first = scalars.count <= 120 ? 0 : max(0, column - 1 - 60)
        let shown = scalars[min(first, scalars.count)...].prefix(120)
        var text = first > 0 ? "…" : ""
        text.unicodeScalars.append(contentsOf: shown)
        if first + shown.count < scalars.count { text += "…" }
        let before = column - 1 - first + (first > 0 ? 1 : 0)
        let waves = max(0, min(length, shown.count - (column - 1 - first)) - 1)
        let margin = "\(number)"
        let left = String(repeating: " ", count: max(0, 5 - margin.count)) + margin
        return "\(left) | \(text)\n" + String(repeating: " ", count: left.count) + " | "
            + String(repeating: " ", count: before) + "^" + String(repeating: "~", count: waves)
    }

    /// Whether a terminal shows it as one character. Tabs do not, nor do marks that turn the direction of writing.
    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }

    private static func lines(of text: String) -> [Substring] {
        var lines: [Substring] = []
        let scalars = text.unicodeScalars
        var (start, index) = (scalars.startIndex, scalars.startIndex)
        while index < scalars.endIndex {
            let next = scalars.index(after: index)
            switch scalars[index] {
            case "\n", "\u{85}", "\u{2028}", "\u{2029}":
                lines.append(text[start..<index])
                start = next
            case "\r":
                lines.append(text[start..<index])
                // A line feed behind it is not another line's end.
                start = next < scalars.endIndex && scalars[next] == "\n" ? scalars.index(after: next) : next
                index = start
                continue
            default: break
            }
            index = next
        }
        if start < scalars.endIndex { lines.append(text[start...]) }
        return lines
    }

    /// The first thing that is no UTF-8, or no character of YAML.
    private func firstUnusable(in bytes: ArraySlice<UInt8>) -> ConfigurationProblem? {
        var (line, column, offset) = (1, 1, bytes.startIndex)
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var previous: Unicode.Scalar = " "
        while true {
            switch parser.parseScalar(from: &iterator) {
            case .emptyInput: return nil
            case .error:
                return problem(.notText(byte: bytes[offset]), at: .line(line, column: column))
            case .valid(let encoded):
                let scalar = Unicode.UTF8.decode(encoded)
                guard Self.isAllowed(scalar) else {
                    return problem(.character(scalar.value), at: .line(line, column: column))
                }
                offset += encoded.count
                switch scalar {
                case "\n" where previous == "\r": break
                case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": (line, column) = (line + 1, 1)
                default: column += 1
                }
                previous = scalar
            }
        }
    }

    /// The characters of YAML 1.2.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF:
            true
        default: false
        }
    }
}
