internal import ArgumentParser
internal import Foundation
internal import WeirCommands
internal import WeirDump

/// `weir demo`: arguments in, a table out; the work is done by WeirCommands.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Compress every file of a tree, and record what that does.",
        usage: "weir demo PATH [OPTIONS]",
        discussion: """
            Workers read each regular file under PATH, compress it with zstd and throw the \
            result away. They record, by file extension, how many files there are, how \
            many bytes went in and came out, how large each was and how long it took. \
            Batches are written meanwhile. At the end the totals are read back from them \
            and compared, extension by extension, with what the workers counted besides.

            EXAMPLES
              weir demo /usr/share
              weir demo . --workers 8 --directory /tmp/batches
              weir dump weir-data --match demo.duration

            FILES
              What `find PATH -type f` finds: symbolic links are not followed (but PATH is,
              as by find -H), other file systems are entered, hard links count each. A
              file's size is the bytes read of it; where that is not what stat said when it
              was opened, a line tells how many such files there are and what difference
              they make. The directory of the batches is left out where it is under PATH.

            VIEWS
              demo.files, demo.input, demo.output, demo.file.size, demo.duration, by the tag
              extension: what follows the last dot of the name, as it is written, but where
              the dot begins or ends the name. A file without one has no such tag. What is
              not UTF-8 becomes U+FFFD. demo.errors counts what could not be read by
              reason: permission, gone, resources, io, other.

            OUTPUT
              p50 and p99 are percentiles of the time a file took, from buckets. A failure
              to read is a warning on stderr, the first 20 of them; all are counted.

            EXIT CODES
              0    every file was read, and what was recorded is exact
              1    what was recorded is not what was counted
              2    PATH cannot be read, or the batches not be written
              3    some files or directories could not be read; the others were
              64   wrong usage
              130  interrupted; the totals are of what was done by then
            """)

    @Argument(help: "A directory, or a single file.")
    var path: String

    @Option(help: ArgumentHelp("Where the batches go.", valueName: "directory"))
    var directory = "weir-data"

    @Option(help: "How many workers, 1 to 256 (default: one a core).")
    var workers: Int?

    @Option(help: "zstd's level for the files, 1 to 19.")
    var level: Int32 = 3

    @Option(help: ArgumentHelp("How often a batch is written, 0.001 to 3600.", valueName: "seconds"))
    var every = 1.0

    @Flag(help: "No progress line.")
    var quiet = false

    @Flag(help: "All extensions in the table, not only the largest.")
    var all = false

    func validate() throws {
        guard (1...256).contains(workers ?? 1) else {
            throw ValidationError("--workers is \(workers ?? 0), expected 1 to 256")
        }
        guard (0.001...3600).contains(every) else {
            throw ValidationError("--every is \(every), expected 0.001 to 3600 seconds")
        }
        guard (1...19).contains(level) else { throw ValidationError("--level is \(level), expected 1 to 19") }
    }

    func run() async throws {
        System.ignoreBrokenPipes()
        var options = DemoOptions(path: path)
        options.directory = directory
        options.workers = workers ?? min(256, ProcessInfo.processInfo.activeProcessorCount)
        options.level = level
        options.interval = .seconds(every)
        let line = ProgressLine(isShown: !quiet && System.isTerminal(System.standardError))
        let report: DemoReport
        do {
            report = try await Demo(options, line: line).run()
        } catch {
            line.say(Terminal.safe("\(error)"))
            throw ExitCode(2)
        }
        line.clear()
        let output = Output(descriptor: System.standardOutput)
        DemoTable(report, rows: all ? .max : 20, directory: directory)
            .write(to: output, terminal: Terminal(hasColour: false))
        output.flush()
        if let failure = report.exportFailure { line.say("the batches are not all written: \(failure)") }
        if report.isInterrupted { throw ExitCode(130) }
        if !report.isExact { throw ExitCode(1) }
        if report.exportFailure != nil { throw ExitCode(2) }
        if !report.omissions.isEmpty { throw ExitCode(3) }
    }
}
