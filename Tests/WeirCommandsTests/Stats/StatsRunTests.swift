import Foundation
import Testing
import WeirBatch
import WeirDump
import WeirCommands
import WeirTestSupport

@Suite("Accounts of a process")
struct StatsRunTests {
    private let directory: TemporaryDirectory
    private let stream = StreamID(high: 0xABCD, low: 1)

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// Accounts of one sink, in batches, in which so many were delivered of so many offered.
    private func batch(
        _ time: UInt64, offered: Int64, delivered: Int64, _ temporality: ViewColumns.Temporality = .cumulative,
        sink: String = "file", end: UInt64? = nil
    ) -> Batch {
        var builder = BatchBuilder(start: time - 1, end: time, resource: [("service.name", "shop")])
        for unit in ["batches", "rows", "bytes"] {
            builder.view("weir.sink.\(unit)", .sum, keys: ["sink", "account", "cause"], temporality: temporality) {
                rows in
                rows.row([sink, "offered", nil], start: 1, offered)
                rows.row([sink, "accepted", nil], start: 1, offered)
                rows.row([sink, "delivered", nil], start: 1, delivered)
                rows.row([sink, "dropped", "expired"], start: 1, offered - delivered)
            }
        }
        return builder.batch
    }

    private func frame(
        _ batch: Batch, _ number: UInt64, stream: StreamID? = nil, previous: StreamID? = nil, part: UInt32 = 1,
        of parts: UInt32 = 1, gaps: [Gap] = []
    ) throws -> [UInt8] {
        var encoder = try BatchEncoder()
        let payload = try encoder.encode(batch)
        var header = FrameHeader(stream: stream ?? self.stream, first: number, last: number, payload: payload)
        header.previousStream = previous
        (header.part, header.parts) = (part, parts)
        header.gaps = gaps
        return header.encoded() + payload.bytes
    }

    private func run(_ bytes: [UInt8], isJSON: Bool = true) throws -> (StatsStatus, output: String, errors: String) {
        try Data(bytes).write(to: URL(fileURLWithPath: directory.path + "/a.weir.zst"))
        return run(directory.path, isJSON: isJSON)
    }

    private func run(_ operand: String, isJSON: Bool = true) -> (StatsStatus, output: String, errors: String) {
        let (output, errors) = (Output(), Output())
        let stats = StatsRun(
            operand, isJSON: isJSON, terminal: Terminal(hasColour: false), output: output,
            diagnostics: Diagnostics(errors))
        return (stats.run(), output.collected, errors.collected)
    }

    @Test("the last batch says it all")
    func last() throws {
        let found = try run(
            frame(batch(10, offered: 1, delivered: 0), 1) + frame(batch(20, offered: 9, delivered: 7), 2))
        #expect(found.0 == .balanced)
        #expect(found.errors == "")
        #expect(found.output.contains(#""offered":{"batches":9,"rows":9,"bytes":9}"#))
        #expect(found.output.contains(#""dropped":{"expired":{"batches":2,"rows":2,"bytes":2}}"#))
        #expect(found.output.contains(#""balanced":true"#))
        #expect(found.output.split(separator: "\n").count == 1)
    }

