package import WeirRecording

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
    /// More series than trees have extensions. Where a tree has more, the rest falls together, and no file is lost.
    package var seriesLimit = 20_000
    /// What is recorded into.
    package var stats = Stats.default

    package init(path: String) {
        self.path = path
    }
}

/// Why a demo cannot begin, or cannot tell its result.
package enum DemoError: Error, Equatable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case notAFile(path: String)
    /// The batches would be written to the very directory that is to be compressed.
    case isOutput(path: String)
    case batches(directory: String, reason: String)

    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path): \(reason)"
        case .notAFile(let path): "\(path): expected a directory or a regular file, found something else"
        case .isOutput(let path): "\(path): the batches are written there; choose another --directory"
        case .batches(let directory, let reason): "\(directory): the batches cannot be read back: \(reason)"
        }
    }
}
