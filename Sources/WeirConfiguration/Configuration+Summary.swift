internal import Weir
internal import WeirExport

extension Configuration {
    /// What sinks share batches by: those that want the same get the same batches, encoded once.
    package struct FeedSummary: Hashable, Sendable {
        package var interval: Duration
        package var isDelta: Bool
        package var level: Int
        /// Patterns of views' names, those with `!` last; `nil` for all views.
        package var match: [String]?
    }

    /// A sink as it is shown to people: nothing of it came from the environment.
    package struct SinkSummary: Sendable {
        package var name: String
        package var exporter: String
        package var policy: String
        package var bounds: String
        package var spill: String
        package var feed: FeedSummary
    }

    /// What the configuration comes to, sink by sink.
    package var sinkSummaries: [SinkSummary] {
        sinkModels.map { sink in
            let isDelta = sink.isDelta ?? false
            let exporting = sink.sink(pluginSearch)
            var bounds = [
                "\(exporting.maximumBatches) batches", SettingKind.Form.bytes(Int64(exporting.maximumBytes)),
            ]
            if let age = exporting.maximumAge { bounds.append(age.spelled) }
            return SinkSummary(
                name: sink.name, exporter: shown(sink.exporter),
                policy: sink.policy.map(\.description) ?? (isDelta ? "coalesce" : "dropOldest"),
                bounds: bounds.joined(separator: ", "), spill: sink.spill.map { shown($0.directory) } ?? "",
                feed: FeedSummary(
                    interval: sink.interval ?? interval, isDelta: isDelta, level: sink.level ?? Int(level),
                    match: sink.match.map { Self.ordered($0.map(shown)) }))
        }
    }

    /// In which order they are written says nothing.
    private static func ordered(_ patterns: [String]) -> [String] {
        let unique = Set(patterns).sorted()
        return unique.filter { !$0.hasPrefix("!") } + unique.filter { $0.hasPrefix("!") }
    }
}
