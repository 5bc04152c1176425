package import WeirExport
internal import WeirExporterKit

/// Where a plugin runs.
public enum Isolation: String, Sendable {
    /// In a process of its own, `weir-plugin-host`, which may crash, hang or leak without harm to this one. A crash costs
    /// a pause; three in a minute quarantine the sink.
    case process
    /// In this process: for plugins that are as trusted as the program itself.
    case inProcess
}

extension Sink {
    /// A sink of an exporter that is no part of the program: a shared library, as `weir_plugin.h` describes it.
    ///
    /// What has a slash is a path, and taken as it is. Anything else is a name: the plugin `remote-write` is the file
    /// `libRemoteWriteExporter.so` or `weir-remote-write.so`, in the first directory that has one: those of the
    /// configuration, those of `WEIR_PLUGIN_PATH` (separated by colons), and the executable's own.
    ///
    /// The program `weir-plugin-host` is looked for by the configuration, `WEIR_PLUGIN_HOST`, beside the executable, and
    /// in `PATH`; `swift build --product weir-plugin-host` makes it. Where it is missing, the plugin is not loaded.
    ///
    /// - Parameters:
    ///   - nameOrPath: Which plugin.
    ///   - settings: As a configuration would spell them. Those that the plugin does not know, or that do not fit, are
    ///     refused when exporting starts.
    ///   - isolation: Where it runs.
    ///   - required: Whether exporting fails to start where the plugin cannot be found or loaded. If not, its sink is left
    ///     out and an error logged.
    ///   - name: What the sink is called; nil for the plugin's name, or its file's.
    ///   - memoryBytes: What a plugin in a process of its own may allocate, on Linux; 0 for no bound.
    public static func plugin(
        _ nameOrPath: String, settings: [String: String] = [:], isolation: Isolation = .process,
        required: Bool = false, name: String? = nil, memoryBytes: Int = 1 << 30
    ) -> Sink {
        var plugin = ExternalPlugin(nameOrPath, isInProcess: isolation == .inProcess)
        plugin.limits.memoryBytes = UInt64(max(memoryBytes, 0))
        return Sink(.external(plugin), name: name ?? plugin.name, settings: settings, isRequired: required)
    }

    /// Where a plugin of this sink, and the program that runs it, are looked for; nil for a linked exporter.
    package var pluginSearch: PluginSearch? {
        get { if case .external(let plugin) = exporter { plugin.search } else { nil } }
        set {
            guard case .external(var plugin) = exporter, let newValue else { return }
            plugin.search = newValue
            exporter = .external(plugin)
        }
    }
}

/// What delivers a sink's batches.
enum SinkExporter: Sendable, Equatable {
    case linked(ExporterPlugin)
    case external(ExternalPlugin)

    func openable() throws(ExportError) -> any OpenableExporter {
        switch self {
        case .linked(let plugin): try unsafe PluginTable(builtIn: plugin.table)
        case .external(let plugin): plugin
        }
    }

    static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.linked(let left), .linked(let right)): left === right
        case (.external(let left), .external(let right)): left == right
        case (.linked, .external), (.external, .linked): false
        }
    }
}
