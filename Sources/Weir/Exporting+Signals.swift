internal import Synchronization
package import WeirExport
internal import WeirSystem

/// How ``Exporting/runUntilSignal(deadline:onReload:)`` ended.
public struct SignalEnd: Sendable, Equatable {
    /// `SIGTERM` or `SIGINT`.
    public let signal: Int32
    /// How exporting ended.
    public let report: ShutdownReport
}

extension Exporting {
    /// Waits for SIGTERM or SIGINT and shuts down; for programs that have no signal handling of their own. Weir installs
    /// none unless this is called.
    ///
    /// ```swift
    /// let exporting = try startExporting(to: .file(directory: "weir-data"))
    /// let end = try await exporting.runUntilSignal()
    /// print(end.report)
    /// ```
    ///
    /// A second SIGTERM or SIGINT while deliveries go on ends the process at once, by that signal. The same signal within a
    /// second is the first one still: some supervisors send it twice. With `onReload`, SIGHUP calls it, and calls it again where another came meanwhile; without, SIGHUP does what it did. A signal that was
    /// ignored stays so. When this returns, signals are handled as before.
    ///
    /// - Parameters:
    ///   - deadline: How long deliveries may take.
    ///   - onReload: What SIGHUP does, on a thread of its own, once at a time.
    /// - Throws: ``ExportingError/resources(reason:)`` where signals are waited for already, or the system has neither
    ///   descriptors nor threads. Exporting goes on then.
    public func runUntilSignal(
        deadline: Duration = .seconds(5), onReload: (@Sendable () -> Void)? = nil
    ) async throws(ExportingError) -> SignalEnd {
        let arrival = FirstSignal()
        let watch = try Self.watchSignals(arrival, onReload: onReload)
        defer { watch.stop() }
        let signal = await arrival.value()
        return SignalEnd(signal: signal, report: await shutdown(deadline: deadline))
    }

    /// Notes SIGTERM and SIGINT, of which a second one ends the process, and reloads on SIGHUP.
    ///
    /// - Parameter onSecond: Called before the process ends by it.
    package static func watchSignals(
        _ arrival: FirstSignal, onReload: (@Sendable () -> Void)?, onSecond: @escaping @Sendable () -> Void = {}
    ) throws(ExportingError) -> SignalWatch {
        let reloads = onReload.map(Reloads.init)
        let watch = SignalWatch(onReload == nil ? [SIGTERM, SIGINT] : [SIGTERM, SIGINT, SIGHUP]) { signal in
            if signal == SIGHUP {
                reloads?.ask()
            } else if arrival.note(signal) == .second {
                onSecond()
                SignalWatch.end(by: signal)
            }
        }
        guard let watch else {
            throw .resources(
                reason: "signals cannot be waited for: somebody does already, or the system has no threads")
        }
        return watch
    }
}

/// Reloads one at a time: what is asked for while one runs is done once more behind it.
private final class Reloads: Sendable {
    private struct State {
        var isRunning = false
        var isAsked = false
    }

    private let state = Mutex(State())
    private let reload: @Sendable () -> Void

    init(_ reload: @escaping @Sendable () -> Void) { self.reload = reload }

    func ask() {
        let begins = state.withLock { state in
            state.isAsked = true
            defer { state.isRunning = true }
            return !state.isRunning
        }
        // A reload that hangs must not keep SIGTERM from being heard.
        guard begins, !Thread.start("weir-reload", { self.run() }) else { return }
        state.withLock { $0.isRunning = false }
    }

    private func run() {
        while true {
            let goesOn = state.withLock { state in
                defer { state.isAsked = false }
                state.isRunning = state.isAsked
                return state.isAsked
            }
            guard goesOn else { return }
            reload()
        }
    }
}
