internal import WeirExporterKit

/// What kept a batch from a server.
package enum NatsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A setting that cannot be.
    case setting(String)
    /// A file with a password, a key or a certificate that cannot be read.
    case file(path: String, reason: String)
    /// No server could be reached.
    case unreachable(server: String, reason: String)
    /// The server does not want this user, or wants TLS where none is set, or the other way round.
    case refused(server: String, reason: String)
    /// The user may not do what was tried.
    case notPermitted(String)
    /// More than the server takes, by its `max_payload` or the stream's `max_msg_size`. In bytes.
    case tooLarge(length: Int, limit: Int64, of: String)
    /// Sent, and no acknowledgement seen.
    case unanswered(String)
    /// Nobody keeps what is published to the subject.
    case noStream(name: String, subject: String)
    /// What JetStream answered instead, by its own number.
    case jetStream(code: UInt32, String)
    /// The library failed.
    case library(String)

    package var description: String {
        switch self {
        case .notPermitted(let text): "\(text); give the user the right to do that"
        case .setting(let text), .unanswered(let text), .library(let text): text
        case .file(let path, let reason): "cannot read \(path): \(reason)"
        case .unreachable(let server, let reason): "cannot connect to \(server): \(reason)"
        case .refused(let server, let reason):
            "\(server) refuses: \(reason); check the login and tls; files are read anew with each attempt"
        case .tooLarge(let length, let limit, let owner):
            "the batch is a message of \(length) bytes, and \(owner) takes at most \(limit)"
        case .noStream(let name, let subject):
            "no stream \(name) listens to \(subject), or it has no leader now; createStream: true makes it"
        case .jetStream(let code, let text): "JetStream answers \(code): \(text)"
        }
    }

    /// What becomes of the batch.
    var result: DeliveryResult {
        switch self {
        case .setting: .fatal(message: description)
        // Passwords, keys and rights are changed while the process runs, at the server or here first.
        case .refused, .notPermitted, .file, .unreachable, .noStream, .library: .retry(message: description)
        case .tooLarge: .rejected(message: description)
        case .unanswered: .retry(isUncertain: true, message: description)
        case .jetStream(let code, _):
            switch JetStreamCode(rawValue: code) {
            case .streamMismatch?, .streamSealed?: .fatal(message: description)
            case .full?, .clusterNotAvailable?, .notLeader?, .noPeers?, .offline?, .notEnabled?,
                .insufficientResources?, .memoryExceeded?, .storageExceeded?, .accountExceeded?:
                .retry(message: description)
            // What else there is may be this batch's fault.
            case nil: .retry(attemptLimit: 10, message: description)
            }
        }
    }

    /// Whether the connection may be what is wrong: another one, perhaps to another server, is worth its price.
    var condemnsConnection: Bool {
        switch self {
        case .unanswered, .library, .notPermitted, .unreachable, .refused, .noStream: true
        case .setting, .file, .tooLarge, .jetStream: false
        }
    }
}

/// Those of JetStream's error numbers that decide something.
enum JetStreamCode: UInt32 {
    case accountExceeded = 10002
    case noPeers = 10005
    case clusterNotAvailable = 10008
    case notLeader = 10009
    case insufficientResources = 10023
    case memoryExceeded = 10028
    case storageExceeded = 10047
    case streamMismatch = 10060
    case notEnabled = 10076
    /// The stream's bound is reached, and it discards what is new.
    case full = 10077
    case streamSealed = 10109
    case offline = 10118
}
