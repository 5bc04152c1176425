private import Synchronization
public import WeirExporterKit
private import WeirLines

/// Sends what happened since the last batch as StatsD lines, over UDP or TCP.
///
/// StatsD adds up what it gets, so the sink's batches must be deltas: one that is not ends the sink, which says so.
public final class StatsdSink: Exporter {
    private struct State: ~Copyable {
        var sender: LineSender
        var skipped: UInt64 = 0
    }

    /// What it is called and which settings it knows.
    public static let kind = ExporterKind(
        name: "statsd", version: "1.0.0",
        settings: [
            address, transport, LineSettings.prefix, dialect, LineSettings.packetBytes, LineSettings.timeout,
        ], needsColumns: true)

    /// The exporter as hosts see it.
    public static let plugin = ExporterPlugin(StatsdSink.self)

    private static let address = LineSettings.address("127.0.0.1:8125")
    private static let transport = LineSettings.transport("udp")
    private static let dialect = Setting(
        "dialect", .choice(["statsd", "dogstatsd"]), default: "statsd",
        "Where tags go: statsd, into the name; dogstatsd, behind the line as #key:value.")

    private let prefix: String
    private let isDogStatsD: Bool
    private let state: Mutex<State>
    // Relaxed: a request that may be seen late.
    private let isStopping = Atomic<Bool>(false)

    /// Connects with the first batch.
    ///
    /// - Throws: ``ExporterError`` for an address that is none.
    public init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        let prefix = settings.text(LineSettings.prefix)
        self.prefix = prefix.isEmpty ? "" : LineName.path(prefix) + "."
        isDogStatsD = settings.number(Self.dialect) == 1
        let sender = LineSender(
            to: try LineAddress(settings.text(Self.address)), isStream: settings.number(Self.transport) == 1,
            longestPacket: Int(settings.number(LineSettings.packetBytes)),
            timeoutNanoseconds: UInt64(settings.number(LineSettings.timeout)), resend: .rest, host: host)
        state = Mutex(State(sender: sender))
    }

    /// Sends a batch's lines. An end mark has none.
    public func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        if frame.facts.isEndMark { return .delivered }
        var lines = StatsdLines(prefix: prefix, isDogStatsD: isDogStatsD)
        let cumulative = frame.withBatch { batch -> String? in
            if let view = StatsdLines.cumulativeView(in: batch) { return view }
            for view in batch.views { batch.forEachRow(of: view) { lines.add($0, of: view) } }
            return nil
        }
        switch cumulative {
        case nil: return .rejected(message: "the batch cannot be read")
        case .some(let view?):
            return .fatal(
                message: "StatsD adds up what it gets, and \(view) is cumulative: set temporality: delta for this sink")
        case .some(nil): break
        }
        return state.withLock { state in
            let result = state.sender.send(
                frame.facts, deadline: frame.deadline, unless: { self.isStopping.load(ordering: .relaxed) },
                text: { lines.bytes })
            if result == .delivered { state.skipped += lines.skipped }
            return result
        }
    }

    /// Packets, connections, and what could not be said.
    public var counters: [ExporterCounter] {
        state.withLock { state in
            state.sender.counters + [ExporterCounter("values.skipped", unit: "{value}", value: state.skipped)]
        }
    }

    /// Asks a running call to return: it does within a tenth of a second.
    public func stop() {
        isStopping.store(true, ordering: .relaxed)
    }

    /// Ends the connection.
    public func close() {
        state.withLock { $0.sender.close() }
    }
}
