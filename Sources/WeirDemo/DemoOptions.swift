/// What a demo is asked to do.
package struct DemoOptions: Sendable {
    /// The tree, or the single file, that is compressed.
    package var path: String
    /// Where the batches go.
    package var directory = "weir-data"
    package var workers = 1
    /// zstd's, for the files.
    package var level: Int32 = 3
    /// How often a batch is collected.
    package var interval = Duration.seconds(1)

    package init(path: String) {
        self.path = path
    }
}

/// What files add up to.
package struct Totals: Equatable, Sendable {
    package var files: Int64 = 0
    package var input: Int64 = 0
    package var output: Int64 = 0
    package var seconds = 0.0

    package init() {}

    package static func += (left: inout Totals, right: Totals) {
        left.files += right.files
        left.input += right.input
        left.output += right.output
        left.seconds += right.seconds
    }
}

/// What came of it.
package struct DemoReport: Sendable {
    /// What the workers counted themselves, with plain additions.
    package var counted = Totals()
    /// What was recorded, read back from the batches: by extension, `nil` for files without one.
    package var recorded: [String?: Totals] = [:]
    package var batches = 0
    /// Files and directories that could not be read.
    package var unreadable = 0
    /// Files whose size was another when they had been read.
    package var changed = 0
    package var isInterrupted = false
    /// What exporting says of its end.
    package var exporting = ""

    /// All extensions together.
    package var total: Totals { recorded.values.reduce(into: Totals()) { $0 += $1 } }

    /// Whether what was recorded is what was counted, to the file and the byte.
    package var isExact: Bool {
        let total = total
        return total.files == counted.files && total.input == counted.input && total.output == counted.output
    }
}

/// Why a demo cannot begin, or cannot tell its result.
package enum DemoError: Error, Equatable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case notAFile(path: String)
    case batches(directory: String, reason: String)

    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path): \(reason)"
        case .notAFile(let path): "\(path): expected a directory or a regular file, found something else"
        case .batches(let directory, let reason): "\(directory): the batches cannot be read back: \(reason)"
        }
    }
}
