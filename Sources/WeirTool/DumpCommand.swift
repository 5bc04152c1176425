internal import ArgumentParser
internal import WeirDump

/// `weir dump`: arguments in, exit code out; the work is WeirDump's.
struct DumpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump",
        abstract: "Show what is in batch files.",
        usage: "weir dump [FILE|DIRECTORY|-]... [OPTIONS]",
        discussion: """
            Without options, a table of the latest value of each series: counts and sums \
            with their rate between the first and the last batch, distributions with \
            mean, percentiles and a picture of their buckets. Rates count on over \
            restarts, deltas are added up. Memory is needed for the series only, however \
            long the files are, and for no more of them than --max-series.

            EXAMPLES
              weir dump                        what is in ./weir-data
              weir dump weir-data --follow     the same, kept up to date
              weir dump --since 10m            what the last ten minutes' batches say
              weir dump --match http/latency   one view
              weir dump --match '{route=~"/users.*",status!="200"}'
              weir dump --batches              each batch, and what is missing
              weir dump --batches --format csv > all.csv
              weir dump --format json | jq 'select(.name == "http/requests")'
              weir dump --format openmetrics > metrics.txt
              ssh host cat 'weir-data/*.weir.zst' | weir dump -

            SELECTORS
              As Prometheus writes them: name{tag="value",other=~"regex"}, with the
              operators =, !=, =~ and !~. A regular expression must match the whole
              value, and a missing tag matches what an empty one does. The name or the
              braces may be left out; {__name__=~"http/.*"} selects by a pattern of the
              name. Several --match show what any of them matches.

            FILES
              Of a directory all *.weir.zst are read in the order of their names, which
              is that of their time. Only regular files are read: what comes through a pipe
              is read as -. A frame that is cut off at a file's end is being
              written if the file's writer has it locked, or may be if the file is its
              directory's newest: a note says so. Otherwise it is damage, as is what
              fails its checksum: reading goes on behind it, and stderr says where it was
              and what was lost. --batches alone reads headers only, and sees no damage
              within a batch.

            OUTPUT
              Where several sources were read, OpenMetrics has a label `stream` for them.
              JSON and CSV name stream and batch of each point; integers are exact. Where
              JSON has no number there is a string: "NaN", "Infinity", "-Infinity".
              With --follow, JSON and CSV show each series again when it changed.

            EXIT CODES
              0   everything was read, or the output's reader went away
              2   a file or directory could not be read, is of another format or has more
                  series than --max-series, or the output could not be written
              3   damage was found, and the rest shown
              64  wrong usage
            """)

    @Argument(
        help: ArgumentHelp(
            "Batch files, directories of them, or - for standard input (default: weir-data, if it exists).",
            valueName: "FILE|DIRECTORY|-"))
    var inputs: [String] = []

    @Flag(help: "Show each batch, with gaps where they are, and with --match or a format but text each of its points.")
    var batches = false

    @Option(help: "text, json (an object a line and point), csv (a row a point) or openmetrics.")
    var format = Format.text

    @Option(
        help: ArgumentHelp("Show only the series that a selector matches; may be repeated.", valueName: "selector"))
    var match: [String] = []

    @Option(help: ArgumentHelp("Only batches since a time (RFC 3339), or a time ago such as 10m.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Only batches until a time, or a time ago.", valueName: "time"))
    var until: String?

    @Flag(help: "Go on as files grow and new ones appear, until interrupted.")
    var follow = false

    @Option(
        help: ArgumentHelp(
            "How many series may be read, also those that are not shown: some 300 bytes each.", valueName: "count"))
    var maxSeries = DumpOptions.defaultMaximumSeries

    @Option(help: "auto (on a terminal, and unless NO_COLOR is set), always or never.")
    var color = ColourChoice.auto

    @Flag(help: "Weir's own views in the table too: how exporting goes. --match and other formats show them anyway.")
    var own = false

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, csv, openmetrics
    }

    func validate() throws {
        if format == .openmetrics && (batches || follow) {
            throw ValidationError(
                "an OpenMetrics text ends, and has each series once: it goes with neither --batches nor --follow")
        }
        if operands.isEmpty {
            throw ValidationError(
                """
                nothing to read: no file or directory was named, and there is no weir-data here. Programs write batches \
                with startExporting(to: .file(directory: "weir-data")); `weir demo PATH` writes some to look at.
                """)
        }
        do throws(DumpError) {
            _ = try options()
        } catch {
            throw ValidationError(error.description)
        }
    }

    func run() throws {
        System.ignoreBrokenPipes()
        let isTerminal = System.isTerminal(System.standardOutput)
        let output = Output(descriptor: System.standardOutput)
        var dump = DumpRun(
            try options(), mode: mode(color.terminal, isTerminal: isTerminal), output: output,
            diagnostics: Diagnostics(Output(descriptor: System.standardError)))
        let status = dump.run()
        if status != .complete { throw ExitCode(status.exitCode) }
    }

    /// What to read: what is named, or `weir-data`.
    private var operands: [String] {
        if !inputs.isEmpty { return inputs }
        return System.exists("weir-data") ? ["weir-data"] : []
    }

    private func options() throws(DumpError) -> DumpOptions {
        let now = System.now()
        var options = DumpOptions(operands: operands)
        for text in match { options.selection.selectors.append(try Selector(parsing: text)) }
        if let since { options.since = try TimeBound.parse(since, now: now) }
        if let until { options.until = try TimeBound.parse(until, now: now) }
        options.follows = follow
        options.maximumSeries = max(maxSeries, 0)
        return options
    }

    private func mode(_ terminal: Terminal, isTerminal: Bool) -> DumpMode {
        switch (format, batches) {
        case (.text, false):
            .latest(
                TextTableFormat(
                    terminal: terminal, replaces: follow && isTerminal, showsOwn: own || !match.isEmpty))
        case (.text, true): .batches(TextBatchFormat(terminal: terminal), readsPoints: !match.isEmpty)
        case (.json, false): .latest(JSONFormat())
        case (.json, true): .batches(JSONFormat(), readsPoints: true)
        case (.csv, false): .latest(CSVFormat())
        case (.csv, true): .batches(CSVFormat(), readsPoints: true)
        case (.openmetrics, _): .latest(OpenMetricsFormat())
        }
    }
}
