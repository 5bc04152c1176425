internal import ArgumentParser
internal import WeirDump

/// `--color`.
enum ColourChoice: String, ExpressibleByArgument, CaseIterable {
    case auto, always, never

    /// Standard output as it is to be written to.
    var terminal: Terminal {
        switch self {
        case .always: Terminal(hasColour: true)
        case .never: Terminal(hasColour: false)
        case .auto:
            Terminal(
                hasColour: System.isTerminal(System.standardOutput)
                    && (System.environment("NO_COLOR") ?? "").isEmpty && System.environment("TERM") != "dumb")
        }
    }
}
