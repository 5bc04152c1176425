private import Synchronization
public import WeirExporterKit
private import WeirLines

/// Sends batches as Graphite's plain lines, over TCP or UDP.
///
/// A line says what a series was at a time, so one that is sent twice changes nothing.
public final class GraphiteSink: Exporter {
    private struct State: ~Copyable {
        var sender: LineSender
        var skipped: UInt64 = 0
    }

    /// What it is called and which settings it knows.
    public static let kind = ExporterKind(
        name: "graphite", version: "1.0.0",
        settings: [
            address, transport, LineSettings.prefix, tags, LineSettings.packetBytes, LineSettings.timeout,
        ], needsColumns: true)

    /// The exporter as hosts see it.
    public static let plugin = ExporterPlugin(GraphiteSink.self)

    private static let address = LineSettings.address("127.0.0.1:2003")
    private static let transport = LineSettings.transport("tcp")
    private static let tags = Setting(
        "tags", .choice(["name", "graphite"]), default: "name",
        "Where tags go: name, into the name; graphite, behind it as ;key=value.")

    private let prefix: String
    private let hasTags: Bool
    private let state: Mutex<State>
    // Relaxed: a request that may be seen late.
    private let isStopping = Atomic<Bool>(false)

    /// Connects with the first batch.
    ///
    /// - Throws: ``ExporterError`` for an address that is none.
    public init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        let prefix = settings.text(LineSettings.prefix)
        self.prefix = prefix.isEmpty ? "" : LineName.path(prefix) + "."
        hasTags = settings.number(Self.tags) == 1
        let sender = LineSender(
            to: try LineAddress(settings.text(Self.address)), isStream: settings.number(Self.transport) == 1,
            longestPacket: Int(settings.number(LineSettings.packetBytes)),
            timeoutNanoseconds: UInt64(settings.number(LineSettings.timeout)), resend: .all, host: host)
        state = Mutex(State(sender: sender))
    }

    /// Sends a batch's lines. An end mark has none.
    public func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        if frame.facts.isEndMark { return .delivered }
        var lines = GraphiteLines(prefix: prefix, hasTags: hasTags)
        let isRead: Void? = frame.withBatch { batch in
            for view in batch.views { batch.forEachRow(of: view) { lines.add($0, of: view) } }
        }
        guard isRead != nil else { return .rejected(message: "the batch cannot be read") }
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
