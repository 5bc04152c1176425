package import WeirExporterKit
package import WeirExporterSupport

/// Why there is no answer to a request. Texts are libcurl's, which name hosts and files and no header.
package enum HTTPError: Error, Equatable, CustomStringConvertible {
    /// Something that was set cannot be used: which, what was wanted, and what was found where that is no secret.
    case setting(key: String, wanted: String)
    /// A file that a setting names cannot be read, or is longer than it may be.
    case file(key: String, path: String, reason: String)
    /// The server's certificate was not accepted, or ours was not. Nothing was sent.
    case notTrusted(reason: String)
    /// No connection came about. Nothing was sent.
    case notConnected(reason: String)
    /// No answer in time, or the connection ended before one. The server may have done what was asked.
    case unanswered(reason: String)
    /// The client was asked to stop, after or before it began to send.
    case stopped(wasSending: Bool)
    /// There is no memory left, or libcurl cannot be used.
    case unusable(reason: String)

    package var description: String {
        switch self {
        case .setting(let key, let wanted): "\(key): wanted \(wanted)"
        case .file(let key, let path, let reason): "\(key): \(path): \(reason)"
        case .notTrusted(let reason), .notConnected(let reason), .unanswered(let reason), .unusable(let reason): reason
        case .stopped: "asked to stop"
        }
    }

    /// Whether the server may have what was sent.
    package var isUncertain: Bool {
        switch self {
        case .unanswered, .stopped(wasSending: true): true
        case .stopped(wasSending: false), .setting, .file, .notTrusted, .notConnected, .unusable: false
        }
    }
}

extension HTTPError {
    /// - Parameter setting: What names the file.
    package init(_ failure: SecretFile.Failure, _ setting: Setting) {
        self = .file(key: setting.key, path: failure.path, reason: failure.reason)
    }
}
