/// All that whoever runs a program wants otherwise than its code says, of any view: rules and limits.
public struct ViewRules: Hashable, Sendable {
    /// Applied in this order: where two change the same field of a view, the later one wins.
    public var rules: [ViewRule]
    /// The limit of views that have ``View/defaultSeriesLimit``, before any rule.
    public var seriesLimit: Int?
    /// Bytes of a tag's value, 64 to 1,048,576 or the nearest of these; 1,024 where nothing is said. A longer one is cut at a character's boundary
    /// and ends in `…`, which counts; `weir.tags.cut` counts such values.
    ///
    /// The limit is the whole process's, that of the ``Stats`` whose rules set it last. It holds for values that are given
    /// from then on: ``Tags`` that were built before, and series, keep theirs.
    public var tagValueBytes: Int?

    /// Rules.
    public init(_ rules: [ViewRule] = [], seriesLimit: Int? = nil, tagValueBytes: Int? = nil) {
        self.rules = rules
        self.seriesLimit = seriesLimit
        self.tagValueBytes = tagValueBytes
    }

    var isEmpty: Bool { rules.isEmpty && seriesLimit == nil && tagValueBytes == nil }
}

/// Why a rule did not make of a view what it says. The view is as its code has it then, the name or all of it.
public enum ViewRuleProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another view has the name, or another rule gives it.
    case nameTaken(view: String, name: String)
    /// What came out is no view that could be registered.
    case unusable(view: String, reason: String)

    /// What is wrong, and with which view.
    public var description: String {
        switch self {
        case .nameTaken(let view, let name):
            "view '\(view)' keeps its name: '\(name)', which a rule gives it, is that of another view"
        case .unusable(let view, let reason):
            "view '\(view)' stays as it is: a rule would make a view of it that cannot be: \(reason)"
        }
    }
}

/// What rules make of views.
struct RuledViews {
    /// In the order of the views as they were asked for; `nil` for one that is left out.
    private(set) var results: [(requested: View, ruled: View?)] = []
    private(set) var problems: [ViewRuleProblem] = []
    /// Names that rules gave to views.
    private(set) var givenNames: Set<String> = []

    /// - Parameter isTaken: Whether a name is not to be given: all that code asks for, so that what views are called does
    ///   not depend on when they were registered, and those that views beside these were given.
    init(_ views: [View], _ rules: ViewRules, isTaken: (String) -> Bool) {
        let matchers = rules.rules.map { (pattern: NamePattern($0.pattern), rule: $0) }
        for view in views {
            let matching = matchers.filter { $0.pattern.matches(view.name) }.map(\.rule)
            if matching.contains(where: \.drops) {
                results.append((view, nil))
                continue
            }
            var start = view
            if let limit = rules.seriesLimit, view.seriesLimit == View.defaultSeriesLimit { start.seriesLimit = limit }
            var ruled = matching.reduce(start) { $1.applied(to: $0) }
            ruled.name = name(for: view, matching, isTaken)
            results.append((view, usable(ruled) ? ruled : view))
        }
    }

    private mutating func name(for view: View, _ matching: [ViewRule], _ isTaken: (String) -> Bool) -> String {
        guard let name = matching.last(where: { $0.name != nil })?.name, name != view.name else { return view.name }
        guard !isTaken(name), givenNames.insert(name).inserted else {
            problems.append(.nameTaken(view: view.name, name: name))
            return view.name
        }
        return name
    }

    private mutating func usable(_ view: View) -> Bool {
        do throws(StatsError) {
            try view.validate()
            return true
        } catch {
            problems.append(.unusable(view: view.name, reason: error.description))
            return false
        }
    }
}
