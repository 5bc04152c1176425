private import Synchronization
public import WeirExporterKit
private import WeirExporterSupport

/// Shows what is recorded to whoever scrapes: `GET /metrics`, in OpenMetrics or Prometheus's older text.
///
/// A scrape asks the host to collect, waits for what it gets, and shows it. Nothing is kept but the last collection, so
/// series that are gone are not shown.
public final class PrometheusSink: Exporter {
    private struct State {
        /// The collection whose parts are coming.
        var builder: SnapshotBuilder?
        /// Which part of it is next, of the stream.
        var stream: StreamName?
        var endTime: UInt64 = 0
        var part: UInt32 = 0
        var claims = NameClaims()
        var losses = SnapshotBuilder.Losses()
        /// Clashes that the log has told, and collections that lacked a part.
        var told: Set<String> = []
        var torn: UInt64 = 0
    }

    private let host: ExporterHost
    private let exponentialBuckets: Int
    private let scrapes: Scrapes
    private let renderer: Renderer
    private let service: ScrapeService
    private let server: ScrapeServer
    private let state = Mutex(State())

    /// Begins to serve.
    ///
    /// - Throws: ``ExporterError`` where the address cannot be had.
    public init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        let settings = PrometheusSettings(settings)
        guard let address = ListenAddress(settings.listen) else {
            throw ExporterError("listen: wanted an address and a port, as 127.0.0.1:9464, found \(settings.listen)")
        }
        guard settings.path.hasPrefix("/"), settings.path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3F })
        else { throw ExporterError("path: wanted one that begins with /, as /metrics, found \(settings.path)") }
        self.host = host
        exponentialBuckets = settings.exponentialBuckets
        scrapes = Scrapes(host: host, wait: settings.wait)
        renderer = Renderer(isCreatedShown: settings.isCreatedShown)
        service = ScrapeService(
            path: settings.path,
            authorization: Authorization(tokenFile: settings.tokenFile, passwordFile: settings.passwordFile),
            scrapes: scrapes, renderer: renderer)
        do throws(ExporterError) {
            server = try ScrapeServer(
                at: address, service: service, timeout: settings.clientTimeout,
                maximumConnections: settings.maximumConnections)
        } catch {
            renderer.close()
            throw error
        }
        host.log(.info, "serves http://\(server.address)\(settings.path)")
    }

    /// Takes a collection to show.
    public func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        let facts = frame.facts
        if facts.isEndMark { return .delivered }
        return state.withLock { state in
            let result = frame.withBatch { batch -> DeliveryResult in
                if let delta = batch.views.first(where: \.isDelta) { return refuse(delta) }
                add(batch, facts, &state)
                return .delivered
            }
            return result ?? .rejected(message: "the payload cannot be read")
        }
    }

    /// Scrapes, and what was left out.
    public var counters: [ExporterCounter] {
        let (losses, torn) = state.withLock { ($0.losses, $0.torn) }
        return [
            ExporterCounter("scrapes.answered", unit: "{request}", value: service.answered),
            ExporterCounter("scrapes.late", unit: "{request}", value: scrapes.late),
            ExporterCounter("requests.refused", unit: "{request}", value: service.refused),
            ExporterCounter("connections.refused", unit: "{connection}", value: server.refused),
            ExporterCounter("collections.torn", unit: "{collection}", value: torn),
            ExporterCounter("series.clashed", unit: "{series}", value: losses.clashed),
            ExporterCounter("series.repeated", unit: "{series}", value: losses.repeated),
        ]
    }

    /// Serves no longer.
    public func close() {
        server.close()
        renderer.close()
    }

    /// Values that count from the batch before mean nothing to who may not have scraped that.
    private func refuse(_ view: DeliveredView) -> DeliveryResult {
        let message =
            "view \(view.name) comes in deltas, which Prometheus cannot scrape: give this sink `temporality: cumulative`"
        scrapes.fail(message)
        return .fatal(message: message)
    }

    /// Adds a part of a collection, and publishes it with the last. One that lacks a part is not shown, since its series
    /// would seem to be gone.
    private func add(_ batch: borrowing DeliveredBatch, _ facts: FrameFacts, _ state: inout State) {
        if facts.part == 1 {
            if state.builder != nil { state.torn += 1 }
            state.builder = SnapshotBuilder(
                endTime: facts.endTime, exponentialBuckets: exponentialBuckets, claims: state.claims)
            (state.stream, state.endTime) = (facts.stream, facts.endTime)
        } else {
            let follows =
                state.builder != nil && state.stream == facts.stream && state.endTime == facts.endTime
                && state.part + 1 == facts.part
            guard follows else {
                if state.builder != nil || facts.part == facts.parts { state.torn += 1 }
                return state.builder = nil
            }
        }
        state.part = facts.part
        state.builder?.add(batch)
        guard facts.part == facts.parts, let builder = state.builder.take() else { return }
        state.claims = builder.claims
        let (snapshot, losses) = builder.finish()
        note(losses, &state)
        scrapes.publish(snapshot)
    }

    private func note(_ losses: SnapshotBuilder.Losses, _ state: inout State) {
        state.losses.clashed += losses.clashed
        state.losses.repeated += losses.repeated
        for clash in losses.clashes where state.told.count < 1000 && state.told.insert(clash.view).inserted {
            host.log(.warning, clash.description)
        }
    }
}
