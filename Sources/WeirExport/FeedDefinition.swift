package import WeirBatch

/// What makes a feed: sinks that agree in all of this share its batches, byte for byte.
package struct FeedDefinition: Hashable, Sendable {
    /// From a nanosecond to a year.
    package let intervalNanoseconds: UInt64
    package let temporality: ViewColumns.Temporality
    package let filter: ViewFilter
    /// zstd's.
    package let level: Int32
    /// The sink that asks for this feed's collections; nil for a feed that ticks, and may be shared.
    package private(set) var requester: String?
    /// Whether it is collected every interval.
    package private(set) var isTicking = true

    /// The feed of a sink that was opened: its own where its exporter asks for collections, and then ticking only where
    /// the user wants that.
    func adapted(to sink: SinkWorker) -> FeedDefinition {
        guard sink.collectsOnRequest else { return self }
        return asked(by: sink.name, isTicking: sink.configuration.intervalNanoseconds != nil)
    }

    /// The feed of one sink that asks for collections.
    func asked(by sink: String, isTicking: Bool = false) -> FeedDefinition {
        var own = self
        own.requester = sink
        own.isTicking = isTicking
        return own
    }

    private static let longestInterval: Int64 = 366 * 86_400 * 1_000_000_000

    /// The feed of sinks that say nothing of their own.
    init(_ pipeline: Pipeline.Configuration) throws(ExportError) {
        guard 1...Self.longestInterval ~= pipeline.intervalNanoseconds else {
            throw .interval(nanoseconds: pipeline.intervalNanoseconds)
        }
        intervalNanoseconds = UInt64(pipeline.intervalNanoseconds)
        temporality = .cumulative
        filter = .all
        level = pipeline.level
    }

    /// The feed that a sink wants.
    init(_ sink: SinkConfiguration, in pipeline: Pipeline.Configuration) throws(ExportError) {
        func fault(_ key: String, _ wanted: String, _ found: String) -> ExportError {
            .setting(sink: sink.name, .invalid(key: key, wanted: wanted, found: found))
        }
        let interval = sink.intervalNanoseconds ?? pipeline.intervalNanoseconds
        guard 1...Self.longestInterval ~= interval else {
            throw fault("interval", "more than nothing and at most a year", "\(interval) ns")
        }
        intervalNanoseconds = UInt64(interval)
        temporality = sink.temporality
        level = sink.level ?? pipeline.level
        if let own = sink.level, !BatchEncoder.levels.contains(own) {
            throw fault("level", "\(BatchEncoder.levels.lowerBound) to \(BatchEncoder.levels.upperBound)", "\(own)")
        }
        do throws(ViewFilterFault) {
            filter = try sink.match.map { patterns throws(ViewFilterFault) in try ViewFilter(patterns) } ?? .all
        } catch {
            throw fault("match", "patterns such as 'http/*' or '!debug/*'", error.pattern)
        }
    }
}

/// A feed and who gets it.
struct FeedPlan: Sendable {
    let definition: FeedDefinition
    var stream: StreamID
    var sinks: [SinkWorker]
}
