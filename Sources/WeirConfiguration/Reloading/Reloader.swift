public import Weir

/// Why a configuration was not reloaded. What was in force stays.
public enum ReloadError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file is no configuration.
    case configuration(ConfigurationError)
    /// What the file says cannot be done.
    case exporting(ExportingError)

    /// What is wrong.
    public var description: String {
        switch self {
        case .configuration(let error): error.description
        case .exporting(let error): error.description
        }
    }
}

/// Which configuration is in force, and what becomes of another one: read it, change to it, and where either fails stay.
/// Without thread or clock.
struct Reloader {
    let path: String
    let environment: [String: String]
    private(set) var current: Configuration
    /// Of the file that was looked at last, whether it was a configuration or not.
    private var stamp: FileStamp?
    /// Whether there is a file that can change: what came through a pipe is not read again.
    private let isFollowed: Bool

    enum Outcome: Equatable {
        case unchanged
        case changed
        case failed(ReloadError)
    }

    /// - Parameter current: What is in force. The file is looked at once more, in case it was changed since that was read.
    init(path: String, environment: [String: String], current: Configuration) {
        self.path = path
        self.environment = environment
        self.current = current
        isFollowed = !File.isReadOnce(path)
    }

    /// Whether the file is another one than that which was looked at last. A file that is away is not: whoever puts
    /// another in its place may do it in two steps.
    var hasChanged: Bool {
        guard isFollowed, let now = FileStamp(of: path) else { return false }
        return now != stamp
    }

    /// - Parameter change: Changes from one configuration to another, or throws and changes nothing.
    mutating func reload(
        _ change: (_ from: Configuration, _ to: Configuration) throws(ExportingError) -> Void
    ) -> Outcome {
        // Before the file is read: what is written while it is read is another change.
        stamp = FileStamp(of: path)
        guard !File.isReadOnce(path) else {
            let reason = "wanted a regular file to read again, found a pipe or the like, which can be read once alone"
            return .failed(.configuration(File.unreadable(path, reason)))
        }
        let configuration: Configuration
        do throws(ConfigurationError) {
            configuration = try Configuration(contentsOf: path, environment: environment)
        } catch {
            return .failed(.configuration(error))
        }
        guard configuration != current else { return .unchanged }
        do throws(ExportingError) {
            try change(current, configuration)
        } catch {
            return .failed(.exporting(error.reworded(configuration.redacted)))
        }
        current = configuration
        return .changed
    }
}
