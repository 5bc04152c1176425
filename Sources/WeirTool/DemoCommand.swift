internal import ArgumentParser
internal import Foundation
internal import WeirDemo
internal import WeirDump

/// `weir demo`: arguments in, a table out; the work is WeirDemo's.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Compress every file of a tree, and record what that does.",
        usage: "weir demo PATH [OPTIONS]",
        discussion: """
            Workers read each regular file under PATH, compress it with zstd and throw the \
            result away. They record, by file extension, how many files there are, how \
            many bytes went in and came out, and how large and how long each was. Batches \
            are written meanwhile; at the end they are read back, and the totals compared \
            with what the workers counted and with what `find` and `stat` say.

            EXAMPLES
              weir demo /usr/share
              weir demo . --workers 8 --directory /tmp/batches
              weir dump weir-data --match demo.duration

            FILES
              What `find PATH -type f` finds: symbolic links are not followed, other file
              systems are entered, hard links count each. The extension is what follows
              the last dot of the name, as it is written; a file without one has no such
              tag. The directory of the batches is left out where it is under PATH.

            EXIT CODES
              0    every file was read, and what was recorded is exact
              1    what was recorded is not what was counted
              2    PATH cannot be read, or the batches not be written
              3    some files could not be read; the others were
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

    @Flag(help: "No progress line.")
    var quiet = false

    @Flag(help: "All extensions in the table, not only the largest.")
    var all = false

    func validate() throws {
        guard (1...256).contains(workers ?? 1) else {
            throw ValidationError("--workers is \(workers ?? 0), expected 1 to 256")
        }
        guard (1...19).contains(level) else { throw ValidationError("--level is \(level), expected 1 to 19") }
    }

    func run() async throws {
        var options = DemoOptions(path: path)
        options.directory = directory
        options.workers = workers ?? ProcessInfo.processInfo.activeProcessorCount
        options.level = level
        let line = ProgressLine(isShown: !quiet && isatty(2) != 0)
        let report: DemoReport
        do {
            report = try await Demo(options, say: line.say, show: line.show).run()
        } catch {
            line.clear()
            line.say("\(error)")
            throw ExitCode(2)
        }
        line.clear()
        print(DemoTable(report, rows: all ? .max : 20, directory: directory).text, terminator: "")
        if !report.exporting.isEmpty { line.say(report.exporting) }
        if report.isInterrupted { throw ExitCode(130) }
        if !report.isExact { throw ExitCode(1) }
        if report.unreadable > 0 { throw ExitCode(3) }
    }
}
