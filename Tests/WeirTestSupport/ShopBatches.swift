package import WeirBatch

/// What a small shop's server might write: every aggregation, a series that ends, one that overflowed, integers beyond
/// 2^53, tags that need quoting. The same at every call.
package enum ShopBatches {
    /// 2026-11-24T13:00:00Z
    package static let begin: UInt64 = 1_795_525_200_000_000_000
    package static let second: UInt64 = 1_000_000_000

    package static let stream = StreamID(high: 0x5747_1200_0000_0001, low: 0xA1)
    package static let restarted = StreamID(high: 0x5747_1200_0000_0002, low: 0xB2)

    /// The batch of a number from 1, one each 10 seconds. What was recorded grows with the number; after a restart it
    /// begins anew at `since`.
    package static func batch(_ number: Int, since: UInt64 = begin) -> Batch {
        let end = begin + UInt64(number) * 10 * second
        let runs = Int64((end - since) / (10 * second))
        var builder = BatchBuilder(
            start: end - 10 * second, end: end, resource: [("service.name", "shop"), ("host.name", "till 3")])
        builder.view(
            "http/latency", .distribution, .double, unit: "s", description: "Time to serve a request",
            measure: "http.server.duration", keys: ["http.route", "http.status_code"],
            bounds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
        ) { rows in
            let n = UInt64(runs)
            rows.row(
                ["/users", "200"], start: since, sum: 4.125 * Double(runs),
                buckets: [2 * n, 11 * n, 60 * n, 22 * n, 4 * n, n, 0, 0, 0, 0, 0], range: 0.0031...0.1875)
            rows.row(
                ["/users", "500"], start: since + second, sum: 9.5 * Double(runs),
                buckets: [0, 0, 0, 0, 0, 0, n, n, n, 0, n], range: 0.375...6.25)
            if number <= 2 {
                rows.row(
                    ["/cart", nil], start: since, end: number == 2 ? end - 3 * second : 0, sum: 0.25,
                    buckets: [0, 3, 7, 1, 0, 0, 0, 0, 0, 0, 0], range: 0.0078125...0.03125)
            }
        }
        builder.view(
            "http/requests", .count, unit: "s", description: "Requests served", measure: "http.server.duration",
            keys: ["http.route", "http.status_code", "otel.metric.overflow"]
        ) { rows in
            rows.row(["/users", "200", nil], start: since, 100 * runs)
            rows.row(["/users", "500", nil], start: since, 4 * runs)
            rows.row([nil, nil, "true"], start: since, 3 * runs)
        }
        builder.view(
            "http/bytes", .sum, unit: "By", description: "Sent, headers not counted", measure: "http.response.size",
            keys: ["http.route"]
        ) { rows in
            rows.row(["/users"], start: since, 1_536_000 * runs)
            rows.row(["/say \"hi\", now\\then\nnext"], start: since, 9_007_199_254_740_993)
        }
        builder.view("pool/open", .sum, unit: "{connection}", keys: [], isMonotonic: false) { rows in
            rows.row(start: since, 7 - runs)
        }
        builder.view("room/temperature", .lastValue, .double, unit: "Cel", keys: ["room"]) { rows in
            rows.row(["kitchen"], start: since, double: 21.25 + Double(runs) / 4)
            rows.row([""], start: since, double: -3.5)
        }
        builder.view(
            "rpc/latency", .exponentialDistribution, .double, unit: "ms", measure: "rpc.duration", keys: ["rpc.method"],
            scale: 3
        ) { rows in
            let n = UInt64(runs)
            rows.row(
                ["Get"], start: since, sum: 40 * Double(runs), zero: n,
                positive: [(8, 2 * n), (9, 5 * n), (11, 3 * n), (20, n)], range: 0...6)
        }
        return builder.batch
    }

    /// The header of ``batch(_:since:)`` as the number `number` of a stream.
    package static func header(
        _ batch: Batch, _ number: UInt64, stream: StreamID = stream, previous: StreamID? = nil, gaps: [Gap] = []
    ) -> FrameHeader {
        var header = FrameHeader(stream: stream, first: number, last: number)
        header.previousStream = previous
        header.startTime = batch.startTime
        header.endTime = batch.endTime
        header.rows = UInt64(batch.rows)
        header.gaps = gaps
        return header
    }
}
