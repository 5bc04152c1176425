import Foundation
import RemoteWriteSink
import Synchronization
import Weir
import WeirBatch
import WeirExport
import WeirTestSupport

/// Collections made beforehand, one a second in the minute before now, handed out one after the other.
final class Minute: BatchSource {
    let collections = Signal()
    /// Seconds since 1970, whole.
    let begin: Int
    let count: Int
    private let fill: @Sendable (Int, inout BatchBuilder) -> Void
    private let number = Atomic<Int>(0)

    /// - Parameter fill: Adds the views of the collection of a number from 1.
    init(
        _ count: Int, begin: Int = Int(Date().timeIntervalSince1970) - 60,
        _ fill: @escaping @Sendable (Int, inout BatchBuilder) -> Void
    ) {
        self.begin = begin
        self.count = count
        self.fill = fill
    }

    /// Nanoseconds since 1970.
    func time(_ number: Int) -> UInt64 { UInt64(begin + number) * 1_000_000_000 }

    func collect(into batch: inout Batch) {
        let number = number.add(1, ordering: .relaxed).newValue
        var builder = BatchBuilder(start: time(number - 1), end: time(number))
        // After the last one, what goes on is still there.
        fill(min(number, count), &builder)
        batch = builder.batch
        collections.fire()
    }
}

extension Sink {
    /// A sink that sends to a port of this machine, and tries again soon.
    static func remoteWrite(_ port: UInt16, _ settings: [String: String] = [:]) -> Sink {
        var sink = Sink(
            RemoteWriteSink.plugin, name: "metrics",
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

/// A shop that serves requests; one route is gone after the third collection.
@Sendable
func shop(_ number: Int, _ builder: inout BatchBuilder, source begin: UInt64) {
    let second: UInt64 = 1_000_000_000
    builder.view("http/requests", .count, keys: ["http.route", "job"]) { rows in
        rows.row(["/a", nil], start: begin, Int64(100 * number))
        if number <= 2 { rows.row(["/gone", "x"], start: begin, Int64(number)) }
        if number == 3 { rows.row(["/gone", "x"], start: begin, end: begin + 5 * second / 2, 3) }
    }
    builder.view("room/temperature", .lastValue, .double, unit: "Cel", keys: []) { rows in
        rows.row(start: begin, double: Double(number) + 0.5)
    }
    builder.view("http/latency", .distribution, .double, unit: "s", keys: [], bounds: [0.5, 1]) { rows in
        rows.row(start: begin, sum: 2.5 * Double(number), buckets: [UInt64(number), 2, 1], range: 0...4)
    }
    builder.view("rpc/latency", .exponentialDistribution, .double, unit: "ms", keys: [], scale: 0) { rows in
        rows.row(start: begin, sum: 3 * Double(number), zero: 1, positive: [(0, UInt64(number)), (2, 1)])
    }
}
