/// What whoever runs a program wants otherwise than its code says: a change of all views whose name matches.
///
/// ```swift
/// ViewRule("http/*", removing: [tenant], seriesLimit: 500)
/// ```
///
/// What a rule leaves out stays as the code has it. Nothing of this costs a measurement anything: a rule makes another
/// ``View`` of the one that the code registers, and measurements see that one alone.
public struct ViewRule: Hashable, Sendable {
    /// Which views, by the name that the code gives them: `*` stands for any characters, `?` for any one.
    public var pattern: String
    /// Whether the views are left out: their measurements cost what those of a measure without a view cost. Up-down sums
    /// are recorded on unseen, so that their level is right when a later rule brings them back.
    public var drops = false
    /// Another name. No two views have one: where a name is taken, a view keeps its own, and the rule's problem is told.
    public var name: String?
    /// Another description.
    public var description: String?
    /// The tag keys that stay, of those that the view has.
    public var keepsOnly: [TagKey]?
    /// Tag keys that go. Series that differ in nothing else fall together.
    public var removes: [TagKey] = []
    /// Other buckets, where the view is a distribution of either kind; others stay as they are.
    public var buckets: Buckets?
    /// Another limit.
    public var seriesLimit: Int?
    /// Another time after which a series that does not change is forgotten.
    public var forgetsIdle: Duration?
    /// Other measurements that may become exemplars.
    public var exemplars: ExemplarFilter?

    /// How a distribution divides values.
    public enum Buckets: Hashable, Sendable {
        /// Upper bounds, ascending.
        case bounds([Double])
        /// An exponential distribution.
        case exponential(relativeError: Double)
    }

    /// A rule.
    ///
    /// - Parameters:
    ///   - pattern: Which views, by the name that the code gives them.
    ///   - name: Another name.
    ///   - description: Another description.
    ///   - keepsOnly: The tag keys that stay.
    ///   - removing: Tag keys that go.
    ///   - buckets: Other buckets of a distribution.
    ///   - seriesLimit: Another limit.
    ///   - forgetsIdle: After how long without a change a series is forgotten.
    ///   - exemplars: Which measurements may become exemplars.
    public init(
        _ pattern: String, name: String? = nil, description: String? = nil, keepingOnly keepsOnly: [TagKey]? = nil,
        removing: [TagKey] = [], buckets: Buckets? = nil, seriesLimit: Int? = nil, forgetsIdle: Duration? = nil,
        exemplars: ExemplarFilter? = nil
    ) {
        self.pattern = pattern
        self.name = name
        self.description = description
        self.keepsOnly = keepsOnly
        self.removes = removing
        self.buckets = buckets
        self.seriesLimit = seriesLimit
        self.forgetsIdle = forgetsIdle
        self.exemplars = exemplars
    }

    /// A rule that leaves views out.
    public static func dropping(_ pattern: String) -> ViewRule {
        var rule = ViewRule(pattern)
        rule.drops = true
        return rule
    }

    /// The view that the rule makes of one that it matches; its name apart, which others may have.
    func applied(to view: View) -> View {
        var changed = view
        if let description { changed.description = description }
        changed.changeKeys(keepingOnly: keepsOnly, removing: removes)
        if let buckets { changed.aggregation.apply(buckets) }
        if let seriesLimit { changed.seriesLimit = seriesLimit }
        if let forgetsIdle { changed.forgetsIdle = forgetsIdle }
        if let exemplars { changed.exemplars = exemplars }
        return changed
    }

    /// Finds what no view could be changed to.
    ///
    /// - Throws: ``StatsError`` of the first field that cannot be used.
    public func validate() throws(StatsError) {
        let number = MeasureDefinition(name: "measure", unit: .one, isDouble: true)
        let view = View(name ?? pattern, of: number, as: .distribution())
        if name != nil { try view.validateName() }
        try applied(to: view).validateSettings()
    }
}

extension View {
    fileprivate mutating func changeKeys(keepingOnly keepsOnly: [TagKey]?, removing removes: [TagKey]) {
        if let keepsOnly {
            tagKeys =
                allTagsBut.map { gone in keepsOnly.filter { !gone.contains($0) } }
                ?? tagKeys.filter { keepsOnly.contains($0) }
            allTagsBut = nil
        }
        tagKeys.removeAll { removes.contains($0) }
        if let gone = allTagsBut { allTagsBut = gone + removes.filter { !gone.contains($0) } }
    }
}

extension Aggregation {
    fileprivate mutating func apply(_ buckets: ViewRule.Buckets) {
        switch kind {
        case .count, .sum, .lastValue: break
        case .distribution, .exponential:
            switch buckets {
            case .bounds(let bounds): kind = .distribution(bounds: bounds)
            case .exponential(let error): kind = .exponential(relativeError: error)
            }
        }
    }
}
