import Foundation
import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("A plugin in C")
struct CPluginTests {
    /// Appends frames to a file, and refuses some as it is told to. All it knows of Weir is the header.
    private static let source = """
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include "weir_plugin.h"

        struct sink { FILE *file; const weir_host *host; int64_t every, calls; uint64_t bytes; };

        static void say(weir_result *result, uint32_t code, const char *text) {
            result->code = code;
            result->message_length = strlen(text) < result->message_capacity ? strlen(text) : result->message_capacity;
            memcpy(result->message, text, result->message_length);
        }

        static void sink_open(void *context, const weir_host *host, const weir_setting *settings, size_t count,
                              weir_opened *opened, weir_result *result) {
            (void)context;
            if (count != 4 || strcmp(settings[1].key, "failEvery")) return say(result, WEIR_FATAL, "bad settings");
            if (settings[2].number != 4096 || settings[3].number != 1500000000) {
                return say(result, WEIR_FATAL, "bad numbers");
            }
            struct sink *sink = calloc(1, sizeof *sink);
            sink->host = host;
            sink->every = settings[1].number;
            sink->file = fopen(settings[0].text.bytes, "wb");
            if (!sink->file) { free(sink); return say(result, WEIR_RETRY, "cannot open the file"); }
            opened->handle = sink;
            opened->has_previous_stream = 1;
            opened->previous_stream[0] = 0xAB;
            opened->previous_stream[15] = 0xCD;
        }

        static void sink_deliver(void *handle, const weir_frame *frame, weir_result *result) {
            struct sink *sink = handle;
            weir_frame facts = { .size = sizeof facts };
            if (!sink->host->read_header(sink->host->context, frame->header, &facts)
                || facts.first != frame->first || facts.payload.length != frame->payload.length
                || memcmp(facts.stream, frame->stream, 16)) return say(result, WEIR_FATAL, "headers differ");
            if (!(frame->flags & WEIR_FRAME_END_MARK) && ++sink->calls < 40 && sink->calls % sink->every == 0) {
                switch (sink->calls / sink->every % 4) {
                case 0: result->retry_after_nanoseconds = 1; return say(result, WEIR_RETRY, "later");
                case 1: return say(result, WEIR_REJECT, "never");
                case 2: return say(result, 77, "nonsense");
                case 3: result->accepted_rows = frame->rows - 1; say(result, WEIR_PARTIAL, "some"); break;
                }
            }
            fwrite(frame->header.bytes, 1, frame->header.length, sink->file);
            fwrite(frame->payload.bytes, 1, frame->payload.length, sink->file);
            sink->bytes += frame->header.length + frame->payload.length;
        }

        static size_t sink_counters(void *handle, weir_counter *counters, size_t capacity) {
            struct sink *sink = handle;
            if (capacity) counters[0] = (weir_counter){ "bytes.written", "By", sink->bytes };
            return 1;
        }

        static void sink_close(void *handle) { struct sink *sink = handle; fclose(sink->file); free(sink); }

        static const weir_setting_kind kinds[] = {
            { .key = "path", .description = "Where.", .kind = WEIR_SETTING_TEXT, .minimum = 1, .maximum = 4096 },
            { .key = "failEvery", .description = "How often not.", .default_value = "3", .kind = WEIR_SETTING_INTEGER,
              .minimum = 1, .maximum = 1000 },
            { .key = "size", .description = "", .default_value = "4KiB", .kind = WEIR_SETTING_BYTES, .maximum = 1 << 20 },
            { .key = "pause", .description = "", .default_value = "1500ms", .kind = WEIR_SETTING_DURATION,
              .maximum = INT64_MAX },
        };

        static const weir_plugin plugin = {
            .magic = WEIR_PLUGIN_MAGIC, .abi_major = WEIR_PLUGIN_ABI_MAJOR, .abi_minor = WEIR_PLUGIN_ABI_MINOR,
            .size = sizeof(weir_plugin), .required_features = WEIR_FEATURE_READ_HEADER, .name = "c", .version = "1",
            .settings = kinds, .settings_count = 4, .open = sink_open, .deliver = sink_deliver, .close = sink_close,
            .counters = sink_counters,
        };

        const weir_plugin *weir_plugin_entry(const weir_host *host) { (void)host; return &plugin; }
        """

