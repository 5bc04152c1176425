internal import WeirDump
package import WeirExporterSupport

/// What came of a demo.
package struct DemoReport: Sendable {
    /// What the workers counted themselves, with plain additions.
    package var counted: [FileKind: Totals] = [:]
    /// What was recorded, read back from the batches.
    package var recorded: [FileKind: Recorded] = [:]
    /// How many batches of this run there are, and what they take.
    package var batches = 0
    package var batchBytes: UInt64 = 0
    package var omissions = Omissions()
    package var changes = Changes()
    package var isInterrupted = false
    /// From the first file to the last.
    package var elapsed = Duration.zero
    /// What exporting says of its end, where that was not in order.
    package var exportFailure: String?

    package init() {}

    /// What was recorded of the files of one kind.
    package struct Recorded: Equatable, Sendable {
        package var totals = Totals()
        /// Seconds a file.
        package var times: Distribution?

        package init() {}

        static func += (left: inout Recorded, right: Recorded) {
            left.totals += right.totals
            guard let times = right.times else { return }
            left.times = left.times.map { $0.merged(with: times) } ?? times
        }
    }

    /// Files that had another size when they had been read than when they were opened.
    package struct Changes: Equatable, Sendable {
        package var files: Int64 = 0
        /// How much more was read than there was to be read at first; negative where it was less.
        package var bytes: Int64 = 0

        package init() {}
    }

    /// All that was recorded.
    package var total: Recorded { recorded.values.reduce(into: Recorded()) { $0 += $1 } }

    /// All that was counted.
    package var countedTotal: Totals { counted.values.reduce(into: Totals()) { $0 += $1 } }

    /// Whether what was recorded is what was counted: of each extension, to the file and the byte.
    package var isExact: Bool { recorded.mapValues(\.totals) == counted }
}
