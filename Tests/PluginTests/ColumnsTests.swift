import Foundation
import Logging
import Synchronization
import Testing
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

@Suite("Columns as a plugin reads them")
struct ColumnsTests {
    /// Keeps what it reads.
    private final class Reading: Exporter {
        struct Seen: Equatable {
            var resource: [DeliveredTag]
            var views: [DeliveredView]
            /// By view.
            var rows: [[DeliveredRow]]
        }

        static let kind = ExporterKind(name: "reading", version: "1", settings: [], needsColumns: true)
        static let plugin = ExporterPlugin(Reading.self)
        /// The last batch of any, under a lock with `deliver`'s caller.
        static let seen = Mutex<Seen?>(nil)

        init(settings: Settings, host: ExporterHost) throws(ExporterError) {}

        func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
            let seen = frame.withBatch { batch in
                var seen = Seen(resource: batch.resource, views: batch.views, rows: [])
                for view in batch.views {
                    var rows: [DeliveredRow] = []
                    batch.forEachRow(of: view) { rows.append($0) }
                    seen.rows.append(rows)
                }
                return seen
            }
            guard let seen else { return .rejected(message: "nothing to read") }
            Self.seen.withLock { $0 = seen }
            return .delivered
        }

        func close() {}
    }

    private static let lock = Mutex(())

    private func deliver(
        _ batch: Batch, change: (inout FrameHeader, inout [UInt8]) -> Void = { _, _ in }
    ) throws -> (Delivery, Reading.Seen?, [String]) {
        let lines = LogLines()
        let exporter = try unsafe PluginTable(builtIn: Reading.plugin.table).open(
            for: SinkContext(name: "reading", settings: [:], logger: lines.logger))
        var encoder = try BatchEncoder(level: 1)
        let payload = try encoder.encode(batch)
        var header = FrameHeader(stream: StreamID(high: 1, low: 2), first: 7, last: 7, payload: payload)
        var bytes = payload.bytes
        change(&header, &bytes)
        return Self.lock.withLock { _ in
            Reading.seen.withLock { $0 = nil }
            let delivery = exporter.deliver(header, payload: bytes, deadline: .max)
            exporter.close()
            return (delivery, Reading.seen.withLock { $0 }, lines.all)
        }
    }

    @Test("every kind of view arrives with its numbers, tags, bounds and buckets")
    func kinds() throws {
        var builder = BatchBuilder(start: 10, end: 20, resource: [("service.name", "shop"), ("empty", "")])
        builder.view("requests", .count, keys: ["route", "status"]) { rows in
            rows.row(["/users", "200"], start: 1, 3)
            rows.row([nil, "404"], start: 2, end: 15, .max)
            rows.row([nil, nil], start: 3, 0)
            rows.row(["/cart", "500"], start: 4, 1)
        }
        builder.view("load", .sum, .double, unit: "s", description: "Ünits", measure: "cpu", isMonotonic: false) {
            $0.row(start: 1, double: -1.5)
        }
        builder.view("delta", .sum, temporality: .delta) { $0.row(start: 10, -4) }
        builder.view("level", .lastValue, .double) { $0.row(start: 1, double: 0.25) }
        builder.view("latency", .distribution, .double, bounds: [0.5, 1]) { rows in
            rows.row(start: 1, sum: 3.5, buckets: [1, 2, 3], range: 0.1...2)
            rows.row(start: 1, sum: 0, buckets: [0, 0, 9], range: 4...5)
        }
        builder.view("sizes", .exponentialDistribution, .double, scale: 2) { rows in
            rows.row(start: 1, sum: 9, zero: 2, positive: [(-3, 1), (4, 5)])
            rows.row(start: 1, sum: 1, negative: [(0, 7)])
            rows.row(start: 1, sum: 2, positive: [(8, 1)])
        }
        let (delivery, found, _) = try deliver(builder.batch)
        #expect(delivery == Delivery(.delivered))
        let seen = try #require(found)
        #expect(seen.resource.map(\.key) == ["service.name", "empty"] && seen.resource.map(\.value) == ["shop", ""])
        #expect(seen.views.map(\.name) == ["requests", "load", "delta", "level", "latency", "sizes"])
        #expect(
            seen.views.map(\.kind) == [
                .count, .sum, .sum, .lastValue, .distribution(bounds: [0.5, 1]), .exponentialDistribution(scale: 2),
            ])
        #expect(seen.views.map(\.isInteger) == [true, false, true, false, false, false])
        #expect(seen.views.map(\.isMonotonic) == [true, false, true, false, false, false])
        #expect(seen.views.map(\.isDelta) == [false, false, true, false, false, false])
        #expect(seen.views.map(\.rows) == [4, 1, 1, 1, 2, 3])
        let load = seen.views[1]
        #expect(load.unit == "s" && load.description == "Ünits" && load.measure == "cpu")

        let requests = seen.rows[0]
        #expect(requests.map { $0.tags.map(\.key) } == [["route", "status"], ["status"], [], ["route", "status"]])
        #expect(requests.map { $0.tags.map(\.value) } == [["/users", "200"], ["404"], [], ["/cart", "500"]])
        #expect(requests.map(\.integer) == [3, .max, 0, 1] && requests.map(\.startTime) == [1, 2, 3, 4])
        #expect(requests.map(\.endTime) == [20, 15, 20, 20])
        #expect(seen.rows[1].map(\.value) == [-1.5] && seen.rows[1].map(\.integer) == [0])
        #expect(seen.rows[2].map(\.value) == [-4] && seen.rows[2].map(\.integer) == [-4])
        #expect(seen.rows[3].map(\.value) == [0.25])
        #expect(seen.rows[4].map(\.buckets) == [[1, 2, 3], [0, 0, 9]] && seen.rows[4].map(\.count) == [6, 9])
        #expect(seen.rows[4].map(\.range) == [0.1...2, 4...5] && seen.rows[4].map(\.value) == [3.5, 0])
        let sizes = seen.rows[5]
        #expect(sizes.map { $0.positive.map(\.index) } == [[-3, 4], [], [8]])
        #expect(sizes.map { $0.positive.map(\.count) } == [[1, 5], [], [1]])
        #expect(sizes.map { $0.negative.map(\.count) } == [[], [7], []])
        #expect(sizes.map(\.zeroCount) == [2, 0, 0] && sizes.map(\.count) == [8, 7, 1])
        #expect(sizes.map(\.range) == [nil, nil, nil])
    }

    @Test("exemplars arrive with their rows, spans and tags; the next row's do not mix with them")
    func exemplars() throws {
        var builder = BatchBuilder(start: 10, end: 20)
        builder.view("plain", .count) { $0.row(start: 1, 3) }
        builder.view("latency", .distribution, .double, keys: ["route"], bounds: [0.5, 1]) { rows in
            rows.row(["/a"], start: 1, sum: 3.5, buckets: [1, 2, 3])
            rows.exemplar(0.25, time: 11, span: 0x0102_0304_0506_0708, tags: [("user", "me"), ("empty", "")])
            rows.exemplar(7, time: 12)
            rows.row(["/none"], start: 1, sum: 0, buckets: [0, 0, 9])
            rows.row(["/b"], start: 1, sum: 0, buckets: [0, 0, 9])
            rows.exemplar(8, time: 13, span: 1, tags: [("user", "somebody else")])
        }
        let (delivery, found, _) = try deliver(builder.batch)
        #expect(delivery == Delivery(.delivered))
        let rows = try #require(found).rows
        #expect(rows[0].map(\.exemplars) == [[]])
        #expect(rows[1].map { $0.exemplars.map(\.value) } == [[0.25, 7], [], [8]])
        #expect(rows[1].map { $0.exemplars.map(\.time) } == [[11, 12], [], [13]])
        let first = rows[1][0].exemplars
        #expect(first.map { $0.tags.map { "\($0.key)=\($0.value)" } } == [["user=me", "empty="], []])
        #expect(first[0].span?.traceID == .some("01020304050607080102030405060708"))
        #expect(first[0].span?.spanID == .some("0102030405060708"))
        #expect(first[1].span == nil)
        #expect(rows[1][2].exemplars.map { $0.tags.map(\.value) } == [["somebody else"]])
        #expect(rows[1].map { $0.tags.map(\.value) } == [["/a"], ["/none"], ["/b"]])
    }

    @Test("a batch without views has none; an end mark and a damaged payload cannot be read, and the log says why")
    func nothing() throws {
        let batch = BatchBuilder(start: 1, end: 2).batch
        let (empty, seen, _) = try deliver(batch)
        #expect(empty == Delivery(.delivered))
        #expect(seen == Reading.Seen(resource: [], views: [], rows: []))
        let (end, _, silence) = try deliver(batch) { header, bytes in
            header.payloadLength = 0
            header.rawLength = 0
            bytes = []
        }
        #expect(end == Delivery(.rejected, message: "nothing to read") && silence.isEmpty)
        let (damaged, _, lines) = try deliver(batch) { _, bytes in bytes[bytes.count - 1] ^= 1 }
        #expect(damaged.outcome == .rejected)
        #expect(lines.count == 1 && lines[0].hasPrefix("error: the batch 7 cannot be read: "))
    }

    @Test("a plugin in C that knows shorter structures, or longer ones, gets as much as it has room for")
    func sizes() throws {
        let plugin = try CompiledPlugin(
            """
            #include <string.h>
            #include "weir_plugin.h"
            static const weir_host *host;
            static void do_open(void *c, const weir_host *h, const weir_setting *s, size_t n, weir_opened *o,
                                weir_result *r) { (void)c; (void)s; (void)n; (void)o; (void)r; host = h; }
            static void fail(weir_result *r, const char *text) {
                r->code = WEIR_REJECT; r->message_length = strlen(text); memcpy(r->message, text, r->message_length);
            }
            static void do_deliver(void *h, const weir_frame *f, weir_result *r) {
                (void)h; (void)f;
                struct { weir_view view; char more[64]; } longer;
                memset(&longer, 7, sizeof longer);
                longer.view.size = sizeof longer;
                if (!host->read_view(host->context, 0, &longer.view)) return fail(r, "no view");
                if (longer.view.rows_count != 1 || longer.view.size != sizeof longer) return fail(r, "not filled");
                for (size_t i = 0; i < sizeof longer.more; i++) if (longer.more[i] != 7) return fail(r, "overrun");
                weir_row row;
                memset(&row, 7, sizeof row);
                row.size = offsetof(weir_row, value);
                if (!host->read_row(host->context, 0, 0, &row)) return fail(r, "no row");
                if (row.start_time != 1 || row.end_time != 2) return fail(r, "row not filled");
                if (row.integer != 0x0707070707070707) return fail(r, "row overrun");
                row.size = offsetof(weir_row, exemplars);
                if (!host->read_row(host->context, 0, 0, &row) || row.integer != 5) return fail(r, "a row of 1.2");
                if (row.exemplars_count != 0x0707070707070707) return fail(r, "a row of 1.2 overrun");
                row.size = sizeof row;
                if (!host->read_row(host->context, 0, 0, &row) || row.exemplars_count != 2) return fail(r, "exemplars");
                const weir_exemplar *e = row.exemplars;
                if (e[0].value != 0.5 || e[0].time != 2 || e[0].trace[7] != 9 || e[0].trace[15] != 9) return fail(r, "first");
                if (e[0].span[7] != 9 || e[0].span[0] != 0 || e[0].tags_count != 1) return fail(r, "its span");
                if (strcmp(e[0].tags[0].key.bytes, "user") || strcmp(e[0].tags[0].value.bytes, "me")) return fail(r, "tags");
                if (e[1].value != 4 || e[1].span[7] != 0 || e[1].tags_count != 0) return fail(r, "second");
                row.size = 2;
                if (!host->read_row(host->context, 0, 0, &row) || row.start_time != 1) return fail(r, "tiny");
                if (host->read_view(host->context, 1, &longer.view)) return fail(r, "a view beyond the last");
                if (host->read_row(host->context, 0, 1, &row)) return fail(r, "a row beyond the last");
                if (host->read_row(host->context, (size_t)-1, (size_t)-1, &row)) return fail(r, "a row of no view");
            }
            static void do_close(void *h) {
                (void)h;
                weir_batch batch = { .size = sizeof batch };
                if (host->read_batch(host->context, &batch)) __builtin_trap();
            }
            static const weir_plugin plugin = {
                .magic = WEIR_PLUGIN_MAGIC, .abi_major = 1, .abi_minor = 1, .size = sizeof(weir_plugin),
                .required_features = WEIR_FEATURE_COLUMNS | WEIR_FEATURE_DEMAND, .name = "sizes", .version = "1",
                .open = do_open, .deliver = do_deliver, .close = do_close,
            };
            const weir_plugin *weir_plugin_entry(const weir_host *h) { (void)h; return &plugin; }
            """)
        let exporter = try PluginLoader.load(plugin.path).open(
            for: SinkContext(name: "sizes", settings: [:], logger: LogLines().logger))
        var builder = BatchBuilder(start: 1, end: 2)
        builder.view("one", .count) { rows in
            rows.row(start: 1, 5)
            rows.exemplar(0.5, time: 2, span: 9, tags: [("user", "me")])
            rows.exemplar(4, time: 1)
        }
        var encoder = try BatchEncoder(level: 1)
        let payload = try encoder.encode(builder.batch)
        let header = FrameHeader(stream: StreamID(high: 1, low: 2), first: 1, last: 1, payload: payload)
        #expect(exporter.deliver(header, payload: payload.bytes, deadline: .max) == Delivery(.delivered))
        exporter.close()
    }
}
