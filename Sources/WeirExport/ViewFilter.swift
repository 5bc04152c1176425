internal import WeirRecording

/// Which views a feed has, by patterns over their names: `http/*`, `!debug/*`.
///
/// A view is in the feed where a pattern matches, or all are of those with `!`, and none with `!` does; their order says
/// nothing. Weir's own views (`weir.*`) are in every feed unless a pattern with `!` matches them: without them nobody
/// could see what a sink lost.
package struct ViewFilter: Hashable, Sendable {
    private let included: Set<NamePattern>
    private let excluded: Set<NamePattern>

    /// All views.
    package static let all = ViewFilter()

    private init() { (included, excluded) = ([], []) }

    /// The first pattern without a character to match is at fault.
    package init(_ patterns: [String]) throws(ViewFilterFault) {
        var (included, excluded): (Set<NamePattern>, Set<NamePattern>) = ([], [])
        for text in patterns {
            let isExcluding = text.utf8.first == UInt8(ascii: "!")
            let pattern = NamePattern(isExcluding ? text.dropFirst() : text[...])
            guard !pattern.isEmpty else { throw ViewFilterFault(pattern: text) }
            if isExcluding { excluded.insert(pattern) } else { included.insert(pattern) }
        }
        (self.included, self.excluded) = (included, excluded)
    }

    package var isAll: Bool { included.isEmpty && excluded.isEmpty }

    package func matches(_ name: String) -> Bool {
        let name = Array(name.utf8)
        if excluded.contains(where: { $0.matches(name) }) { return false }
        return included.isEmpty || name.starts(with: "weir.".utf8) || included.contains { $0.matches(name) }
    }
}

/// A pattern that matches nothing.
package struct ViewFilterFault: Error, Equatable, Sendable {
    package let pattern: String
}
