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
}
