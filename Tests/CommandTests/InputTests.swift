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
}
