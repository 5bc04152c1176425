/// How a plugin's process ended.
package enum ChildEnd: Equatable, Sendable {
    case exited(code: Int32)
    case signalled(Int32)
    /// Somebody else waited for it, or the application ignores SIGCHLD.
    case unknown
    /// This process ended it.
    case killed(Reason)

    package enum Reason: Equatable, Sendable {
        /// It did not answer in time. Nanoseconds.
        case silent(UInt64)
        case nonsense(WireFault)
        /// It closed its end of the socket and went on.
        case hungUp
        /// It was asked to end, or its sink had no more time.
        case dismissed
    }

    /// - Parameters:
    ///   - status: As `waitpid` gave it; nil where it had none to give.
    ///   - reason: Why this process has killed it, if it has.
    init(status: Int32?, reason: Reason?) {
        guard let status else {
            self = reason.map(Self.killed) ?? .unknown
            return
        }
        let signal = status & 0x7F
        if signal == 0 {
            self = .exited(code: status >> 8 & 0xFF)
        } else if signal == 9, let reason {
            self = .killed(reason)
        } else {
            self = .signalled(signal)
        }
    }
}

extension ChildEnd: CustomStringConvertible {
    package var description: String {
        switch self {
        case .exited(let code): "its process exited with code \(code)"
        case .signalled(let signal): "its process was ended by signal \(signal)\(Self.names[signal] ?? "")"
        case .unknown: "its process ended, and nobody knows how"
        case .killed(.silent(let nanoseconds)):
            "its process did not answer for \(nanoseconds / 1_000_000) ms, and was killed"
        case .killed(.nonsense(let fault)): "its process sent \(fault), and was killed"
        case .killed(.hungUp): "its process closed its socket, and was killed"
        case .killed(.dismissed): "its process was asked to end, and was killed"
        }
    }

    private static let names: [Int32: String] = [
        4: " (SIGILL)", 6: " (SIGABRT)", 8: " (SIGFPE)", 9: " (SIGKILL)", 11: " (SIGSEGV)", 15: " (SIGTERM)",
    ]
}
