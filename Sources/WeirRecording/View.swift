/// How a measure becomes series: which tag keys are kept, and how measurements are aggregated.
///
/// ```swift
/// try register(View("http/latency", of: latency, by: [route, status], as: .distribution()))
/// ```
public struct View: Hashable, Sendable {
    /// The view's name, unique among those that are registered.
    public internal(set) var name: String
    /// For people; the measure's where none is given.
    public internal(set) var description: String
    /// Tag keys that tell series apart. Measurements that differ only in other tags fall together. Empty where all tags
    /// are kept.
    public internal(set) var tagKeys: [TagKey]
    /// The tag keys that go where all others tell series apart; `nil` where ``tagKeys`` do.
    public internal(set) var allTagsBut: [TagKey]?
    /// How measurements become values.
    public internal(set) var aggregation: Aggregation
    /// The most series that the view has at a time; measurements for further ones go to one series that is tagged
    /// `otel.metric.overflow=true`.
    public internal(set) var seriesLimit: Int
    /// Series that have not changed for so long are forgotten when batches are collected; `nil` for never.
    public internal(set) var forgetsIdle: Duration?
    /// Which measurements may become exemplars.
    public internal(set) var exemplars: ExemplarFilter

    let measure: MeasureDefinition

    /// OpenTelemetry's default.
    public static let defaultSeriesLimit = 2_000

    /// A view of a measure.
    ///
    /// - Parameters:
    ///   - name: Printable ASCII, at most 255 characters.
    ///   - measure: What is measured.
    ///   - tagKeys: Tag keys that tell series apart, at most 64.
    ///   - aggregation: How measurements become values.
    ///   - description: For people; the measure's where none is given.
    ///   - seriesLimit: The most series at a time, 1 to 16,777,216.
    ///   - forgetsIdle: After how long without a change a series is forgotten. It ends with an end time, and comes
    ///     back with a new start. Never where a bound recorder holds it.
    ///   - exemplars: Which measurements may become exemplars.
    public init<Value>(
        _ name: String, of measure: Measure<Value>, by tagKeys: [TagKey] = [], as aggregation: Aggregation,
        description: String? = nil, seriesLimit: Int = View.defaultSeriesLimit, forgetsIdle: Duration? = nil,
        exemplars: ExemplarFilter = .alwaysOff
    ) {
        self.init(name, of: measure.definition, by: tagKeys, as: aggregation)
        if let description { self.description = description }
        self.seriesLimit = seriesLimit
        self.forgetsIdle = forgetsIdle
        self.exemplars = exemplars
    }

    init(_ name: String, of measure: MeasureDefinition, by tagKeys: [TagKey] = [], as aggregation: Aggregation) {
        self.name = name
        self.measure = measure
        self.tagKeys = tagKeys
        self.aggregation = aggregation
        description = MeasureInfo.description(of: measure)
        seriesLimit = Self.defaultSeriesLimit
        exemplars = .alwaysOff
    }
}

extension View {
    /// The same view of all tags that a measurement has, whatever their keys are: for measures whose users choose their
    /// tags freely. Its limit of series is all that holds it then.
    ///
    /// - Parameter removed: Tag keys that go, at most 64.
    public func keepingAllTags(but removed: [TagKey] = []) -> View {
        var view = self
        view.tagKeys = []
        view.allTagsBut = removed
        return view
    }

    private var keyWords: String {
        guard let allTagsBut else { return "\(tagKeys.map(\.name))" }
        return allTagsBut.isEmpty ? "all" : "all but \(allTagsBut.map(\.name))"
    }

    /// The first field in which another view of this name differs. A description is none: the first one stays.
    func conflict(with requested: View) -> StatsError? {
        func differs<Field: Equatable>(_ field: String, _ path: (View) -> Field) -> StatsError? {
            let (mine, theirs) = (path(self), path(requested))
            guard mine != theirs else { return nil }
            return .viewConflict(view: name, field: field, registered: "\(mine)", requested: "\(theirs)")
        }
        return differs("measure") { $0.measure.name }
            ?? differs("measure's unit") { $0.measure.unit }
            ?? differs("measure's type") { $0.measure.isDouble ? "Double" : "Int64" }
            ?? differs("tag keys") { $0.keyWords }
            ?? differs("aggregation") { $0.aggregation }
            ?? differs("series limit") { $0.seriesLimit }
            ?? differs("idle time") { $0.forgetsIdle.map { "\($0)" } ?? "none" }
            ?? differs("exemplars") { $0.exemplars }
    }

    /// - Throws: The first field that cannot be used.
    func validate() throws(StatsError) {
        try validateName()
        guard measure.hasUsableName else {
            throw .invalidName(
                kind: "measure", name: measure.name,
                expected: "a letter, then at most 254 letters, digits and '_', '.', '-', '/'")
        }
        try validateSettings()
    }

    func validateName() throws(StatsError) {
        guard (1...255).contains(name.utf8.count), name.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw .invalidName(kind: "view", name: name, expected: "1 to 255 printable ASCII characters")
        }
    }

    /// Bytes of a description or a unit, which every batch has.
    private static let longestText = 65_536

    func validateSettings() throws(StatsError) {
        guard (1...(1 << 24)).contains(seriesLimit) else {
            throw setting("series limit", "\(seriesLimit)", "1 to 16777216")
        }
        if let forgetsIdle, forgetsIdle <= .zero {
            throw setting("idle time", "\(forgetsIdle)", "more than nothing")
        }
        for (field, text) in [("description", description), ("unit", measure.unit.code)] {
            let length = text.utf8.count
            guard length <= Self.longestText else {
                throw setting("length of the \(field)", "\(length) bytes", "at most \(Self.longestText)")
            }
        }
        let keys = tagKeys + (allTagsBut ?? [])
        guard keys.count <= 64 else { throw setting("number of tag keys", "\(keys.count)", "at most 64") }
        for (index, key) in keys.enumerated() {
            guard key.isValid else {
                throw .invalidTagKey(
                    view: name, key: key.name, reason: "is not 1 to 255 bytes without control characters")
            }
            guard !keys[..<index].contains(key) else {
                throw .invalidTagKey(view: name, key: key.name, reason: "appears twice")
            }
        }
        try validateAggregation()
    }

    private func validateAggregation() throws(StatsError) {
        switch aggregation.kind {
        case .count, .sum, .lastValue: return
        case .exponential(let error):
            guard (0.001...0.4).contains(error) else { throw setting("relative error", "\(error)", "0.001 to 0.4") }
        case .distribution(let bounds):
            guard let bounds else { return }
            guard bounds.count <= 1_024 else {
                throw .invalidBounds(view: name, reason: "are \(bounds.count), expected at most 1024")
            }
            for (index, bound) in bounds.enumerated() {
                guard bound.isFinite else {
                    throw .invalidBounds(view: name, reason: "hold \(bound), expected finite numbers")
                }
                guard index == 0 || bounds[index - 1] < bound else {
                    throw .invalidBounds(
                        view: name, reason: "hold \(bound) after \(bounds[index - 1]), expected ascending ones")
                }
            }
        }
    }

    private func setting(_ setting: String, _ found: String, _ expected: String) -> StatsError {
        .invalidSetting(view: name, setting: setting, found: found, expected: expected)
    }
}

extension MeasureDefinition {
    var hasUsableName: Bool {
        func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte & 0xDF) }
        guard (1...255).contains(name.utf8.count), let first = name.utf8.first, isLetter(first) else { return false }
        return name.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) || "_.-/".utf8.contains($0) }
    }
}