    private final class Source: BatchSource {
        let collections = Signal()

        func collect(into batch: inout Batch) {
            batch.startTime = batch.endTime
            batch.endTime += 1
            batch.strings.removeAll()
            batch.views = []
            collections.fire()
        }
    }

    @Test("delivers what the pipeline gives it, and its refusals become gaps")
    func delivers() async throws {
        let plugin = try CompiledPlugin(Self.source)
        let directory = try TemporaryDirectory()
        let path = directory.path + "/out"
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = 1_000_000
        let source = Source()
        let pipeline = try Pipeline(
            configuration, source: source,
            sinks: [SinkConfiguration(name: "c", exporter: PluginLoader.load(plugin.path), settings: ["path": path])])
        try pipeline.start()
        // Each kind of refusal at least once: of four, two are retries. A retry's pause lasts half a second at most.
        await source.collections.wait { pipeline.snapshots()[0].deliveries.retried >= 2 }
        let report = await withCheckedContinuation { continuation in
            pipeline.shutdown(deadlineNanoseconds: 60_000_000_000) { continuation.resume(returning: $0) }
        }
        let sink = report.sinks[0]
        #expect(sink.hasEndMark && sink.isFinished)
        #expect(sink.accounts.imbalance == nil)
        #expect(sink.deliveries.partial >= 1 && sink.deliveries.rejected >= 1)
        #expect(sink.accounts.dropped[.rejected].batches == sink.deliveries.rejected)
        #expect(sink.accounts.dropped[.rejected].rows > sink.deliveries.partial)

        let reader = try BatchReader(path: path)
        var received: Set<UInt64> = []
        var missing: Set<UInt64> = []
        var last: UInt64 = 0
        var previous: [StreamID?] = []
        while let item = try reader.next() {
            let header: FrameHeader
            switch item {
            case .frame(let frame):
                header = frame.header
                received.insert(header.first)
                previous.append(header.previousStream)
            case .endMark(let mark):
                header = mark.header
                last = header.last
            case .headless, .damage:
                Issue.record("wanted nothing but frames, found \(item)")
                return
            }
            for gap in header.gaps { missing.formUnion(gap.first...gap.last) }
        }
        #expect(last == sink.accounts.offered.batches)
        #expect(received.isDisjoint(with: missing))
        #expect(received.union(missing) == Set(1...last))
        #expect(UInt64(missing.count) == sink.accounts.dropped.total.batches)
        #expect(previous.first == StreamID(high: 0xAB << 56, low: 0xCD))
        #expect(previous.dropFirst().allSatisfy { $0 == nil })
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64
        #expect(sink.counters.map(\.value) == [size])
    }

    @Test("what it says when it cannot open reaches the user")
    func refuses() throws {
        let plugin = try CompiledPlugin(Self.source)
        let table = try PluginLoader.load(plugin.path)
        #expect(throws: ExportError.exporter(sink: "c", message: "cannot open the file", isTransient: true)) {
            try Pipeline(
                Pipeline.Configuration(), source: Source(),
                sinks: [SinkConfiguration(name: "c", exporter: table, settings: ["path": "/nowhere/at/all"])])
        }
        #expect(throws: ExportError.exporter(sink: "c", message: "bad numbers", isTransient: false)) {
            try Pipeline(
                Pipeline.Configuration(), source: Source(),
                sinks: [SinkConfiguration(name: "c", exporter: table, settings: ["path": "/tmp/x", "size": "1"])])
        }
    }
}
