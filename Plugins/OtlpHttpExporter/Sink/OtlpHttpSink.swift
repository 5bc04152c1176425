private import Synchronization
public import WeirExporterKit
private import WeirExporterSupport
private import WeirHTTPClient

/// Sends batches to a collector as OpenTelemetry's metrics, protobuf over HTTP.
///
/// A batch that is too large for one request goes out in several. What the collector has taken of a batch is remembered
/// until the batch is done, so that trying again does not send the same deltas twice.
public final class OtlpHttpSink: Exporter {
    private struct State: ~Copyable, Sendable {
        var encoder: RequestEncoder
        var progress = BatchProgress()
        var counts = RequestCounts()
        var rejectedPoints: UInt64 = 0
    }

    private let host: ExporterHost
    private let destination: HTTPDestination
    private let isCompressed: Bool
    private let state: Mutex<State>

    /// Connects with the first batch.
    ///
    /// - Throws: ``ExporterError`` for settings that cannot be used.
    public init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        destination = try HTTPDestination(settings: settings, host: host, path: "/v1/metrics")
        isCompressed = settings.number(OtlpHttpSettings.compression) == 0
        state = Mutex(State(encoder: RequestEncoder(limit: Int(settings.number(OtlpHttpSettings.requestBytes)))))
        self.host = host
    }

    /// Delivers a batch, in as many requests as it takes.
    public func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        let facts = frame.facts
        if facts.isEndMark { return .delivered }
        let deadline = frame.deadline
        return state.withLock { state in
            let result = frame.withBatch { batch in deliver(batch, facts, deadline, &state) }
            return result ?? .rejected(message: "the batch cannot be read")
        }
    }

    /// Requests, bytes, and what was left out.
    public var counters: [ExporterCounter] {
        state.withLock { state in
            state.counts.counters
                + [ExporterCounter("points.rejected", unit: "{point}", value: state.rejectedPoints)]
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
        // Taken out and put back: the encoder is in use meanwhile.
        var (progress, counts) = (state.progress, state.counts)
        progress.begin(facts)
        let result: DeliveryResult
        do throws(Interruption) {
            try state.encoder.encode(batch, time: facts.endTime) { request, rows throws(Interruption) in
                try progress.request(rows: rows) { () throws(Interruption) in
                    let answer = try send(request, deadline, &counts)
                    return (answer.rejectedPoints, answer.message)
                }
            }
            result = progress.result(rows: facts.rows)
            state.rejectedPoints += progress.rejected
            if progress.rejected == 0, !progress.words.isEmpty {
                host.log(.warning, "the collector took all points, and says: \(progress.words)")
            }
        } catch {
            result = error.result
        }
        (state.progress, state.counts) = (progress, counts)
        return result
    }

    private func send(
        _ request: [UInt8], _ deadline: UInt64, _ counts: inout RequestCounts
    ) throws(Interruption) -> ExportAnswer {
        var headers = [HTTPHeader("Content-Type", "application/x-protobuf")]
        var body = request
        do throws(Gzip.Failure) {
            if isCompressed {
                body = try Gzip.compress(request, level: 1)
                headers.append(HTTPHeader("Content-Encoding", "gzip"))
            }
        } catch {
            throw Interruption(.retry(message: "gzip: \(error)"))
        }
        let answer = try destination.deliver(body, headers: headers, deadline: deadline, &counts)
        let words = ExportAnswer(answer)
        if let reason = words.unreadable { destination.noteForeignSuccess(reason) }
        return words
    }
}
