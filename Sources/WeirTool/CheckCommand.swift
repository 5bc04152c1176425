internal import ArgumentParser
internal import WeirDump

/// `weir check`: arguments in, exit code out; the work is WeirDump's.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Find out whether anything is missing in batch files.",
        usage: "weir check [FILE|DIRECTORY|-]...",
        discussion: """
            Batches of a stream are numbered from 1. A sink that had to drop some says which \
            in the header of the next: a gap, with its cause, and no reason to worry more \
            than the cause is. A number that neither a batch nor a gap accounts for is a \
            hole: somebody lost it without a word. Every batch is read to its checksum.

            EXAMPLES
              weir check                       what is in ./weir-data
              weir check weir-data || mail -s 'batches are missing' ops < /dev/null
              ssh host cat 'weir-data/*.weir.zst' | weir check -

            WHAT IT SAYS
              dropped          a gap: the sink gave batches up, for the cause that it names
              merged           batches that became part of a newer one; nothing is lost
              delivered again  a batch came twice, as after a lost acknowledgement
              missing          a hole; a batch that comes late is not missing
              no end mark      its process was killed, or ended without a shutdown: what it
                               had not delivered is lost, and nobody knows how much that is
              goes on          a process has the file locked, and writes to it
              fault            what cannot be: a number 0, a batch that ends before it starts, a
                               gap of more batches than numbers or over batches that are here,
                               a count below 0, deltas that start before the batch or the
                               stream before them ended and so count something twice
              in parts         collections too long for one batch, split over several

            PLACES
              What lies in one directory is checked together. Two directories are two \
            destinations, and checked apart. A stream that is read from its middle, as when \
            old files were removed, lacks nothing before.

            EXIT CODES
              0   nothing is missing, or its loss is explained
              2   a file or directory could not be read, is of another format, or has no
                  batch in it
              3   something is damaged
              6   what batches or their headers say cannot be
              4   something is missing without explanation
              5   a stream has no end mark, and nobody writes it any more
              64  wrong usage
              Where several apply, it is the first of them.
            """)

    @Argument(
        help: ArgumentHelp(
            "Batch files, directories of them, or - for standard input (default: weir-data, if it exists).",
            valueName: "FILE|DIRECTORY|-"))
    var inputs: [String] = []

    @Option(help: "auto (on a terminal, and unless NO_COLOR is set), always or never.")
    var color = ColourChoice.auto

    func validate() throws {
        guard inputs.isEmpty, !System.exists("weir-data") else { return }
        throw ValidationError("nothing to check: no file or directory was named, and there is no weir-data here")
    }

    func run() throws {
        System.ignoreBrokenPipes()
        var check = CheckRun(
            inputs.isEmpty ? ["weir-data"] : inputs, terminal: color.terminal,
            output: Output(descriptor: System.standardOutput),
            diagnostics: Diagnostics(Output(descriptor: System.standardError)))
        let status = check.run()
        if status != .complete { throw ExitCode(status.rawValue) }
    }
}
