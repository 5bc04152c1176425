internal import Logging
internal import WeirBatch

/// What cannot be encoded: it is counted each time, and logged once for each reason.
extension Pipeline {
    /// What was logged already.
    struct FailureLog {
        private var known: Set<String> = []
        /// Reasons that are remembered. A process that has more logs no further ones.
        private static let limit = 1_024

        /// Whether a view or a feed has not failed for this reason yet. Numbers in a reason make it no other.
        mutating func isNew(_ name: String, _ error: BatchError) -> Bool {
            guard known.count < Self.limit else { return false }
            return known.insert("\(name): " + "\(error)".filter { !$0.isNumber }).inserted
        }
    }

    /// Leaves the views out of a collection that cannot be encoded, and tells it.
    func leaveOutFailedViews(of collection: inout Collected, _ log: inout FailureLog) {
        let failed = collection.removeUnsound()
        guard !failed.isEmpty else { return }
        for (view, error) in failed where log.isNew("view \(view)", error) {
            logger.error(
                """
                view \(view.escapingControls) cannot be encoded and is left out of the collection, which the other views \
                are in: \("\(error)".escapingControls)
                """)
        }
        control.withLock { control in
            for (view, error) in failed { control.counts.noteFailed(view: view, "\(error)") }
        }
    }

    /// Tells of rows that the sinks of a feed are not told, each once a view.
    func reportOversized(_ rows: [OversizedRow], of feed: Feed, _ log: inout FailureLog) {
        guard !rows.isEmpty else { return }
        let sinks = feed.sinks.map(\.name).joined(separator: ", ")
        for row in rows where log.isNew("row of \(row.view)", row.error) {
            logger.error(
                """
                a row of view \(row.view.escapingControls) is too long for any reader and is left out for \
                \(sinks.escapingControls), which all other rows go to: \("\(row.error)".escapingControls). Give its \
                measurements fewer or shorter tags
                """)
        }
        control.withLock { control in
            for row in rows { control.counts.noteOversized(view: row.view) }
        }
    }

    /// Tells that a whole collection could not be encoded for the sinks of a feed.
    func reportFailure(_ error: BatchError, of feed: Feed, _ log: inout FailureLog) {
        control.withLock { $0.counts.lastFailure = "\(error)" }
        let sinks = feed.sinks.map(\.name).joined(separator: ", ")
        guard log.isNew("sinks \(sinks)", error) else { return }
        logger.error(
            """
            a collection cannot be encoded for \(sinks.escapingControls), and is told with the next one: \
            \("\(error)".escapingControls)
            """)
    }
}
