/// Which views a feed has, by patterns over their names: `http/*`, `!debug/*`.
///
/// A view is in the feed where a pattern matches, or all are of those with `!`, and none with `!` does; their order says
/// nothing. Weir's own views (`weir.*`) are in every feed unless a pattern with `!` matches them: without them nobody
/// could see what a sink lost.
package struct ViewFilter: Hashable, Sendable {
    private let included: Set<[UInt8]>
    private let excluded: Set<[UInt8]>

    /// All views.
    package static let all = ViewFilter()

    private init() { (included, excluded) = ([], []) }

    /// The first pattern without a character to match is at fault.
    package init(_ patterns: [String]) throws(ViewFilterFault) {
        var (included, excluded): (Set<[UInt8]>, Set<[UInt8]>) = ([], [])
        for pattern in patterns {
            let bytes = Array(pattern.utf8)
            let isExcluding = bytes.first == UInt8(ascii: "!")
            let glob = Array(isExcluding ? bytes.dropFirst() : bytes[...])
            guard !glob.isEmpty else { throw ViewFilterFault(pattern: pattern) }
            if isExcluding { excluded.insert(glob) } else { included.insert(glob) }
        }
        (self.included, self.excluded) = (included, excluded)
    }

    package var isAll: Bool { included.isEmpty && excluded.isEmpty }

    package func matches(_ name: String) -> Bool {
        let name = Array(name.utf8)
        if excluded.contains(where: { Self.matches($0, name) }) { return false }
        return included.isEmpty || name.starts(with: "weir.".utf8) || included.contains { Self.matches($0, name) }
    }

    /// `*` stands for any bytes, `?` for one character. Goes back to the last `*` alone, so that a pattern of many costs
    /// no more than both lengths multiplied.
    static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var (place, position) = (0, 0)
        var star: (place: Int, position: Int)?
        while position < name.count {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                star = (place, position)
                place += 1
            } else if place < pattern.count, pattern[place] == UInt8(ascii: "?") {
                place += 1
                position += 1
                while position < name.count, name[position] & 0xC0 == 0x80 { position += 1 }
            } else if place < pattern.count, pattern[place] == name[position] {
                place += 1
                position += 1
            } else if let last = star {
                star = (last.place, last.position + 1)
                (place, position) = (last.place + 1, last.position + 1)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

/// A pattern that matches nothing.
package struct ViewFilterFault: Error, Equatable, Sendable {
    package let pattern: String
}
