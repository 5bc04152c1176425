package import WeirDump
package import WeirExport

/// What `weir plugins` says of plugins: which there are, what they know, or why they are refused.
package struct PluginReport {
    private let output: Output
    private let terminal: Terminal

    package init(to output: Output, terminal: Terminal) {
        self.output = output
        self.terminal = terminal
    }

    /// A line a plugin, those of the program first; then why some are refused.
    ///
    /// - Parameter directories: Where plugins were looked for.
    package func writeList(_ builtIn: [PluginDescription], _ found: [FoundPlugin], directories: [String]) {
        // A path is there to be copied.
        var table = Table(widest: .max)
        for header in ["name", "version", "ABI", "settings", "where"] { table.addColumn(header, .left) }
        for plugin in builtIn { table.addRow(cells(plugin.name, plugin, place: "a part of the program")) }
        var refusals: [String] = []
        for plugin in found {
            let isHidden = plugin.isHidden || builtIn.contains { $0.name == plugin.name }
            let place = plugin.path + (isHidden ? " (by its path alone)" : "")
            switch plugin.description {
            case .success(let description):
                table.addRow(cells(plugin.name, description, place: place))
            case .failure(let error):
                table.addRow([plugin.name, "refused", "", "", place])
                refusals.append(error.description)
            }
        }
        table.write(to: output, terminal: terminal, indent: 0)
        if found.isEmpty {
            output.write("\nno plugins in: \(Terminal.safe(directories.joined(separator: ", ")))\n")
        }
        if !refusals.isEmpty { output.write("\nrefused:\n") }
        for refusal in refusals { output.write("  \(Terminal.safe(refusal))\n") }
    }

    /// What a plugin says of itself, and its settings.
    package func write(_ plugin: PluginDescription, path: String) {
        output.write(Terminal.safe("\(plugin.name) \(plugin.version), ABI \(abi(plugin)): \(path)") + "\n")
        guard !plugin.settings.isEmpty else { return output.write("it has no settings\n") }
        var table = Table(widest: 160)
        for header in ["setting", "is", "default", "what for"] { table.addColumn(header, .left) }
        for setting in plugin.settings {
            table.addRow([
                setting.key, setting.form.kind, setting.defaultValue ?? "(must be given)", setting.description,
            ])
        }
        output.write("\n")
        table.write(to: output, terminal: terminal)
    }

    private func cells(_ name: String, _ plugin: PluginDescription, place: String) -> [String] {
        [name, plugin.version, abi(plugin), "\(plugin.settings.count)", place]
    }

    private func abi(_ plugin: PluginDescription) -> String { "\(plugin.abiMajor).\(plugin.abiMinor)" }
}

extension SettingKind.Form {
    /// In a word, or the words that it may be.
    fileprivate var kind: String {
        switch self {
        case .text: "text"
        case .integer: "number"
        case .boolean: "true or false"
        case .bytes: "size"
        case .duration: "duration"
        case .choice(let words): words.joined(separator: ", ")
        }
    }
}
