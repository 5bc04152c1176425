internal import ArgumentParser
internal import Weir
internal import WeirConfiguration
internal import WeirDump
internal import WeirExport
internal import WeirCommands

/// `weir plugins`: which exporters there are beside those of the program.
struct PluginsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugins",
        abstract: "Show which exporters there are, and what they know.",
        subcommands: [List.self, Probe.self])

    /// Where to look, as a configuration has it.
    struct Search: ParsableArguments {
        @Option(
            name: [.short, .long], help: ArgumentHelp("Look where this configuration says, too.", valueName: "file"))
        var config: String?

        func search() throws -> PluginSearch {
            guard let config else { return PluginSearch() }
            do throws(ConfigurationError) {
                return try Configuration(contentsOf: config).pluginSearch
            } catch {
                throw fail(error.description, code: error.isUnreadable ? 2 : 78)
            }
        }
    }

    /// `weir plugins list`.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Show all plugins where they are looked for.",
            usage: "weir plugins list [--config FILE]",
            discussion: """
                A plugin is a shared library that speaks the interface of weir_plugin.h. The \
                plugin remote-write is the file libRemoteWriteExporter.so or \
                weir-remote-write.so. Each that is found is loaded in a process of its own, \
                weir-plugin-host, where it can do no harm, and asked what it is.

                WHERE THEY ARE LOOKED FOR
                  1. the directories of the configuration's plugins.path
                  2. those of WEIR_PLUGIN_PATH, separated by colons
                  3. the directory of this program
                  The first of a name is taken.

                EXAMPLES
                  weir plugins list
                  WEIR_PLUGIN_PATH=/opt/weir/lib weir plugins list
                  weir plugins list --config /etc/shop/weir.yaml

                EXIT CODES
                  0   those that were found, and those that are refused, are shown
                  2   the configuration could not be read
                  64  wrong usage
                  78  something is wrong in the configuration
                """)

        @OptionGroup var search: Search

        func run() throws {
            System.ignoreBrokenPipes()
            let search = try search.search()
            let output = Output(descriptor: System.standardOutput)
            PluginReport(to: output, terminal: Terminal(hasColour: false)).writeList(
                BuiltInExporters.tables.map(PluginDescription.init), FoundPlugin.all(in: search),
                directories: search.directories)
            output.flush()
        }
    }

    /// `weir plugins probe`.
    struct Probe: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "probe",
            abstract: "Ask a plugin what it is and which settings it knows.",
            usage: "weir plugins probe NAME|PATH [--config FILE]",
            discussion: """
                Loads the plugin in a process of its own, weir-plugin-host, and shows its name, \
                version and interface, and its settings with their defaults. Of one that is \
                refused, what was wanted and what was found.

                EXAMPLES
                  weir plugins probe file
                  weir plugins probe .build/debug/libFileExporter.so

                EXIT CODES
                  0   it is a plugin
                  2   the configuration could not be read
                  3   it is refused, or not found
                  64  wrong usage
                  78  something is wrong in the configuration
                """)

        @Argument(help: ArgumentHelp("A plugin's name, or a path with a slash in it.", valueName: "NAME|PATH"))
        var plugin: String

        @OptionGroup var search: Search

        func run() throws {
            System.ignoreBrokenPipes()
            let search = try search.search()
            let output = Output(descriptor: System.standardOutput)
            let report = PluginReport(to: output, terminal: Terminal(hasColour: false))
            if let table = BuiltInExporters.tables.first(where: { $0.name == plugin }) {
                report.write(PluginDescription(table), path: "a part of the program")
            } else {
                do throws(ExportError) {
                    let external = ExternalPlugin(plugin, search: search)
                    report.write(try external.describe(), path: try external.path())
                } catch {
                    throw fail(Terminal.safe(error.description), code: 3)
                }
            }
            output.flush()
        }
    }
}

/// Says why on standard error.
private func fail(_ reason: String, code: Int32) -> ExitCode {
    let errors = Output(descriptor: System.standardError)
    errors.write(reason + "\n")
    errors.flush()
    return ExitCode(code)
}
