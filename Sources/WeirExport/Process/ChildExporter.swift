internal import Logging
package import WeirBatch
private import Synchronization

/// An exporter in a process of its own, which may crash, hang or lie without harm to this one.
///
/// A process that ends, or has not answered a delivery by twice its time, is a crash: the batch goes back to its queue,
/// and the next delivery, after the sink's pause, starts another process. Too many crashes in a short time, and none is
/// started any more.
package final class ChildExporter: OpenExporter {
    package let previousStream: StreamID?
    package let collectsOnRequest: Bool

    private struct State {
        var child: ChildProcess?
        var crashes: CrashWindow
        /// Why no process is started any more.
        var quarantine: String?
        var isStopping = false
        var counters = CounterSums()
    }

    /// What comes before a delivery: a process, or what stands in its way.
    private enum Readiness {
        case ready(ChildProcess)
        case notNow(Delivery)
    }

    /// A delivery whose deadline is near or past still gets so long. Nanoseconds.
    private static let leastPatience: UInt64 = 1_000_000_000
    /// What is left for a running call, and for closing, once asked to stop: less than a pipeline waits.
    private static let stopPatience: UInt64 = 100_000_000

    private let launcher: ChildLauncher
    private let sink: SinkContext
    private let state: Mutex<State>

    /// Starts a process, loads the plugin and opens it.
    package init(_ launcher: ChildLauncher, sink: SinkContext) throws(ExportError) {
        self.launcher = launcher
        self.sink = sink
        let opened = try launcher.open(for: sink)
        previousStream = opened.previousStream
        collectsOnRequest = opened.collectsOnRequest
        let crashes = CrashWindow(limit: launcher.limits.crashes, duration: launcher.limits.crashNanoseconds)
        state = Mutex(State(child: opened.child, crashes: crashes))
    }

    /// The number of the present process; nil where there is none.
    package var process: Int32? { state.withLock { $0.child?.number } }

    package func deliver(_ header: FrameHeader, payload: [UInt8], deadline: UInt64) -> Delivery {
        guard payload.count <= HostMessage.longestPayload else {
            return Delivery(
                .rejected,
                message: "a payload of \(payload.count) bytes: a plugin's process takes at most "
                    + "\(HostMessage.longestPayload)")
        }
        switch prepare() {
        case .notNow(let delivery): return delivery
        case .ready(let child): return deliver(header, payload, deadline, to: child)
        }
    }

    private func deliver(
        _ header: FrameHeader, _ payload: [UInt8], _ deadline: UInt64, to child: ChildProcess
    ) -> Delivery {
        let now = sink.time.monotonic()
        let patience = max(2 * min(deadline > now ? deadline - now : 0, .max / 4), Self.leastPatience)
        let answer = child.request(
            .deliver(deadline: deadline, header: header.encoded(), payload: payload), awaiting: [.delivered],
            until: now &+ patience)
        switch answer {
        case .reply(.delivered(let delivery, let counters)):
            state.withLock { $0.counters.update(counters) }
            return delivery
        case .reply(let other): return crashed(child.reject(other), isUncertain: true)
        case .ended(let end, let wasSent): return crashed(end, isUncertain: wasSent)
        }
    }

    package func stop() {
        let child = state.withLock { state in
            state.isStopping = true
            return state.child
        }
        let limit = sink.time.monotonic() &+ Self.stopPatience
        child?.hurry(until: limit)
        child?.tell(.stop, until: limit)
    }

    package func close() {
        let (child, isStopping) = state.withLock { state in
            defer { state.child = nil }
            return (state.child, state.isStopping)
        }
        guard let child else { return }
        let patience = isStopping ? Self.stopPatience : launcher.limits.closeNanoseconds
        launcher.close(child, until: sink.time.monotonic() &+ patience)
    }

    /// As of the last delivery. They go on where a process was replaced.
    package func counters() -> [ExporterCount] { state.withLock { $0.counters.total } }

    // MARK: - Crashes

    /// A process that is there and lives, started where it must be.
    private func prepare() -> Readiness {
        let (child, quarantine, isStopping) = state.withLock { ($0.child, $0.quarantine, $0.isStopping) }
        if let quarantine { return .notNow(Delivery(.quarantined, message: quarantine)) }
        if let child {
            guard let end = child.end else { return .ready(child) }
            return .notNow(crashed(end, isUncertain: false))
        }
        if isStopping { return .notNow(Delivery(.retry(hint: nil, attemptLimit: nil), message: "asked to stop")) }
        do throws(ExportError) {
            let child = try launcher.open(for: sink).child
            state.withLock { $0.child = child }
            return .ready(child)
        } catch {
            return .notNow(refused(error))
        }
    }

    private func refused(_ error: ExportError) -> Delivery {
        switch error {
        case .plugin(_, .crashed(let end)): crashed(end, isUncertain: false)
        // What was there before may come back: somebody replaces a program or a library.
        case .plugin, .exporter(_, _, isTransient: true):
            Delivery(.retry(hint: nil, attemptLimit: nil), message: error.description)
        // Misconfigured, which no later attempt changes.
        default:
            Delivery(.fatal, message: error.description)
        }
    }

    private func crashed(_ end: ChildEnd, isUncertain: Bool) -> Delivery {
        let limits = launcher.limits
        let message = "the plugin crashed: \(end)"
        let quarantine = state.withLock { state -> String? in
            state.child = nil
            state.counters.processEnded()
            guard !state.isStopping, state.crashes.note(now: sink.time.monotonic()) else { return nil }
            let window = limits.crashNanoseconds / 1_000_000_000
            state.quarantine = "quarantined after \(limits.crashes) crashes in \(window) s; \(message)"
            return state.quarantine
        }
        if let quarantine { return Delivery(.quarantined, isUncertain: isUncertain, message: quarantine) }
        sink.logger.error("\(message.escapingControls); the next delivery starts another")
        return Delivery(.retry(hint: nil, attemptLimit: nil), isUncertain: isUncertain, message: message)
    }
}

/// Counters that only grow, although each process begins at 0.
private struct CounterSums {
    private var past: [String: UInt64] = [:]
    private var present: [ExporterCount] = []

    /// The present process's.
    mutating func update(_ counters: [ExporterCount]) {
        present = counters
    }

    mutating func processEnded() {
        for counter in present where past[counter.name] != nil || past.count < 64 {
            past[counter.name, default: 0] &+= counter.value
        }
        for index in present.indices { present[index].value = 0 }
    }

    var total: [ExporterCount] {
        present.map { ExporterCount(name: $0.name, unit: $0.unit, value: $0.value &+ past[$0.name, default: 0]) }
    }
}
