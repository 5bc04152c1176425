import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("Accounts read back from a batch")
struct AccountsReaderTests {
    /// A sink's accounts as the metrics say them: `number` for every account, each another one.
    private func batch(_ temporality: ViewColumns.Temporality = .cumulative, scale: Int64 = 1) -> Batch {
        var builder = BatchBuilder(start: 1, end: 2)
        for (index, unit) in ["batches", "rows", "bytes"].enumerated() {
            let base = Int64(index * 100)
            builder.view("weir.sink.\(unit)", .sum, keys: ["sink", "account", "cause"], temporality: temporality) {
                rows in
                for (number, account) in ["recovered", "offered", "accepted", "delivered", "coalesced", "uncertain"]
                    .enumerated()
                {
                    rows.row(["a", account, nil], start: 1, scale * (base + Int64(number)))
                }
                for cause in Gap.Cause.allCases {
                    rows.row(["a", "refused", "\(cause)"], start: 1, scale * (base + 20 + Int64(cause.rawValue)))
                    rows.row(["a", "dropped", "\(cause)"], start: 1, scale * (base + 40 + Int64(cause.rawValue)))
                }
                rows.row(["a", "invented", nil], start: 1, 1)
                rows.row([nil, "offered", nil], start: 1, 1)
                rows.row(["b", "offered", nil], start: 1, scale * 7)
            }
            builder.view("weir.sink.held.\(unit)", .sum, keys: ["sink", "state"], isMonotonic: false) { rows in
                for (number, state) in ["queued", "inflight", "spilled"].enumerated() {
                    rows.row(["a", state], start: 1, base + 80 + Int64(number))
                }
            }
        }
        builder.view("weir.sink.deliveries", .sum, keys: ["sink", "result"], temporality: temporality) {
            $0.row(["a", "ok"], start: 1, scale * 5)
        }
        return builder.batch
    }

    private func amount(_ number: UInt64, _ scale: UInt64 = 1) -> Amount {
        Amount(batches: number * scale, rows: (number + 100) * scale, bytes: (number + 200) * scale)
    }

    private func check(_ reader: AccountsReader, scale: UInt64) throws {
        #expect(reader.sinks.map(\.name) == ["a", "b"])
        let accounts = try #require(reader.sinks.first).accounts
        #expect(accounts.recovered == amount(0, scale))
        #expect(accounts.offered == amount(1, scale))
        #expect(accounts.accepted == amount(2, scale))
        #expect(accounts.delivered == amount(3, scale))
        #expect(accounts.coalesced == amount(4, scale))
        #expect(accounts.uncertain == amount(5, scale))
        for cause in Gap.Cause.allCases {
            #expect(accounts.refused[cause] == amount(20 + UInt64(cause.rawValue), scale))
            #expect(accounts.dropped[cause] == amount(40 + UInt64(cause.rawValue), scale))
        }
        // Levels are what they are.
        #expect(accounts.queued == amount(80))
        #expect(accounts.inflight == amount(81))
        #expect(accounts.spilled == amount(82))
        #expect(reader.sinks[0].deliveries == ["ok": 5 * scale])
        #expect(reader.sinks[1].accounts.offered == Amount(batches: 7 * scale, rows: 7 * scale, bytes: 7 * scale))
    }

    @Test("every account and cause is found, and what a later version adds is passed over")
    func all() throws {
        var reader = AccountsReader()
        reader.add(batch(scale: 3))
        reader.add(batch())
        #expect(!reader.isDelta)
        try check(reader, scale: 1)
    }

    @Test("differences add up, levels do not")
    func deltas() throws {
        var reader = AccountsReader()
        for _ in 0..<4 { reader.add(batch(.delta)) }
        #expect(reader.isDelta)
        try check(reader, scale: 4)
    }

    @Test("moments that are none are passed over")
    func hostileMoments() {
        let values = [Double.nan, .infinity, -.infinity, -1, 1e300, 1.7e10, 0]
        var builder = BatchBuilder(start: 1, end: 2)
        for name in ["weir.sink.failure.time", "weir.sink.failing.since", "weir.sink.success.time"] {
            builder.view(name, .lastValue, .double, unit: "s", keys: ["sink", "reason"]) { rows in
                for value in values { rows.row(["a", "r"], start: 1, double: value) }
                rows.row([nil, nil], start: 1, double: 5)
            }
        }
        builder.view("weir.sink.success.time", .lastValue, unit: "s", keys: ["sink"]) { $0.row(["a"], start: 1, 1) }
        var reader = AccountsReader()
        reader.add(builder.batch)
        #expect(reader.sinks.map(\.name) == ["a"])
        #expect(reader.sinks[0].failure == nil && reader.sinks[0].failingSince == nil && reader.sinks[0].success == nil)
    }

    @Test("what a pipeline says of itself is what its snapshots say")
    func pipeline() async throws {
        let source = CountingSource()
        let destination = Destination(.accepting)
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = 1_000_000
        let pipeline = try Pipeline(
            configuration, source: source,
            sinks: [try destination.sink("a"), try Destination(.failing).sink("b")])
        try pipeline.start()
        await source.collections.wait(for: 3)
        _ = await pipeline.end(deadlineNanoseconds: 500_000_000)
        var reader = AccountsReader()
        reader.add(pipeline.ownBatch(since: 1))
        let snapshots = pipeline.snapshots()
        #expect(reader.sinks.map(\.name) == snapshots.map(\.name))
        for (read, snapshot) in zip(reader.sinks, snapshots) {
            #expect(read.accounts == snapshot.accounts)
            #expect(read.accounts.offered.batches >= 3)
            #expect(read.accounts.imbalance == nil)
            #expect(read.state == "\(snapshot.condition)")
        }
        let (healthy, failing) = (reader.sinks[0], reader.sinks[1])
        #expect(healthy.state == "healthy" && healthy.failure == nil && healthy.failingSince == nil)
        #expect(failing.state != "healthy" && failing.failure?.reason == "away" && failing.success == nil)
        let failingSince = try #require(failing.failingSince)
        #expect(failingSince <= (failing.failure?.time ?? 0))
        // Of this century: a monotonic clock's moments would not be.
        for time in [failingSince, try #require(healthy.success)] { #expect(time > 1_000_000_000_000_000_000) }
    }
}
