internal import ArgumentParser
internal import WeirDump
internal import WeirCommands

/// `weir stats`: arguments in, exit code out; the work is done by WeirCommands.
struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show what became of every batch that a process offered to its sinks.",
        usage: "weir stats [DIRECTORY|FILE|SOCKET|-] [OPTIONS]",
        discussion: """
            Each sink keeps accounts, in batches, rows and bytes, in which nothing gets lost:

              recovered + offered = accepted + refused
              accepted = delivered + coalesced + dropped + queued + in flight + spilled

            From batch files they are those in the last batch of each process that wrote \
            there, so as they were before that batch was delivered. A running process answers \
            over a socket, where its program asked for one:

              startExporting(to: .file(directory: "weir-data"), serveStatsAt: "/run/app.weir")

            EXAMPLES
              weir stats                       from what is in ./weir-data
              weir stats /run/app.weir         of a running process
              weir stats /run/app.weir --watch
              weir stats --json | jq 'select(.dropped != {})'

            ACCOUNTS
              recovered  found in the sink's spill when the process began
              offered    what the collector handed over
              refused    turned away before the queue, with the cause
              coalesced  became part of a newer batch: nothing is lost
              dropped    given up after it had entered the queue, with the cause
              in flight  being delivered at that moment
              spilled    waits on disk
              uncertain  may have arrived although nobody acknowledged it; counted above, too

            STATE
              healthy      the last delivery succeeded, or there was none
              failing      the last one failed, and is tried again
              paused       many failed: nothing is delivered for a while
              wedged       a delivery does not return
              fatal, quarantined   nothing will be delivered any more
              and since when, why a delivery failed last, and when one succeeded last

            THE SOCKET
              is the user's own (mode 0600). Whoever connects sends the line `stats` and
              gets a batch file back: printf 'stats\\n' | nc -U SOCKET | weir dump --own -

            EXIT CODES
              0   the accounts balance
              2   nothing could be read, or there are no accounts in it
              3   an identity does not hold: a mistake of Weir's, which we want to hear of
              64  wrong usage
            """)

    @Argument(
        help: ArgumentHelp(
            "Batch files, or a socket of a running process (default: weir-data, if it exists).",
            valueName: "DIRECTORY|FILE|SOCKET|-"))
    var input: String?

    @Flag(help: "An object a line and sink.")
    var json = false

    @Flag(help: "Again and again, until interrupted.")
    var watch = false

    @Option(help: ArgumentHelp("How often with --watch, 0.1 to 3600.", valueName: "seconds"))
    var every = 1.0

    @Option(help: "auto (on a terminal, and unless NO_COLOR is set), always or never.")
    var color = ColourChoice.auto

    func validate() throws {
        guard (0.1...3600).contains(every) else {
            throw ValidationError("--every is \(every), expected 0.1 to 3600 seconds")
        }
        if watch, input == "-" { throw ValidationError("standard input passes by once, and cannot be watched") }
        guard input == nil, !System.exists("weir-data") else { return }
        throw ValidationError("nothing to read: no directory or socket was named, and there is no weir-data here")
    }

    func run() throws {
        System.ignoreBrokenPipes()
        let stats = StatsRun(
            input ?? "weir-data", isJSON: json, watchMilliseconds: watch ? Int32(every * 1000) : nil,
            replaces: watch && !json && System.isTerminal(System.standardOutput), terminal: color.terminal,
            output: Output(descriptor: System.standardOutput),
            diagnostics: Diagnostics(Output(descriptor: System.standardError)))
        let status = stats.run()
        if status != .balanced { throw ExitCode(status.rawValue) }
    }
}
