internal import ArgumentParser
internal import WeirConfiguration
internal import WeirDump
internal import WeirCommands

/// `weir config`: what there is to know of a configuration before a program starts with it.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Check a configuration, or print one to begin with.",
        subcommands: [Check.self, Example.self])

    /// `weir config check`.
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Say what is wrong in a configuration, or what it comes to.",
            usage: "weir config check [FILE] [--plugins]",
            discussion: """
                Reads the file as a program would that starts with it, but opens nothing: no \
                exporter runs and no directory is made. With --plugins, plugins are loaded, each \
                in a process of its own, and their settings are checked too. Everything that is wrong is told at \
                once, on stderr, as compilers do it: file, line, column, what was expected and \
                what was found. Of a file in which nothing is wrong, a summary: the sinks, the \
                feeds that they share, and what becomes of views.

                EXAMPLES
                  weir config check /etc/shop/weir.yaml
                  WEIR_INTERVAL=1s weir config check        as the environment has it
                  weir config check weir.yaml && systemctl reload shop

                ENVIRONMENT
                  ${NAME} and ${NAME:default} in a value stand for a variable. A key with one
                  value is overridden by a variable of its name: sinks.file.bounds.bytes by
                  WEIR_SINKS_FILE_BOUNDS_BYTES. A variable that begins with WEIR_SINKS_ and
                  overrides nothing is an error. Values from the environment are not shown.
                  WEIR_CONFIG names the file where none is given.

                EXIT CODES
                  0   nothing is wrong
                  2   the file could not be read
                  64  wrong usage
                  78  something is wrong
                """)

        @Argument(help: ArgumentHelp("The file (default: $WEIR_CONFIG, or weir.yaml).", valueName: "file"))
        var file: String?

        @Flag(help: "Ask plugins which settings they know, too.")
        var plugins = false

        func run() throws {
            System.ignoreBrokenPipes()
            let path = file ?? Configuration.defaultPath()
            let output = Output(descriptor: System.standardOutput)
            do throws(ConfigurationError) {
                let configuration = try Configuration(contentsOf: path, asksPlugins: plugins)
                ConfigurationReport(configuration, file: path)
                    .write(to: output, terminal: Terminal(hasColour: false))
                output.flush()
            } catch {
                let errors = Output(descriptor: System.standardError)
                errors.write(error.description + "\n")
                errors.flush()
                throw ExitCode(error.isUnreadable ? 2 : 78)
            }
        }
    }

    /// `weir config example`.
    struct Example: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "example",
            abstract: "Print a configuration with every key, and what each is for.",
            usage: "weir config example > weir.yaml",
            discussion: """
                What is printed is valid as it is. Keys behind a # are alternatives.

                EXAMPLES
                  weir config example > weir.yaml && weir config check weir.yaml
                """)

        func run() {
            System.ignoreBrokenPipes()
            let output = Output(descriptor: System.standardOutput)
            output.write(WeirConfiguration.Example.text)
            output.flush()
        }
    }
}
