private import Synchronization
package import WeirExporterKit
private import WeirGzip
private import WeirHTTPClient

/// Sends batches to a collector as OpenTelemetry's metrics, protobuf over HTTP.
///
/// A batch that is too large for one request goes out in several. What the collector has taken of a batch is remembered
/// until the batch is done, so that trying again does not send the same deltas twice.
package final class OtlpHttpSink: Exporter {
    private struct State: ~Copyable, Sendable {
        var encoder: RequestEncoder
        var progress = Progress()
        var counts = Counts()
    }

    private struct Counts {
        /// Requests that were answered, and their bodies' bytes.
        var requests: UInt64 = 0
        var bytes: UInt64 = 0
        /// Requests that failed, answered or not.
        var failures: UInt64 = 0
        var rejectedPoints: UInt64 = 0

        mutating func add(_ other: Counts) {
            requests += other.requests
            bytes += other.bytes
            failures += other.failures
            rejectedPoints += other.rejectedPoints
        }
    }

    /// How far the delivery of a batch has come.
    private struct Progress {
        var stream = StreamName(high: 0, low: 0)
        var numbers: ClosedRange<UInt64> = 0...0
        var part: UInt32 = 0
        /// Requests that were taken, and what of their points was not.
        var requests = 0
        var rejected: UInt64 = 0
        /// What the collector said of those.
        var words = ""

        init() {}

        init(of facts: FrameFacts) {
            (stream, numbers, part) = (facts.stream, facts.numbers, facts.part)
        }

        func isOf(_ facts: FrameFacts) -> Bool {
            stream == facts.stream && numbers == facts.numbers && part == facts.part
        }

        func result(rows: UInt64) -> DeliveryResult {
            guard rejected > 0 else { return .delivered }
            let message = words.isEmpty ? "the collector gave no reason" : words
            return rejected < rows
                ? .partial(acceptedRows: rows - rejected, message: message) : .rejected(message: message)
        }
    }

    /// Ends a delivery before its last request.
    private struct Interruption: Error {
        let result: DeliveryResult
    }

    private let host: ExporterHost
    private let destination: HTTPDestination
    private let isCompressed: Bool
    private let state: Mutex<State>

    package init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        destination = try HTTPDestination(settings: settings, host: host, path: "/v1/metrics")
        isCompressed = settings.number(OtlpHttpSettings.compression) == 0
        state = Mutex(State(encoder: RequestEncoder(limit: Int(settings.number(OtlpHttpSettings.requestBytes)))))
        self.host = host
    }

    package func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        let facts = frame.facts
        if facts.isEndMark { return .delivered }
        let deadline = frame.deadline
        return state.withLock { state in
            let result = frame.withBatch { batch in deliver(batch, facts, deadline, &state) }
            return result ?? .rejected(message: "the batch cannot be read")
        }
    }

    package var counters: [ExporterCounter] {
        state.withLock { state in
            [
                ExporterCounter("requests.sent", unit: "{request}", value: state.counts.requests),
                ExporterCounter("requests.failed", unit: "{request}", value: state.counts.failures),
                ExporterCounter("bytes.sent", unit: "By", value: state.counts.bytes),
                ExporterCounter("points.rejected", unit: "{point}", value: state.counts.rejectedPoints),
            ]
        }
    }

    package func stop() { destination.stop() }

    package func close() {}

    // MARK: - Delivering

    private func deliver(
        _ batch: borrowing DeliveredBatch, _ facts: FrameFacts, _ deadline: UInt64, _ state: inout State
    ) -> DeliveryResult {
        var progress = state.progress.isOf(facts) ? state.progress : Progress(of: facts)
        let done = progress.requests
        var number = 0
        var counts = Counts()
        let result: DeliveryResult
        do throws(Interruption) {
            try state.encoder.encode(batch, time: facts.endTime) { request, rows throws(Interruption) in
                number += 1
                // A batch that comes again has the same bytes, which make the same requests.
                guard number > done else { return }
                try send(request, rows: rows, deadline, &progress, &counts)
                progress.requests = number
            }
            result = progress.result(rows: facts.rows)
            if progress.rejected == 0, !progress.words.isEmpty {
                host.log(.warning, "the collector took all points, and says: \(progress.words)")
            }
        } catch {
            result = error.result
        }
        state.counts.add(counts)
        if case .retry = result {
            state.progress = progress
        } else {
            state.progress = Progress()
            state.counts.rejectedPoints += progress.rejected
        }
        return result
    }

    /// Sends one request. What will never be taken is noted, so that those behind it are sent all the same.
    private func send(
        _ request: [UInt8], rows: UInt64, _ deadline: UInt64, _ progress: inout Progress, _ counts: inout Counts
    ) throws(Interruption) {
        do throws(Interruption) {
            let taken = try answer(to: request, deadline, &counts)
            progress.rejected += min(taken.rejectedPoints, rows)
            if !taken.message.isEmpty { progress.words = taken.message }
        } catch {
            counts.failures += 1
            guard case .rejected(let message) = error.result else { throw error }
            progress.rejected += rows
            progress.words = message
        }
    }

    private func answer(
        to request: [UInt8], _ deadline: UInt64, _ counts: inout Counts
    ) throws(Interruption) -> ExportAnswer {
        var headers = [HTTPHeader("Content-Type", "application/x-protobuf")]
        var body = request
        do throws(Gzip.Failure) {
            if isCompressed {
                body = try Gzip.compress(request, level: 1)
                headers.append(HTTPHeader("Content-Encoding", "gzip"))
            }
        } catch {
            throw Interruption(result: .retry(message: "gzip: \(error)"))
        }
        let answer: HTTPAnswer
        do throws(HTTPError) {
            answer = try destination.post(body, headers: headers, deadline: deadline)
        } catch {
            throw Interruption(result: error.deliveryResult)
        }
        counts.requests += 1
        counts.bytes += UInt64(body.count)
        guard answer.isSuccess else {
            throw Interruption(result: answer.deliveryResult(now: host.wallNanoseconds()))
        }
        do throws(ExportAnswer.Failure) {
            return try ExportAnswer(answer)
        } catch {
            // Something that is no collector says yes to everything. Whether it kept the points nobody knows.
            throw Interruption(result: .retry(attemptLimit: 10, isUncertain: true, message: error.description))
        }
    }
}
