internal import ArgumentParser
internal import Logging
internal import Weir
internal import WeirConfiguration
internal import WeirDump
internal import WeirRecording
internal import WeirCommands

/// `weir run`: arguments in, an exit code out; the work is done by WeirCommands.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Export the figures of this host, and of a command, as a configuration says.",
        usage: "weir run [-c FILE] [--deadline DURATION] [-- COMMAND [ARGUMENT]...]",
        discussion: """
            Starts the sinks that the configuration names and records, at each collection, what \
            the kernel says of this host (system.*), of this process, and of a COMMAND that \
            runs beside (process.*), by OpenTelemetry's semantic conventions. Goes on until a \
            signal comes or COMMAND ends; then collects once more, delivers what waits and ends \
            every stream.

            EXAMPLES
              weir config example > weir.yaml && weir run
              weir run -c /etc/weir.yaml --deadline 10s
              weir run -c weir.yaml -- ./shop --port 8080
              weir run -c <(make-config)                a pipe is read once, within 10 seconds
              weir stats /run/weir.sock                 while it runs with statsSocket

            SIGNALS
              SIGHUP           the configuration is read again, as when its file changes: sinks
                               that differ change, others go on. One in which something is
                               wrong changes nothing.
              SIGTERM, SIGINT  end. COMMAND gets the signal first, and is killed where it has
                               not ended by the deadline. A second one ends at once; the same
                               one within a second is still the first.

            VIEWS
              weir dump shows all of them. Those not wanted are dropped by the configuration:
                views: [{select: "system.filesystem.*", drop: true}]
              Network file systems are left out: to ask one whose server is away may hang.

            EXIT CODES
              0    ended by a signal; everything was delivered
              1    the same, and something was not delivered; stderr says what
              2    the configuration could not be read
              64   wrong usage
              69   exporting could not begin
              78   something is wrong in the configuration
              126  COMMAND cannot be run (127: it is not there)
              With COMMAND, its own exit code, or 128 and the number of the signal that ended it.
            """)

    @Option(
        name: [.customShort("c"), .long],
        help: ArgumentHelp("The file (default: $WEIR_CONFIG, or weir.yaml).", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "How long COMMAND has to end, and then deliveries have: 0s to 1h. (default: 5s)", valueName: "duration"),
        transform: SettingArguments.duration(0...3_600_000_000_000))
    var deadline = Duration.seconds(5)

    @Argument(parsing: .postTerminator, help: ArgumentHelp("What runs beside.", valueName: "command"))
    var command: [String] = []

    func run() async throws {
        System.ignoreBrokenPipes()
        let errors = Output(descriptor: System.standardError)
        let path = config ?? Configuration.defaultPath()
        let configuration: Configuration
        do throws(ConfigurationError) {
            configuration = try Configuration(contentsOf: path)
        } catch {
            errors.write(error.description + "\n")
            errors.flush()
            throw ExitCode(error.isUnreadable ? 2 : 78)
        }
        let logger = Logger(label: "weir")
        let run = Run(configuration, path: path, command: command, deadline: deadline, from: .default) {
            logger.info("\($0)")
        }
        let end: Run.End
        do throws(RunError) {
            end = try await run.run()
        } catch {
            errors.write("weir run: \(error)\n")
            errors.flush()
            if case .command(_, _, let isMissing) = error { throw ExitCode(isMissing ? 127 : 126) }
            throw ExitCode(69)
        }
        errors.write(end.report.description + "\n")
        errors.flush()
        if end.status != 0 { throw ExitCode(end.status) }
    }
}
