private import Synchronization
public import WeirExporterKit
private import WeirExporterSupport

/// Sends what happened since the last batch as StatsD lines, over UDP or TCP.
///
/// StatsD adds up what it gets, so the sink's batches must be deltas: one that is not ends the sink, which says so.
public final class StatsdSink: Exporter {
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

    private let isDogStatsD: Bool
    private let delivery: LineDelivery
    private let names = Mutex(LineNames())

    /// Connects with the first batch.
    ///
    /// - Throws: ``ExporterError`` for an address that is none.
    public init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        isDogStatsD = settings.number(Self.dialect) == 1
        delivery = try LineDelivery(
            settings, address: Self.address, transport: Self.transport, resend: .rest, host: host)
    }

    /// Sends a batch's lines. An end mark has none.
    public func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        if frame.facts.isEndMark { return .delivered }
        // Taken out and put back: calls do not overlap, and a copy would be of all names.
        let known = names.withLock { names in
            defer { names = LineNames() }
            return names
        }
        var lines = StatsdLines(prefix: delivery.prefix, isDogStatsD: isDogStatsD, names: known)
        defer { names.withLock { $0 = lines.names } }
        let time = frame.facts.endTime
        let cumulative = frame.withBatch { batch -> String? in
            if let view = StatsdLines.cumulativeView(in: batch) { return view }
            lines.add(batch, at: time)
            return nil
        }
        switch cumulative {
        case nil: return .rejected(message: "the batch cannot be read")
        case .some(let view?):
            return .fatal(
                message: "StatsD adds up what it gets, and \(view) is cumulative: set temporality: delta for this sink")
        case .some(nil): break
        }
        return delivery.send(frame, lines.bytes, skipped: lines.skipped)
    }

    /// Packets, connections, and what could not be said.
    public var counters: [ExporterCounter] { delivery.counters }

    /// Asks a running call to return: it does within a tenth of a second.
    public func stop() { delivery.stop() }

    /// Ends the connection.
    public func close() { delivery.close() }
}
