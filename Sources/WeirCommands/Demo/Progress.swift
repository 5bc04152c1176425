internal import Synchronization
internal import WeirBatch
internal import WeirDump

/// What the workers counted with plain additions, and what went wrong.
final class Progress: Sendable {
    private struct State {
        var byKind: [FileKind: Totals] = [:]
        var totals = Totals()
        var omissions = Omissions()
        var changes = DemoReport.Changes()
        var warnings = 0
        var failure: BatchError?
    }

    private let state = Mutex(State())
    private let record: @Sendable (_ reason: String) -> Void
    private let say: @Sendable (String) -> Void

    /// Warnings that are written out; further ones are counted.
    private static let warningLimit = 20

    /// - Parameters:
    ///   - record: Takes the reason of each omission.
    ///   - say: Takes notes and warnings, a line each.
    init(record: @escaping @Sendable (_ reason: String) -> Void, say: @escaping @Sendable (String) -> Void) {
        self.record = record
        self.say = say
    }

    /// - Parameter expectedInput: The file's size when it was opened.
    func add(_ totals: Totals, to kind: FileKind, expectedInput: Int64) {
        state.withLock { state in
            state.byKind[kind, default: Totals()] += totals
            state.totals += totals
            guard totals.input != expectedInput else { return }
            state.changes.files += 1
            state.changes.bytes += totals.input - expectedInput
        }
    }

    /// - Parameter size: nil where the system does not even tell that.
    func omitFile(_ path: String, _ size: Int64?, _ error: SystemError) {
        warn(path, error) { omissions in
            omissions.files += 1
            omissions.bytes += size ?? 0
        }
    }

    func omitDirectory(_ path: String, _ error: SystemError) {
        warn(path, error) { $0.directories += 1 }
    }

    private func warn(_ path: String, _ error: SystemError, _ count: (inout Omissions) -> Void) {
        record(error.reason)
        let warnings = state.withLock { state in
            count(&state.omissions)
            state.warnings += 1
            return state.warnings
        }
        if warnings <= Self.warningLimit { note("\(path): \(error)") }
        if warnings == Self.warningLimit { note("what else cannot be read is only counted") }
    }

    /// Says something that is no failure.
    func note(_ text: String) { say(Terminal.safe(text)) }

    /// A worker cannot go on.
    func fail(_ error: BatchError) { state.withLock { $0.failure = error } }

    /// Why a worker had to stop.
    var failure: BatchError? { state.withLock { $0.failure } }

    var totals: Totals { state.withLock { $0.totals } }
    var byKind: [FileKind: Totals] { state.withLock { $0.byKind } }
    var omissions: Omissions { state.withLock { $0.omissions } }
    var changes: DemoReport.Changes { state.withLock { $0.changes } }

    /// Whether somebody asked to stop.
    var isInterrupted: Bool { System.isInterrupted }
}
