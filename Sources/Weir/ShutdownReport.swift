internal import WeirBatch
internal import WeirExport

/// How exporting ended, sink by sink.
public struct ShutdownReport: Sendable, Equatable, CustomStringConvertible {
    /// How one sink ended.
    public struct SinkReport: Sendable, Equatable {
        /// The sink.
        public let name: String
        /// Batches that it was offered since exporting started.
        public let offered: UInt64
        /// Batches that its destination has.
        public let delivered: UInt64
        /// Batches that it lost, by cause: `overflowOldest`, `rejected`, `shutdown` and so on. Causes without any are
        /// left out.
        public let lost: [String: UInt64]
        /// Batches that wait in its spill, for the next process.
        public let spilled: UInt64
        /// Deliveries that may have arrived although nobody acknowledged them; also counted as delivered or lost.
        public let uncertain: UInt64
        /// Whether the destination has the mark that ends the stream: a reader then knows that nothing is missing.
        public let hasEndMark: Bool
        /// Whether the exporter has returned from its last call.
        public let isClosed: Bool
        /// What the exporter said last of a delivery that did not succeed; empty where all did.
        public let lastFailure: String
    }

    /// All sinks, in the order in which they were given.
    public let sinks: [SinkReport]

    /// Whether the last collection was made with all that is observed, all could be encoded with all their views and rows,
    /// every exporter has returned, and every stream has its end mark.
    public let isComplete: Bool

    /// Whether the last collection was made by the deadline. Without it, what was recorded since the collection before is in
    /// no batch, and no stream has an end mark.
    public let hasLastCollection: Bool

    /// Names of callbacks that had not returned when the last collection was made: what they observe is not in it.
    public let lateCallbacks: [String]

    /// Batches that could not be encoded. What one would have said was left to the next.
    public let failedBatches: UInt64

    /// Views that could not be encoded, and how many collections left each out for that. At most 256; the others are
    /// counted as one, whose name is `…`.
    public let failedViews: [String: UInt64]

    /// Rows that were left out of batches because each was too long for any reader, by view: once for each collection and
    /// interval. At most 256; the others are counted as one, whose name is `…`.
    public let oversizedRows: [String: UInt64]

    /// What is wrong beside the sinks, a sentence each.
    let problems: [String]

    init(_ report: PipelineReport) {
        sinks = report.sinks.map { sink in
            var lost: [String: UInt64] = [:]
            for cause in Gap.Cause.allCases {
                let batches = sink.accounts.refused[cause].batches + sink.accounts.dropped[cause].batches
                if batches > 0 { lost["\(cause)"] = batches }
            }
            return SinkReport(
                name: sink.name, offered: sink.accounts.offered.batches, delivered: sink.accounts.delivered.batches,
                lost: lost, spilled: sink.accounts.spilled.batches, uncertain: sink.accounts.uncertain.batches,
                hasEndMark: sink.hasEndMark,
                isClosed: sink.isFinished, lastFailure: sink.lastMessage)
        }
        let counts = report.counts
        hasLastCollection = report.hasLastCollection
        lateCallbacks = report.lateCallbacks
        failedBatches = counts.failures
        failedViews = counts.failedViews.mapValues(\.collections)
        oversizedRows = counts.oversizedRows
        problems = Self.problems(report)
        isComplete = report.isComplete && problems.isEmpty && sinks.allSatisfy { $0.hasEndMark && $0.isClosed }
    }

    private static func problems(_ report: PipelineReport) -> [String] {
        let counts = report.counts
        var problems: [String] = []
        if !report.hasLastCollection {
            problems.append("the last collection was not made: what was recorded since the one before is in no batch")
        }
        if !report.lateCallbacks.isEmpty {
            let names = report.lateCallbacks.map(\.escapingControls).joined(separator: ", ")
            problems.append("callbacks had not returned, and what they observe is missing at the end: \(names)")
        }
        if counts.failures > 0 {
            let reason = counts.lastFailure.escapingControls
            problems.append("\(counts.failures) batches could not be encoded, the last for this reason: \(reason)")
        }
        for (name, view) in counts.failedViews.sorted(by: { $0.key < $1.key }) {
            problems.append(
                """
                view \(name.escapingControls) could not be encoded and was left out of \(view.collections) of \
                \(counts.collections) collections, the last time for this reason: \(view.reason.escapingControls)
                """)
        }
        for (name, rows) in counts.oversizedRows.sorted(by: { $0.key < $1.key }) {
            problems.append(
                "view \(name.escapingControls) had \(rows) rows left out, as each was too long for any reader")
        }
        return problems
    }

    /// One line a sink, then one for each thing that is in no batch.
    public var description: String {
        let lines = sinks.map { sink in
            let lost = sink.lost.sorted { $0.key < $1.key }.map { ", \($0.value) lost (\($0.key))" }.joined()
            let spilled = sink.spilled == 0 ? "" : ", \(sink.spilled) in its spill"
            let end = sink.hasEndMark ? "" : ", no end mark"
            let failure = sink.lastFailure.isEmpty ? "" : "; last failure: \(sink.lastFailure.escapingControls)"
            return
                "\(sink.name): \(sink.delivered) of \(sink.offered) batches delivered\(lost)\(spilled)\(end)\(failure)"
        }
        return (lines + problems).joined(separator: "\n")
    }
}
