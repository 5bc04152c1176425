/// Which series to show, in Prometheus' words: `name{tag="value",other=~"regex"}`.
///
/// A series matches when all its matchers do. As in Prometheus, a missing tag matches what an empty value matches, and
/// a regular expression must match the whole value.
package struct Selector {
    package var matchers: [Matcher]

    /// One condition on a tag, or on the view's name under the key ``nameKey``.
    package struct Matcher {
        package var key: String
        package var operation: Operation

        package init(key: String, operation: Operation) {
            self.key = key
            self.operation = operation
        }

        /// Whether a value, empty where the tag is missing, fulfils the condition.
        package func matches(_ value: String) -> Bool {
            switch operation {
            case .equal(let wanted): value == wanted
            case .notEqual(let unwanted): value != unwanted
            case .matching(let pattern): pattern.matchesWhole(value)
            case .notMatching(let pattern): !pattern.matchesWhole(value)
            }
        }
    }

    package enum Operation {
        case equal(String)
        case notEqual(String)
        case matching(Pattern)
        case notMatching(Pattern)
    }

    /// The key that stands for a view's name.
    package static let nameKey = "__name__"

    package init(matchers: [Matcher]) { self.matchers = matchers }

    /// Whether a view may have series that match, judged by its name alone.
    func matches(name: String) -> Bool {
        matchers.allSatisfy { $0.key != Self.nameKey || $0.matches(name) }
    }

    /// Whether a series of a view whose name matches does too.
    func matches(tags: [Tag]) -> Bool {
        matchers.allSatisfy { matcher in
            if matcher.key == Self.nameKey { return true }
            return matcher.matches(tags.first { $0.key == matcher.key }?.value ?? "")
        }
    }
}

/// A regular expression that must match the whole of a value.
package struct Pattern {
    private let regex: Regex<AnyRegexOutput>

    package init(_ text: String) throws {
        regex = try Regex(text)
    }

    func matchesWhole(_ text: String) -> Bool {
        // A failure here would come from a transform, and a pattern made from text has none.
        (try? regex.wholeMatch(in: text)) != nil
    }
}

/// Several selectors: a series is shown when any of them matches, and each when there are none.
package struct Selection {
    package var selectors: [Selector]

    package init(_ selectors: [Selector] = []) { self.selectors = selectors }

    package var isEmpty: Bool { selectors.isEmpty }

    func mayMatch(name: String) -> Bool {
        selectors.isEmpty || selectors.contains { $0.matches(name: name) }
    }

    func matches(name: String, tags: [Tag]) -> Bool {
        selectors.isEmpty || selectors.contains { $0.matches(name: name) && $0.matches(tags: tags) }
    }
}
