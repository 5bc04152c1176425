private import Synchronization
public import WeirExporterKit
private import WeirHTTPClient
private import WeirExporterSupport

/// Sends batches to Prometheus, and whatever else takes its remote write.
///
/// It sends cumulative values under the names that the Prometheus exporter shows, and tells when a series has ended, so
/// that nobody sees its last value for five minutes more.
public final class RemoteWriteSink: Exporter {
    private struct State: ~Copyable, Sendable {
        var encoder: SeriesEncoder
        var progress = BatchProgress()
        var counts = RequestCounts()
        var clashed: UInt64 = 0
        var repeated: UInt64 = 0
        /// Of which the log has been told. Bounded.
        var known: Set<NameClaims.Clash> = []
    }

    private let host: ExporterHost
    private let destination: HTTPDestination
    private let state: Mutex<State>

    /// Connects with the first batch.
    ///
    /// - Throws: ``ExporterError`` for settings that cannot be used.
    public init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        destination = try HTTPDestination(settings: settings, host: host, path: "/api/v1/write")
        state = Mutex(
            State(
                encoder: SeriesEncoder(
                    limit: Int(settings.number(RemoteWriteSettings.requestBytes)),
                    isNative: settings.number(RemoteWriteSettings.histograms) == 1,
                    classicBuckets: Int(settings.number(RemoteWriteSettings.classicBuckets)))))
        self.host = host
    }

    /// Delivers a batch, in as many requests as it takes.
    public func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        let (facts, deadline) = (frame.facts, frame.deadline)
        return state.withLock { state in
            if facts.isEndMark { return end(deadline, &state) }
            let result = frame.withBatch { batch in deliver(batch, facts, deadline, &state) }
            return result ?? .rejected(message: "the batch cannot be read")
        }
    }

    /// Requests, bytes, and what has another name or was put together.
    public var counters: [ExporterCounter] {
        state.withLock { state in
            state.counts.counters + [
                ExporterCounter("rows.clashed", unit: "{row}", value: state.clashed),
                ExporterCounter("rows.repeated", unit: "{row}", value: state.repeated),
            ]
        }
    }

    /// Asks a running call to return.
    public func stop() { destination.stop() }

    /// Ends the exporter.
    public func close() {}

    // MARK: - Delivering

    private func deliver(
        _ batch: borrowing DeliveredBatch, _ facts: FrameFacts, _ deadline: UInt64, _ state: inout State
    ) -> DeliveryResult {
        if let delta = batch.views.first(where: \.isDelta) {
            return .fatal(
                message: "view \(delta.name) counts by deltas, and remote write takes totals: "
                    + "wanted temporality cumulative for this sink")
        }
        let times = CollectionTimes(facts, clock: host.wallNanoseconds())
        let isWhole = facts.parts <= 1
        // Taken out and put back: the encoder is in use meanwhile.
        var (progress, counts) = (state.progress, state.counts)
        progress.begin(facts)
        let result: DeliveryResult
        do throws(Interruption) {
            try state.encoder.encode(batch, at: times, isWhole: isWhole) { request, rows throws(Interruption) in
                try progress.request(rows: rows) { () throws(Interruption) in
                    try send(request, deadline, &counts)
                    return (0, "")
                }
            }
            note(state.encoder.changes, &state)
            result = progress.result(rows: facts.rows)
            state.encoder.commit(times, isWhole: isWhole)
        } catch {
            result = error.result
        }
        (state.progress, state.counts) = (progress, counts)
        return result
    }

    /// The last frame: whatever was there is there no more. It is tried once.
    private func end(_ deadline: UInt64, _ state: inout State) -> DeliveryResult {
        guard let request = state.encoder.encodeEnd() else { return .delivered }
        var counts = state.counts
        defer { state.counts = counts }
        do throws(Interruption) {
            try send(request, deadline, &counts)
            return .delivered
        } catch {
            return error.result
        }
    }

    private func send(_ request: [UInt8], _ deadline: UInt64, _ counts: inout RequestCounts) throws(Interruption) {
        let body: [UInt8]
        do throws(Snappy.Failure) {
            body = try Snappy.compress(request)
        } catch {
            throw Interruption(.retry(message: "snappy: status \(error.status)"))
        }
        let headers = [
            HTTPHeader("Content-Type", "application/x-protobuf"), HTTPHeader("Content-Encoding", "snappy"),
            HTTPHeader("X-Prometheus-Remote-Write-Version", "0.1.0"),
        ]
        _ = try destination.deliver(body, headers: headers, deadline: deadline, &counts)
    }

    /// Counts what is called otherwise or was put together, and says why, each reason once.
    private func note(_ changes: SeriesEncoder.Changes, _ state: inout State) {
        state.clashed += changes.clashed
        state.repeated += changes.repeated
        for clash in changes.clashes where state.known.count < 1000 && state.known.insert(clash).inserted {
            host.log(.warning, "\(clash)")
        }
    }
}
