import WeirExporterSupport
import Testing
import WeirDump

@testable import WeirCommands

@Suite("The table of a demo")
struct DemoTableTests {
    private func recorded(_ files: Int64, _ input: Int64, _ output: Int64) -> DemoReport.Recorded {
        var recorded = DemoReport.Recorded()
        recorded.totals = Totals(files: files, input: input, output: output)
        recorded.times = Distribution(
            sum: .double(Double(files)), minimum: 1, maximum: 4,
            buckets: .explicit(bounds: [2], counts: [0, UInt64(files)]))
        return recorded
    }

    private var report: DemoReport {
        var report = DemoReport()
        report.recorded = [
            .withExtension("txt"): recorded(4, 4_096, 1_024), .withoutExtension: recorded(1, 100, 50),
            .withExtension("e\u{1B}"): recorded(2, 200, 400), .overflow: recorded(1, 0, 9),
        ]
        report.counted = report.recorded.mapValues(\.totals)
        (report.batches, report.batchBytes) = (2, 1_234)
        report.elapsed = .seconds(2)
        return report
    }

    private func text(_ report: DemoReport, rows: Int = 20) -> String {
        let output = Output()
        DemoTable(report, rows: rows, directory: "weir-data").write(to: output, terminal: Terminal(hasColour: false))
        return output.collected
    }

    @Test("the largest come first, and all of them last")
    func whole() {
        let expected = """
            extension   files     input    output  ratio     p50     p99  slowest
            txt             4  4.00 KiB  1.00 KiB   4.00  3.00 s  3.98 s   4.00 s
            e\\u{1b}         2     200 B     400 B   0.50  3.00 s  3.98 s   4.00 s
            -               1     100 B      50 B   2.00  3.00 s  3.98 s   4.00 s
            (overflow)      1       0 B       9 B   0.00  3.00 s  3.98 s   4.00 s
            total           8  4.29 KiB  1.45 KiB   2.96  3.00 s  3.98 s   4.00 s

            recorded is counted, exactly: 8 files, 4396 bytes in, 1483 bytes out
            2.00 s, 2.15 KiB/s, 2 batches of 1234 bytes
            look at them with: weir dump weir-data

            """
        #expect(text(report) == expected)
    }

    @Test("what has no line of its own is in one together")
    func rest() {
        #expect(
            text(report, rows: 1).contains("\n(3 more)       4     300 B     459 B   0.65  3.00 s  3.98 s   4.00 s\n"))
    }

    @Test("a byte too few is said, with its extension")
    func inexact() {
        var report = report
        report.recorded[.withExtension("txt")]?.totals.input -= 1
        report.counted[.withExtension("new")] = Totals(files: 1, input: 1, output: 1)
        #expect(!report.isExact)
        let text = text(report)
        #expect(
            text.contains("recorded is NOT counted: recorded 8 files, 4395 bytes in, 1483 bytes out; counted 9 files"))
        #expect(
            text.contains("\n  txt: recorded 4 files, 4095 bytes in, 1024 bytes out; counted 4 files, 4096 bytes in"))
        #expect(text.contains("\n  new: recorded 0 files, 0 bytes in, 0 bytes out; counted 1 file, 1 byte in"))
    }

    @Test("extensions that only Swift takes for the same are two")
    func spelling() {
        let kinds: [FileKind: Int] = [.withExtension("\u{E9}"): 1, .withExtension("e\u{301}"): 2]
        #expect(kinds.count == 2)
    }

    @Test("what is missing from the totals is told")
    func omissions() {
        var report = report
        report.omissions.files = 2
        report.omissions.bytes = 77
        report.omissions.directories = 3
        report.changes.files = 1
        report.changes.bytes = -5
        report.isInterrupted = true
        let text = text(report)
        #expect(text.contains("\nnot in it: 2 files of 77 bytes that could not be read\n"))
        #expect(text.contains("\nnot in it: what is in 3 directories that could not be read\n"))
        #expect(text.contains("\nnot of the size that stat said: 1 file, -5 bytes in all\n"))
        #expect(text.contains("\ninterrupted: the tree has more\n"))
    }
}
