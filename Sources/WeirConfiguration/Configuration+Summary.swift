internal import Weir
internal import WeirExport

extension Configuration {
    /// What sinks share batches by: those that want the same get the same batches, encoded once.
    package struct FeedSummary: Hashable, Sendable {
        package var interval: Duration
        package var isDelta: Bool
        package var level: Int
        /// Patterns of views' names; `nil` for all views.
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
            let bytes = Int64(sink.maximumBytes ?? 32 << 20)
            var bounds = ["\(sink.maximumBatches ?? 256) batches", SettingKind.Form.bytes(bytes)]
            if let age = sink.maximumAge { bounds.append(age.spelled) }
            return SinkSummary(
                name: sink.name, exporter: shown(sink.exporter),
                policy: sink.policy.map(\.description) ?? (isDelta ? "coalesce" : "dropOldest"),
                bounds: bounds.joined(separator: ", "), spill: sink.spill.map { shown($0.directory) } ?? "",
                feed: FeedSummary(
                    interval: sink.interval ?? interval, isDelta: isDelta, level: sink.level ?? Int(level),
                    match: sink.match.map { $0.map(shown) }))
        }
    }
}
