/// A pattern over names, as shells know them: `*` stands for anything, `/` too, `?` for one character.
///
/// Matching takes at most the product of both lengths, whatever the pattern is.
package struct NamePattern: Hashable, Sendable, CustomStringConvertible {
    private let bytes: [UInt8]

    package init(_ text: some StringProtocol) {
        bytes = Array(text.utf8)
    }

    package var description: String { String(decoding: bytes, as: UTF8.self) }

    package var isEmpty: Bool { bytes.isEmpty }

    /// Whether it can match more than one name.
    package var hasWildcards: Bool { bytes.contains { $0 == Self.star || $0 == Self.anyOne } }

    private static let star = UInt8(ascii: "*")
    private static let anyOne = UInt8(ascii: "?")

    package func matches(_ name: String) -> Bool { matches(Array(name.utf8)) }

    /// - Parameter name: In UTF-8.
    package func matches(_ name: [UInt8]) -> Bool {
        var (next, place) = (0, 0)
        // What stands behind the last star, and the first byte that the star does not stand for. An earlier star need
        // not be looked at again: what it leaves out, a later one can take.
        var last: (next: Int, beyond: Int)?
        while place < name.count {
            if next < bytes.count, bytes[next] == Self.star {
                next += 1
                last = (next, place)
            } else if next < bytes.count, bytes[next] == Self.anyOne {
                next += 1
                place += 1
                while place < name.count, name[place] & 0xC0 == 0x80 { place += 1 }
            } else if next < bytes.count, bytes[next] == name[place] {
                next += 1
                place += 1
            } else if let star = last {
                last = (star.next, star.beyond + 1)
                (next, place) = (star.next, star.beyond + 1)
            } else {
                return false
            }
        }
        return bytes[next...].allSatisfy { $0 == Self.star }
    }
}
