internal import ArgumentParser

/// `weir`: what there is to do with batches outside the program that records them.
@main
struct WeirCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir",
        abstract: "Look at what Weir recorded.",
        subcommands: [DumpCommand.self])
}
