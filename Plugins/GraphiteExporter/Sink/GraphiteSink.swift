private import Synchronization
public import WeirExporterKit
private import WeirExporterSupport

/// Sends batches as Graphite's plain lines, over TCP or UDP.
///
/// A line says what a series was at a time, so one that is sent twice changes nothing.
public final class GraphiteSink: Exporter {
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

    private let hasTags: Bool
    private let delivery: LineDelivery
    private let names = Mutex(LineNames())

    /// Connects with the first batch.
    ///
    /// - Throws: ``ExporterError`` for an address that is none.
    public init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        hasTags = settings.number(Self.tags) == 1
        delivery = try LineDelivery(
            settings, address: Self.address, transport: Self.transport, resend: .all, host: host)
    }

    /// Sends a batch's lines. An end mark has none.
    public func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        if frame.facts.isEndMark { return .delivered }
        // Taken out and put back: calls do not overlap, and a copy would be of all names.
        let known = names.withLock { names in
            defer { names = LineNames() }
            return names
        }
        var lines = GraphiteLines(prefix: delivery.prefix, hasTags: hasTags, names: known)
        defer { names.withLock { $0 = lines.names } }
        let time = frame.facts.endTime
        let isRead: Void? = frame.withBatch { batch in lines.add(batch, at: time) }
        guard isRead != nil else { return .rejected(message: "the batch cannot be read") }
        return delivery.send(frame, lines.bytes, skipped: lines.skipped)
    }

    /// Packets, connections, and what could not be said.
    public var counters: [ExporterCounter] { delivery.counters }

    /// Asks a running call to return: it does within a tenth of a second.
    public func stop() { delivery.stop() }

    /// Ends the connection.
    public func close() { delivery.close() }
}
