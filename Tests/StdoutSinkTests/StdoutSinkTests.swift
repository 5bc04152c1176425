import Foundation
import StdoutSink
import Testing
import Weir
import WeirBatch
import WeirConfiguration
import WeirDump
import WeirExporterKit
import WeirTestSupport

@Suite("The stdout exporter")
struct StdoutSinkTests {
    private static func frames() throws -> [Frame] {
        try (1...3).map { try Frame(ShopBatches.batch($0), number: UInt64($0)) } + [Frame(endMark: 3)]
    }

    /// What `weir dump` prints of the same.
    private static func dumped(_ format: any BatchFormat) throws -> String {
        let output = Output()
        var dump = Dump(DumpOptions(operands: []), mode: .batches(format, readsPoints: true), output: output)
        var decoder = try BatchDecoder()
        for frame in try frames() {
            try dump.take(frame.header) { () throws(BatchError) in
                try decoder.decode(frame.payload, header: frame.header)
            }
        }
        return output.collected
    }

    private static func printed(_ format: Int64) throws -> String {
        let pipe = try TestPipe()
        let sink = try makeSink(format, to: pipe.writing)
        for frame in try frames() { #expect(frame.deliver(to: sink) == .delivered) }
        pipe.closeWriting()
        return pipe.readToEnd()
    }

    @Test("as text it prints what a dump prints")
    func text() throws {
        let text = try Self.printed(0)
        #expect(try text == Self.dumped(TextBatchFormat(terminal: Terminal(hasColour: false))))
        #expect(text.contains("http/requests{http.route=\"/users\",http.status_code=\"200\"}  300\n"))
        #expect(text.hasSuffix("  ends in order after #3\n"))
    }

    @Test("as JSON it prints what a dump prints, an object a line")
    func json() throws {
        let text = try Self.printed(1)
        #expect(try text == Self.dumped(JSONFormat()))
        let lines = text.split(separator: "\n")
        #expect(lines.count == 12 + 12 + 11)
        for line in lines {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect(object?["name"] is String)
        }
    }

    @Test("Weir's own views are printed where they are asked for", arguments: [false, true])
    func own(isAskedFor: Bool) throws {
        var builder = BatchBuilder(start: 1, end: 2)
        for name in ["weir.sink.batches", "weird"] { builder.view(name, .count) { $0.row(start: 1, 5) } }
        let pipe = try TestPipe()
        let sink = try makeSink(own: isAskedFor ? 1 : 0, to: pipe.writing)
        #expect(try Frame(builder.batch, number: 1).deliver(to: sink) == .delivered)
        pipe.closeWriting()
        let text = pipe.readToEnd()
        #expect(text.contains("weir.sink.batches{}") == isAskedFor && text.contains("weird{}"))
    }

    @Test("where nobody reads the batch waits, and goes on where it stopped", arguments: [false, true])
    func fullPipe(isNonBlocking: Bool) throws {
        var builder = BatchBuilder(start: 1, end: 2)
        builder.view("many", .count, keys: ["number"]) { rows in
            for number in 0..<5000 { rows.row(["\(number)"], start: 1, Int64(number)) }
        }
        let pipe = try TestPipe()
        if isNonBlocking { pipe.makeNonBlocking() }
        let sink = try makeSink(to: pipe.writing)
        let frame = try Frame(builder.batch, number: 1)
        for _ in 1...3 {
            guard case .retry = frame.deliver(to: sink, milliseconds: 1) else {
                Issue.record("wanted a retry")
                return
            }
        }
        let reader = Task.detached { pipe.readToEnd() }
        #expect(frame.deliver(to: sink) == .delivered)
        #expect(try Frame(ShopBatches.batch(1), number: 2).deliver(to: sink) == .delivered)
        pipe.closeWriting()
        let text = try waitFor(reader)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("      many") }
        #expect(lines.map(String.init) == (0..<5000).map { "      many{number=\"\($0)\"}  \(grouped($0))" })
        #expect(text.contains("http/requests"))
    }

    private func grouped(_ number: Int) -> String { NumberText.grouped(Int64(number)) }

    private func waitFor(_ task: Task<String, Never>) throws -> String {
        let done = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var text = ""
        Task.detached {
            unsafe text = await task.value
            done.signal()
        }
        try #require(done.wait(timeout: .now() + 60) == .success)
        return unsafe text
    }

    @Test("asked to stop before a reader who stands still, it comes back")
    func stops() throws {
        let pipe = try TestPipe()
        pipe.makeNonBlocking()
        let filling = [UInt8](repeating: 10, count: 1 << 20)
        while unsafe write(pipe.writing, filling, filling.count) > 0 {}
        let sink = try makeSink(to: pipe.writing)
        sink.stop()
        #expect(
            try Frame(ShopBatches.batch(1), number: 1).deliver(to: sink)
                == .retry(message: "standard output takes nothing more"))
    }

    @Test("a reader who goes ends the sink, not the process")
    func readerGoes() async {
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE, SIG_DFL)
            let pipe = try TestPipe()
            let sink = try makeSink(to: pipe.writing)
            #expect(try Frame(ShopBatches.batch(1), number: 1).deliver(to: sink) == .delivered)
            pipe.closeReading()
            for _ in 1...2 {
                #expect(
                    try Frame(ShopBatches.batch(2), number: 2).deliver(to: sink)
                        == .fatal(message: "standard output: Broken pipe"))
            }
        }
    }

    @Test("lines stay whole beside those of a program that prints too")
    func wholeLines() async throws {
        let pipe = try TestPipe()
        let sink = try makeSink(1, to: pipe.writing)
        let reader = Task.detached { pipe.readToEnd() }
        let theirs = "the program's own line, which nothing of ours may cut\n"
        let other = Task.detached {
            let bytes = Array(theirs.utf8)
            for _ in 0..<2000 { _ = unsafe write(pipe.writing, bytes, bytes.count) }
        }
        for number in 1...50 { try Frame(ShopBatches.batch(number), number: UInt64(number)).deliver(to: sink) }
        await other.value
        pipe.closeWriting()
        let lines = await reader.value.split(separator: "\n")
        let ours = lines.filter { "\($0)\n" != theirs }
        #expect(lines.count - ours.count == 2000)
        for line in ours { #expect(line.hasPrefix("{\"name\":") && line.hasSuffix("}")) }
    }

    @Test(
        "a program's own standard output gets what was recorded, by code and by the README's configuration",
        arguments: [false, true])
    func program(isConfigured: Bool) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/output"
        let yaml = isConfigured ? try ReadmeSample.yaml(of: "StdoutExporter") : ""
        await #expect(processExitsWith: .success) { [path = path as String, yaml = yaml as String] in
            let file = unsafe open(path, O_WRONLY | O_CREAT, 0o600)
            let before = dup(1)
            dup2(file, 1)
            let stats = try Stats()
            let measure = Measure<Int64>("stdout.test")
            try stats.register(View("stdout/test", of: measure, as: .sum))
            let exporting =
                yaml.isEmpty
                ? try startExporting(to: .stdout(), from: stats)
                : try startExporting(
                    configuration: Configuration(yaml: yaml, file: "README.md", environment: [:]), from: stats)
            measure.record(42, in: stats)
            let report = await exporting.shutdown(deadline: .seconds(20))
            dup2(before, 1)
            #expect(report.isComplete)
        }
        let text = try directory.text("output")
        #expect(text.contains("\n      stdout/test{}  42\n"), "\(text)")
        #expect(text.contains("ends in order"))
    }
}
