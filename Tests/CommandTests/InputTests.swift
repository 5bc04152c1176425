import Foundation
import Testing
import WeirTestSupport

/// Small files that readers once got wrong.
@Suite("Inputs that went wrong")
struct InputTests {
    /// Where a file of `Fixtures/Inputs` is.
    private func path(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/Inputs/\(name)")
            .path
    }

    @Test("series of a view that overflows after its first batch are shown once, in every format")
    func overflowLater() throws {
        let json = try Command.weir("dump", "--format", "json", path("overflow-later"))
        #expect(json.status == 0)
        let values = json.output.split(separator: "\n").filter { $0.contains("\"name\":\"over/ops\"") }.map { line in
            [/"tags":(\{[^}]*\})/, /"value":([0-9]+)/].map { line.firstMatch(of: $0)?.output.1 ?? "" }
        }
        #expect(
            values.sorted { $0[0] < $1[0] } == [
                [#"{"k":"s0"}"#, "12"], [#"{"k":"s1"}"#, "12"], [#"{"k":"s2"}"#, "12"],
                [#"{"otel.metric.overflow":"true"}"#, "3"],
            ])
        let metrics = try Command.weir("dump", "--format", "openmetrics", path("overflow-later")).output
        #expect(
            metrics.split(separator: "\n").filter { $0.hasPrefix("# TYPE over_ops") } == ["# TYPE over_ops counter"])
        let table = try Command.weir("dump", path("overflow-later")).output
        for name in ["s0", "s1", "s2", "(overflow)"] {
            #expect(table.split(separator: "\n").filter { $0.hasPrefix("  \(name) ") }.count == 1)
        }
    }

    @Test(
        "what headers and batches say that cannot be is named, with an exit code of its own",
        arguments: [
            ("first-is-zero", "fault: a batch or a gap has the number 0, and numbers begin at 1"),
            (
                "ends-before-it-starts",
                "fault: #1 ends before it starts: 2023-11-14T22:13:20.000000000Z, 2023-11-14T22:13:30.000000000Z"
            ),
            (
                "gap-claims-more-batches",
                "fault: the gap #1-4 (overflowOldest) claims 1,000,000,000,000,000,000 batches, and has 4 numbers"
            ),
            ("gap-over-delivered", "fault: a gap says that #1-2 was dropped, and it is here"),
            ("negative-count", "fault: #1: view "),
        ])
    func faults(name: String, line: String) throws {
        let result = try Command.weir("check", path("\(name).weir.zst"))
        #expect(result.status == 6)
        #expect(result.output.contains("    \(line)"), "\(result.output)")
        #expect(result.output.hasSuffix("1 fault\n") || result.output.contains("; 1 fault"))
    }

    @Test("a tag that is called as Prometheus's own label for names is shown as the exporter shows it")
    func keyNamedName() throws {
        let result = try Command.weir("dump", "--format", "openmetrics", path("key-named-name.weir.zst"))
        #expect(result.status == 0)
        #expect(result.output.contains("{key__name__=\"") && !result.output.contains("{__name__="))
    }

    @Test(
        "a name that would steer the terminal is spelled out by every command", arguments: ["dump", "check", "stats"])
    func escape(command: String) throws {
        let result = try Command.weir(command, path("escape-in-view-name.weir.zst"))
        #expect(result.errors.contains(#"view \u{1b}]0;pwned\u{7}\u{1b}[31m\nweir: all is well"#), "\(result.errors)")
        #expect(!(result.errors + result.output).contains { $0 == "\u{1B}" || $0 == "\u{7}" })
        #expect(
            result.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("weir: ") && !$0.hasPrefix("weir: all") })
    }

    @Test(
        "a file of another format is called by its name, by itself and in its directory, with exit code 2",
        arguments: ["dump", "check", "stats"], ["not-ours", "not-ours/x.weir.zst"])
    func notOurs(command: String, name: String) throws {
        let result = try Command.weir(command, path(name))
        #expect(result.status == 2)
        #expect(result.errors.contains("x.weir.zst: this is gzip, and no batch file"), "\(result.errors)")
        #expect(!result.errors.contains("damaged") && result.output == "")
    }

    @Test("more series than a bound are an error that names what moves it, and not shown in part")
    func tooManySeries() throws {
        let folder = path("overflow-later")
        let all = try Command.weir("dump", "--format", "json", folder).output.split(separator: "\n").count
        let over = try Command.weir("dump", "--max-series", "\(all - 1)", folder)
        #expect(over.status == 2 && over.output == "")
        #expect(
            over.errors == "weir: more than \(all - 1) series, which take memory: --max-series moves the bound, "
                + "fewer files or a shorter time have fewer\n")
        #expect(try Command.weir("dump", "--max-series", "\(all)", folder).status == 0)
    }
}
