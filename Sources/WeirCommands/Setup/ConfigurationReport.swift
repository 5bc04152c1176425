package import WeirConfiguration
package import WeirDump
internal import WeirRecording

/// What `weir config check` says of a configuration in which nothing is wrong: sinks, the feeds that they share, and
/// what becomes of views.
package struct ConfigurationReport {
    private let configuration: Configuration
    private let file: String

    package init(_ configuration: Configuration, file: String) {
        self.configuration = configuration
        self.file = file
    }

    package func write(to output: Output, terminal: Terminal) {
        output.write("\(Terminal.safe(file)): nothing is wrong\n")
        for warning in configuration.warnings { output.write("\(Terminal.safe(warning))\n") }
        if !configuration.resource.isEmpty {
            let keys = configuration.resource.keys.sorted().joined(separator: ", ")
            output.write("resource: \(Terminal.safe(keys))\n")
        }
        if let socket = configuration.statsSocket {
            output.write("weir stats: \(Terminal.safe(configuration.shown(socket)))\n")
        }
        writeSinks(to: output, terminal)
        writeViews(to: output, terminal)
    }

    private func writeSinks(to output: Output, _ terminal: Terminal) {
        let sinks = configuration.sinkSummaries
        guard !sinks.isEmpty else { return output.write("no sinks: nothing is exported\n") }
        var feeds: [Configuration.FeedSummary] = []
        for sink in sinks where !feeds.contains(sink.feed) { feeds.append(sink.feed) }

        var table = Table()
        for header in ["sink", "exporter", "feed", "may wait", "on a full queue", "spills to"] {
            table.addColumn(header, .left)
        }
        for sink in sinks {
            let feed = feeds.firstIndex(of: sink.feed).map { "\($0 + 1)" } ?? ""
            table.addRow([sink.name, sink.exporter, feed, sink.bounds, sink.policy, sink.spill])
        }
        output.write("\n")
        table.write(to: output, terminal: terminal)

        table = Table()
        for header in ["feed", "every", "values", "level", "views"] { table.addColumn(header, .left) }
        for (index, feed) in feeds.enumerated() {
            table.addRow([
                "\(index + 1)", feed.interval.spelled, feed.isDelta ? "delta" : "cumulative", "\(feed.level)",
                feed.match?.joined(separator: ", ") ?? "all",
            ])
        }
        output.write("\n")
        table.write(to: output, terminal: terminal)
    }

    private func writeViews(to output: Output, _ terminal: Terminal) {
        let rules = configuration.viewRules
        guard rules != ViewRules() else { return }
        var table = Table()
        for header in ["views", "become"] { table.addColumn(header, .left) }
        if let limit = rules.seriesLimit { table.addRow(["without a limit", "at most \(limit) series"]) }
        if let bytes = rules.tagValueBytes { table.addRow(["all", "tags of at most \(bytes) bytes"]) }
        for rule in rules.rules {
            for (index, change) in changes(rule).enumerated() {
                table.addRow([index == 0 ? configuration.shown(rule.pattern) : "", change])
            }
        }
        output.write("\n")
        table.write(to: output, terminal: terminal)
    }

    private func changes(_ rule: ViewRule) -> [String] {
        if rule.drops { return ["left out"] }
        func keys(_ keys: [TagKey]) -> String { keys.map { configuration.shown($0.name) }.joined(separator: ", ") }
        var changes: [String] = []
        if let name = rule.name { changes.append("named \(configuration.shown(name))") }
        if rule.description != nil { changes.append("described otherwise") }
        if let kept = rule.keepsOnly { changes.append(kept.isEmpty ? "without tags" : "by \(keys(kept))") }
        if !rule.removes.isEmpty { changes.append("without \(keys(rule.removes))") }
        switch rule.buckets {
        case .bounds(let bounds): changes.append("\(bounds.count) bounds")
        case .exponential(let error): changes.append("exponential within \(error * 100) %")
        case nil: break
        }
        if let limit = rule.seriesLimit { changes.append("at most \(limit) series") }
        if let idle = rule.forgetsIdle { changes.append("forgotten after \(idle.spelled)") }
        if let exemplars = rule.exemplars { changes.append("exemplars \(exemplars.word)") }
        return changes.isEmpty ? ["as they are"] : changes
    }
}
