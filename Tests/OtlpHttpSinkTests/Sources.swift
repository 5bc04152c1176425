import OtlpHttpSink
import Synchronization
import Weir
import WeirBatch
import WeirExport
import WeirTestSupport

/// Collections made beforehand, one after the other, and then empty ones.
final class MadeBatches: BatchSource {
    let collections = Signal()
    private let batches: Mutex<[Batch]>

    init(_ batches: [Batch]) {
        self.batches = Mutex(batches)
    }

    func collect(into batch: inout Batch) {
        batch = batches.withLock { $0.isEmpty ? Batch() : $0.removeFirst() }
        if batch.endTime == 0 { (batch.startTime, batch.endTime) = (1, 2) }
        collections.fire()
    }
}

/// Sums that grow, a row each; every batch has a later time.
final class GrowingSums: BatchSource {
    let collections = Signal()
    private let rows: Int
    private let number = Atomic<Int>(0)

    init(rows: Int) {
        self.rows = rows
    }

    /// The batch of a number from 1.
    func batch(_ number: Int) -> Batch {
        var builder = BatchBuilder(start: UInt64(number), end: UInt64(number) + 1)
        builder.view("sums", .sum, keys: ["row"]) { view in
            for row in 0..<rows { view.row(["\(row)"], start: 1, Int64(number * 1000 + row)) }
        }
        return builder.batch
    }

    func collect(into batch: inout Batch) {
        batch = self.batch(number.add(1, ordering: .relaxed).newValue)
        collections.fire()
    }
}

extension Sink {
    /// A sink that sends to a port of this machine, and tries again soon.
    static func otlp(_ port: UInt16, _ settings: [String: String] = [:]) -> Sink {
        var sink = Sink(
            OtlpHttpSink.plugin, name: "otlp",
            settings: ["endpoint": "http://127.0.0.1:\(port)"].merging(settings) { $1 })
        sink.retry = RetryPolicy(first: .milliseconds(10), longest: .milliseconds(50))
        sink.breaker = BreakerPolicy(failuresInARow: 0, failuresOf20: 0)
        sink.maximumBatches = 1_000_000
        sink.maximumBytes = 1 << 40
        // Weir's own metrics are not what these tests recorded.
        sink.match = ["*", "!weir.*"]
        return sink
    }
}
