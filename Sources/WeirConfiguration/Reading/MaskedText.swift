/// A text as the parser gets it: with characters in place of those that the parser must not see.
///
/// - Aliases. The parser puts values in their place and compares the keys of mappings before anybody can look at them;
///   a few lines of aliases of aliases take as long as they please. Masked, an alias is a word like any other, which
///   ``YAMLDocument`` follows as far as it likes.
/// - The first of two equal keys. The parser stops at such a pair, and tells of one mapping alone. Masked, all of them
///   are found, with everything else that is wrong.
///
/// Each character stands for one, so no place moves. They are characters that nobody uses, and of which the text has none.
struct MaskedText {
    private(set) var text: String
    private let star: Unicode.Scalar
    private var hiddenKeys: [Unicode.Scalar: String] = [:]
    private var free: ArraySlice<Unicode.Scalar>

    /// How many keys can be hidden: each costs another parsing.
    static let keyLimit = 10

    /// `nil` for a text that uses the characters that nobody uses.
    init?(_ original: String) {
        let used = Set(original.unicodeScalars.lazy.filter { $0.value >= 0xF0000 })
        let free = (0..<512).lazy.compactMap { Unicode.Scalar(0xF0000 + UInt32($0)) }.filter { !used.contains($0) }
            .prefix(Self.keyLimit + 1)
        guard free.count > Self.keyLimit, let star = free.first else { return nil }
        self.star = star
        self.free = Array(free.dropFirst())[...]
        var masked = String.UnicodeScalarView()
        var isAfterStar = false
        for scalar in original.unicodeScalars {
            if isAfterStar { masked.append(Self.isNameCharacter(scalar) ? star : "*") }
            isAfterStar = scalar == "*"
            if !isAfterStar { masked.append(scalar) }
        }
        if isAfterStar { masked.append("*") }
        text = String(masked)
    }

    /// Hides the key at a place.
    ///
    /// - Returns: Whether it could be.
    mutating func hide(_ key: String, line: Int, column: Int) -> Bool {
        guard let mask = free.first else { return false }
        var scalars = Array(text.unicodeScalars)
        guard !key.isEmpty, var start = Self.offset(line: line, column: column, in: scalars) else { return false }
        if start < scalars.count, scalars[start] == "\"" || scalars[start] == "'" { start += 1 }
        let wanted = Array(key.unicodeScalars)
        guard scalars[start...].starts(with: wanted) else { return false }
        for index in start..<start + wanted.count { scalars[index] = mask }
        free.removeFirst()
        hiddenKeys[mask] = key
        var changed = String.UnicodeScalarView()
        changed.append(contentsOf: scalars)
        text = String(changed)
        return true
    }

    /// The name of the alias that a plain scalar is.
    func alias(_ scalar: String) -> Substring? {
        guard scalar.unicodeScalars.first == star else { return nil }
        return scalar.unicodeScalars.dropFirst().allSatisfy(Self.isNameCharacter)
            ? Substring(scalar.unicodeScalars.dropFirst()) : nil
    }

    /// Whether a plain scalar begins as aliases do, and is none.
    func isBadAlias(_ scalar: String) -> Bool {
        scalar.unicodeScalars.first == star && alias(scalar) == nil
    }

    /// What the file has.
    func original(_ masked: String) -> String {
        if let first = masked.unicodeScalars.first, let key = hiddenKeys[first] { return original(key) }
        guard masked.unicodeScalars.contains(star) else { return masked }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: masked.unicodeScalars.lazy.map { $0 == star ? "*" : $0 })
        return String(text)
    }

    private static func isNameCharacter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: false
        }
    }

    private static func offset(line: Int, column: Int, in scalars: [Unicode.Scalar]) -> Int? {
        var (current, index) = (1, 0)
        while current < line, index < scalars.count {
            switch scalars[index] {
            case "\r" where index + 1 < scalars.count && scalars[index + 1] == "\n": break
            case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": current += 1
            default: break
            }
            index += 1
        }
        let offset = index + column - 1
        return current == line && offset <= scalars.count ? offset : nil
    }
}
