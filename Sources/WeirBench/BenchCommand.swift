internal import ArgumentParser
private import CWeirCPU

/// `weir-bench`: what the README's numbers come from.
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir-bench",
        abstract: "Measure recording and export.",
        discussion: """
            Recording is measured in rounds, each of all benches and of the baseline, an \
            uncontended `lock xadd` on a cache line of its own: machines drift, and ratios \
            of one round hold. Shown are the median of the rounds, and least and greatest. \
            With 2 threads both record the same series; a time is what one of them takes \
            for one operation. Export is measured in nanoseconds a series.

            Build with `swift build -c release --product weir-bench`; other work on the machine \
            shows in the range.

            EXAMPLES
              weir-bench
              weir-bench --only counter
              weir-bench --only sink.hung --for 600          ten minutes beside a sink that never returns
              weir-bench --json --only batch.10000
              WEIR_CPU=atomic weir-bench --only counter      the path without rseq
            """)

    @Flag(help: "One JSON object a line.")
    var json = false

    @Option(help: ArgumentHelp("Only the benches whose names begin so.", valueName: "prefix"))
    var only = ""

    @Option(help: "How many rounds, 7 to 1000.")
    var rounds = 7

    @Option(name: .customLong("for"), help: ArgumentHelp("How long `sink.hung` runs.", valueName: "seconds"))
    var seconds = 5

    func validate() throws {
        guard (7...1_000).contains(rounds) else { throw ValidationError("--rounds is \(rounds), expected 7 to 1000") }
        let names =
            RecordingBenches.names + SwiftMetricsBenches.names + AmbientBenches.names + ExportBenches.names
            + SinkBenches.names + ScrapeBenches.names + RequestBenches.names
        guard (1...86_400).contains(seconds) else {
            throw ValidationError("--for is \(seconds), expected 1 to 86400 seconds")
        }
        guard names.contains(where: { $0.hasPrefix(only) }) else {
            throw ValidationError("no bench begins with '\(only)'; there are: \(names.joined(separator: ", "))")
        }
    }

    func run() async throws {
        let report = Report(isJSON: json)
        report.note(
            "path: \(weir_cpu_is_rseq() ? "rseq" : "atomic"), \(weir_cpu_count()) cores, \(rounds) rounds")
        try ExportBenches.measureMemory(only: only, report)
        try RecordingBenches.run(only: only, rounds: rounds, report)
        SwiftMetricsBenches.run(only: only, rounds: rounds, report)
        try ExportBenches.run(only: only, rounds: rounds, report)
        try await ScrapeBenches.run(only: only, rounds: rounds, report)
        try await RequestBenches.run(only: only, rounds: rounds, report)
        try await SinkBenches.run(only: only, for: .seconds(seconds), report)
        try AmbientBenches.run(only: only, rounds: rounds, report)
    }
}
