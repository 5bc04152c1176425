package import Logging

/// A plugin from outside, by name or path: found, and loaded or started, each time that it is opened.
package struct ExternalPlugin: OpenableExporter, Equatable {
    package var nameOrPath: String
    /// Whether it is loaded into this process, where it can crash it.
    package var isInProcess: Bool
    package var search: PluginSearch
    package var limits: ChildLimits

    package init(
        _ nameOrPath: String, isInProcess: Bool = false, search: PluginSearch = PluginSearch(),
        limits: ChildLimits = ChildLimits()
    ) {
        self.nameOrPath = nameOrPath
        self.isInProcess = isInProcess
        self.search = search
        self.limits = limits
    }

    package func open(for sink: SinkContext) throws(ExportError) -> any OpenExporter {
        if isInProcess { return try PluginLoader.load(search.find(nameOrPath)).open(for: sink) }
        return try ChildExporter(launcher(), sink: sink)
    }

    /// What the plugin says of itself. It is loaded in a process of its own in either case, so that one that crashes or
    /// lies does no harm.
    package func describe(logger: Logger = Logger(label: "weir.plugin")) throws(ExportError) -> PluginDescription {
        try launcher().describe(log: PluginLog(logger: logger))
    }

    /// The name that it is given by, or that its file would be found by; a file of another kind, as it is called.
    package var name: String {
        let file = nameOrPath.split(separator: "/").last.map(String.init) ?? nameOrPath
        return PluginSearch.pluginName(of: file) ?? file
    }

    /// The file that it is, now.
    package func path() throws(ExportError) -> String { try search.find(nameOrPath) }

    private func launcher() throws(ExportError) -> ChildLauncher {
        let path = try search.find(nameOrPath)
        do throws(PluginFault) {
            return ChildLauncher(path: path, program: try search.findHost(), limits: limits)
        } catch {
            throw .plugin(path: path, error)
        }
    }
}

/// A file that is named like a plugin, and what it says of itself, or why it is refused.
package struct FoundPlugin: Equatable, Sendable {
    /// By which configurations find it.
    package var name: String
    package var path: String
    package var description: Result<PluginDescription, ExportError>
    /// Whether an earlier directory has a plugin of that name, so that this one is only found by its path.
    package var isHidden: Bool

    package init(
        name: String, path: String, description: Result<PluginDescription, ExportError>, isHidden: Bool
    ) {
        self.name = name
        self.path = path
        self.description = description
        self.isHidden = isHidden
    }

    /// All plugins where they are looked for. Each is loaded in a process of its own, one after the other.
    package static func all(
        in search: PluginSearch, limits: ChildLimits = ChildLimits(), logger: Logger = Logger(label: "weir.plugin")
    ) -> [FoundPlugin] {
        var names: Set<String> = []
        return search.files().map { name, path in
            let description = Result { () throws(ExportError) in
                try ExternalPlugin(path, search: search, limits: limits).describe(logger: logger)
            }
            return FoundPlugin(
                name: name, path: path, description: description, isHidden: !names.insert(name).inserted)
        }
    }
}
