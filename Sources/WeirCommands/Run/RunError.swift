package import Weir

/// Why `weir run` did not begin.
package enum RunError: Error, Equatable, CustomStringConvertible {
    /// What the configuration says cannot be done.
    case exporting(ExportingError)
    /// The command cannot be run.
    case command(name: String, reason: String, isMissing: Bool)

    /// What is wrong, and what to do.
    package var description: String {
        switch self {
        case .exporting(let error): "cannot begin to export: \(error)"
        case .command(let name, let reason, _): "cannot run \(name): \(reason)"
        }
    }
}
