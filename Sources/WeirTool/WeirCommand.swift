internal import ArgumentParser

/// `weir`: what there is to do with batches outside the program that records them.
@main
struct WeirCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir",
        abstract: "Record what a demo does, and look at what Weir recorded.",
        subcommands: [
            CheckCommand.self, ConfigCommand.self, DemoCommand.self, DumpCommand.self, OverloadCommand.self,
            PluginsCommand.self, RunCommand.self, StatsCommand.self,
        ])
}
