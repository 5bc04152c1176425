internal import StdoutSink

extension Sink {
    /// What is printed for each series.
    public enum StdoutFormat: String, Sendable {
        /// A line for people, as `weir dump --batches` prints it.
        case text
        /// A JSON object a line, as `weir dump --format json` prints it.
        case json
    }

    /// Standard output, for a first look: a line a series, every interval.
    ///
    /// - Parameters:
    ///   - format: What is printed.
    ///   - showsOwn: Whether Weir's own views are printed too.
    ///   - name: What the sink is called.
    public static func stdout(
        format: StdoutFormat = .text, showsOwn: Bool = false, name: String = "stdout"
    ) -> Sink {
        Sink(StdoutSink.plugin, name: name, settings: ["format": format.rawValue, "own": "\(showsOwn)"])
    }
}