    @Test("a sink's state, last failure, since when, and last success are shown, where a batch says them")
    func health() throws {
        let time: UInt64 = 1_795_525_210_000_000_000
        var builder = BatchBuilder(start: time - 1, end: time)
        for unit in ["batches", "rows", "bytes"] {
            builder.view("weir.sink.\(unit)", .sum, keys: ["sink", "account", "cause"]) { rows in
                for sink in ["bad", "new"] { rows.row([sink, "offered", nil], start: 1, 0) }
            }
        }
        builder.view("weir.sink.state", .lastValue, keys: ["sink", "state"]) { rows in
            rows.row(["bad", "healthy"], start: 1, 0)
            rows.row(["bad", "failing"], start: 1, 1)
            rows.row(["new", "healthy"], start: 1, 1)
        }
        builder.view("weir.sink.failure.time", .lastValue, .double, keys: ["sink", "reason"]) {
            $0.row(["bad", "HTTP 401: \u{1B}[31mno"], start: 1, double: 1_795_525_209.123)
        }
        for (name, value) in [("weir.sink.failing.since", 1_795_525_200.5), ("weir.sink.success.time", 1_795_525_190)] {
            builder.view(name, .lastValue, .double, keys: ["sink"]) { rows in
                rows.row(["bad"], start: 1, double: value)
                rows.row(["new"], start: 1, double: 0)
            }
        }
        let text = try run(frame(builder.batch, 1), isJSON: false).output
        #expect(text.contains("    state: failing since 2026-11-24T13:00:00.500Z\n"), "\(text)")
        #expect(text.contains("    last failure: 2026-11-24T13:00:09.123Z: HTTP 401: "))
        #expect(!text.contains("\u{1B}"))
        #expect(text.contains("    last success: 2026-11-24T12:59:50.000Z\n"))
        #expect(text.contains("    state: healthy\n    last success: none\n"))
        let json = try run(frame(builder.batch, 1)).output
        #expect(
            json.contains(
                #""state":"failing","failingSince":"2026-11-24T13:00:00.500Z","lastFailure":{"time":"2026-11-24T13:00:09.123Z","reason":"HTTP 401: "#
            ), "\(json)")
        #expect(json.contains(#""lastSuccess":"2026-11-24T12:59:50.000Z""#))
        #expect(json.contains(#""state":"healthy","failingSince":null,"lastFailure":null,"lastSuccess":null"#))
    }

    @Test("all parts of the last collection are read, and no batch that came late")
    func parts() throws {
        let found = try run(
            frame(batch(20, offered: 5, delivered: 5, sink: "a"), 2, part: 1, of: 2)
                + frame(batch(20, offered: 6, delivered: 6, sink: "b"), 3, part: 2, of: 2)
                + frame(batch(10, offered: 1, delivered: 1, sink: "a"), 1))
        #expect(found.output.split(separator: "\n").count == 2)
        #expect(found.output.contains(#""sink":"a","stream":"000000000000abcd0000000000000001""#))
        #expect(found.output.contains(#""offered":{"batches":5,"#))
        #expect(found.output.contains(#""offered":{"batches":6,"#))
    }

    @Test("a restart's accounts replace those before, and another process' stand beside them")
    func sources() throws {
        let (restarted, other) = (StreamID(high: 2, low: 2), StreamID(high: 3, low: 3))
        let found = try run(
            frame(batch(20, offered: 5, delivered: 5), 9)
                + frame(batch(15, offered: 2, delivered: 2), 1, stream: restarted, previous: stream)
                + frame(batch(30, offered: 3, delivered: 3), 1, stream: other))
        #expect(!found.output.contains(#""batches":5"#))
        #expect(found.output.contains(#""batches":2"#))
        #expect(found.output.contains(#""batches":3"#))
    }

    @Test("an identity that does not hold is told with both sides")
    func imbalance() throws {
        var wrong = batch(20, offered: 9, delivered: 7)
        for view in wrong.views.indices { wrong.views[view].integers[2] += 1 }
        let found = try run(frame(wrong, 1), isJSON: false)
        #expect(found.0 == .imbalanced)
        #expect(
            found.output.contains(
                "not balanced: in batches, accepted is 9 and delivered + coalesced + dropped + queued + in flight + spilled is 10"
            ))
        let json = try run(frame(wrong, 1))
        #expect(json.output.contains(#""balanced":false"#))
    }

    @Test("differences of a delta stream are added up")
    func deltas() throws {
        let bytes =
            try frame(batch(10, offered: 4, delivered: 4, .delta), 1)
            + frame(batch(20, offered: 3, delivered: 2, .delta), 2)
            + frame(batch(20, offered: 3, delivered: 2, .delta), 2)
            + frame(batch(30, offered: 2, delivered: 2, .delta), 3)
        let found = try run(bytes)
        #expect(found.0 == .balanced)
        #expect(found.output.contains(#""offered":{"batches":9,"#))
        #expect(found.output.contains(#""delivered":{"batches":8,"#))
        #expect(found.output.contains(#""balanced":true"#))
    }

    @Test("of a delta stream that lacks some, nothing is said of identities")
    func partialDeltas() throws {
        var wrong = batch(30, offered: 2, delivered: 2, .delta)
        wrong.views[0].integers[1] += 1
        let found = try run(frame(batch(10, offered: 4, delivered: 4, .delta), 1) + frame(wrong, 3), isJSON: false)
        #expect(found.0 == .balanced)
        #expect(found.output.contains("added up from differences of which some are missing: not checked"))
        let whole = try run(frame(batch(10, offered: 4, delivered: 4, .delta), 1) + frame(wrong, 2))
        #expect(whole.0 == .imbalanced)
    }

    @Test("files without accounts, without batches, and no files at all are told apart")
    func nothing() throws {
        var builder = BatchBuilder(start: 1, end: 2)
        builder.view("other", .count) { $0.row(start: 1, 1) }
        let without = try run(frame(builder.batch, 1))
        #expect(without.0 == .unreadable)
        #expect(without.errors.contains("wanted views weir.sink.*, which a sink with `match` may leave out"))
        let missing = run(directory.path + "/missing")
        #expect(missing.0 == .unreadable)
        #expect(missing.errors.contains("No such file or directory"))
    }
}
