package import WeirExporterKit

/// Ends a delivery before its last request.
package struct Interruption: Error {
    package let result: DeliveryResult

    package init(_ result: DeliveryResult) {
        self.result = result
    }
}

/// How far the delivery of a batch has come that goes out in one request or several.
///
/// What a server has taken is remembered until the batch is done, so that trying again goes on behind it. A batch that
/// comes again has the same bytes, which make the same requests.
package struct BatchProgress: Sendable {
    private var stream = StreamName(high: 0, low: 0)
    private var numbers: ClosedRange<UInt64> = 0...0
    private var part: UInt32 = 0
    /// Requests that need not be sent again.
    private var done = 0
    private var seen = 0
    /// Rows, or points, that the server will never take.
    package private(set) var rejected: UInt64 = 0
    /// Those of them that are older than what the server has.
    private var outOfOrder: UInt64 = 0
    /// What was said last of those; or a warning where all were taken.
    package private(set) var words = ""

    package init() {}

    /// Begins an attempt.
    package mutating func begin(_ facts: FrameFacts) {
        if stream != facts.stream || numbers != facts.numbers || part != facts.part {
            self = BatchProgress()
            (stream, numbers, part) = (facts.stream, facts.numbers, facts.part)
        }
        seen = 0
    }

    /// Sends the next request, unless an earlier attempt has. One that will never be taken is noted, so that those behind
    /// it are sent all the same.
    ///
    /// - Parameter send: Says how many of the rows the server will never take, and why.
    package mutating func request(
        rows: UInt64, _ send: () throws(Interruption) -> (rejected: UInt64, words: String)
    ) throws(Interruption) {
        seen += 1
        guard seen > done else { return }
        do throws(Interruption) {
            let answer = try send()
            let isOutOfOrder = Refusal.isOutOfOrder(answer.words)
            note(rejected: min(answer.rejected, rows), answer.words, isOutOfOrder: isOutOfOrder)
        } catch {
            guard case .rejected(let isOutOfOrder, let message) = error.result else { throw error }
            note(rejected: rows, message, isOutOfOrder: isOutOfOrder)
        }
        done = seen
    }

    /// Counts rows that will never be taken.
    package mutating func note(rejected rows: UInt64, _ words: String, isOutOfOrder: Bool = false) {
        rejected += rows
        if isOutOfOrder { outOfOrder += rows }
        if !words.isEmpty { self.words = words }
    }

    /// What has become of all rows, once all requests are sent.
    package func result(rows: UInt64) -> DeliveryResult {
        guard rejected > 0 else { return .delivered }
        let message = words.isEmpty ? "the server gave no reason" : words
        // One cause for all of them, or the more general one.
        let isOutOfOrder = outOfOrder == rejected
        return rejected < rows
            ? .partial(acceptedRows: rows - rejected, isOutOfOrder: isOutOfOrder, message: message)
            : .rejected(isOutOfOrder: isOutOfOrder, message: message)
    }
}

/// What exporters over HTTP count.
package struct RequestCounts: Sendable {
    /// Requests that were answered, and the bytes of their bodies.
    private var sent: UInt64 = 0
    private var bytes: UInt64 = 0
    /// Requests that were not answered, or not with success.
    private var failed: UInt64 = 0

    package init() {}

    package mutating func note(_ answer: HTTPAnswer, bytes: Int) {
        sent += 1
        self.bytes += UInt64(bytes)
        if !answer.isSuccess { failed += 1 }
    }

    package mutating func noteUnanswered() { failed += 1 }

    package var counters: [ExporterCounter] {
        [
            ExporterCounter("requests.sent", unit: "{request}", value: sent),
            ExporterCounter("requests.failed", unit: "{request}", value: failed),
            ExporterCounter("bytes.sent", unit: "By", value: bytes),
        ]
    }
}
