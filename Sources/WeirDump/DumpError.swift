/// What can be wrong with how a dump was asked for.
package enum DumpError: Error, Equatable {
    /// Neither a moment nor a time ago.
    case time(found: String)
    /// A selector that cannot be read. The column counts characters from 0.
    case selector(text: String, column: Int, expected: String, found: String)
}

extension DumpError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .time(let found):
            return """
                expected a time like 2026-11-24T13:38:22Z or a time ago like 10m or 2h30m, found '\(found)'
                """
        case .selector(let text, let column, let expected, let found):
            return """
                expected \(expected), found \(found)
                  \(text)
                  \(String(repeating: " ", count: column))^
                """
        }
    }
}
