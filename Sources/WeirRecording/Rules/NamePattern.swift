/// A pattern over names, as shells know them: `*` stands for any characters, `/` among them, `?` for any one.
///
/// Matching takes at most the product of both lengths, whatever the pattern is.
package struct NamePattern: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package var description: String { text }

    /// Whether it can match more than one name.
    package var hasWildcards: Bool { text.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") } }

    package func matches(_ name: String) -> Bool {
        let (pattern, name) = (Array(text.unicodeScalars), Array(name.unicodeScalars))
        var (next, place) = (0, 0)
        // Where the last star stands, and the first character that it does not stand for. An earlier star need not be
        // looked at again: what it leaves out, a later one can take.
        var (star, beyond) = (-1, 0)
        while place < name.count {
            if next < pattern.count, pattern[next] == "*" {
                (star, beyond) = (next, place)
                next += 1
            } else if next < pattern.count, pattern[next] == "?" || pattern[next] == name[place] {
                next += 1
                place += 1
            } else if star >= 0 {
                beyond += 1
                (next, place) = (star + 1, beyond)
            } else {
                return false
            }
        }
        return pattern[next...].allSatisfy { $0 == "*" }
    }
}
