public import Weir
internal import WeirExport

/// What a configuration file says, with what the environment overrides.
///
/// ```swift
/// let configuration = try Configuration(contentsOf: "weir.yaml")
/// let exporting = try startExporting(configuration: configuration)
/// ```
///
/// One YAML file. A value may hold environment variables: `${NAME}`, `${NAME:default}`, and `$$` for a dollar. Each key
/// that has one value, of the file's own level and of sinks, is overridden by a variable of its name: `interval` by
/// `WEIR_INTERVAL`, `sinks.file.bounds.bytes` by `WEIR_SINKS_FILE_BOUNDS_BYTES`, the keys in capitals with `_` between
/// them and before each capital inside one. `weir config example` prints a file with every key.
public struct Configuration: Sendable, Equatable {
    /// How often batches are collected.
    public var interval: Duration = .seconds(10)
    /// zstd's.
    public var level: Int32 = 1
    /// Attributes of this process.
    public var resource: [String: String] = [:]
    /// What is wanted otherwise than the code's views have it.
    public var viewRules = ViewRules()
    /// Where plugins are looked for, before `WEIR_PLUGIN_PATH`.
    public var pluginPath: [String] = []
    /// The program that plugins run in.
    public var pluginHost: String?
    /// The Unix socket that answers `weir stats`.
    public var statsSocket: String?

    /// What is read although it will not be for long: keys that have another name now, each with its place. Starting to
    /// export and reloading log them.
    public private(set) var warnings: [String] = []

    var sinkModels: [SinkModel] = []
    var secrets = Secrets()

    init() {}

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - environment: The process's own where none is given.
    /// - Throws: ``ConfigurationError`` with everything that is wrong.
    public init(contentsOf path: String, environment: [String: String]? = nil) throws(ConfigurationError) {
        try self.init(contentsOf: path, environment: environment, asksPlugins: false)
    }

    /// Reads a file.
    ///
    /// - Parameter asksPlugins: Whether plugins are loaded, each in a process of its own, to check their settings.
    package init(
        contentsOf path: String, environment: [String: String]? = nil, asksPlugins: Bool
    ) throws(ConfigurationError) {
        let source = try SourceText(File.bytes(of: path), name: path)
        try self.init(source, environment: environment ?? Environment.process, asksPlugins: asksPlugins)
    }

    /// Reads a text.
    ///
    /// - Parameters:
    ///   - text: As it would stand in a file.
    ///   - file: What errors call it.
    ///   - environment: The process's own where none is given.
    /// - Throws: ``ConfigurationError`` with everything that is wrong.
    public init(
        yaml text: String, file: String = "weir.yaml", environment: [String: String]? = nil
    ) throws(ConfigurationError) {
        let source = try SourceText(Array(text.utf8), name: file)
        try self.init(source, environment: environment ?? Environment.process)
    }

    /// Whether there is a pipe or the like under a path, which is read once and not followed.
    package static func isReadOnce(_ path: String) -> Bool { File.isReadOnce(path) }

    /// The file that a program reads where its caller names none: what `WEIR_CONFIG` says, or `weir.yaml`.
    public static func defaultPath(environment: [String: String]? = nil) -> String {
        let environment = environment ?? Environment.process
        return environment["WEIR_CONFIG"].flatMap { $0.isEmpty ? nil : $0 } ?? "weir.yaml"
    }

    init(
        _ source: SourceText, environment: [String: String], asksPlugins: Bool = false
    ) throws(ConfigurationError) {
        let reading = Reading(source, environment: environment)
        if let root = YAMLDocument.read(reading) {
            var reader = MappingReader(root, path: Path(), at: .file, reading: reading)
            read(&reader, asksPlugins: asksPlugins)
            reader.finish()
            reading.reportUnknownOverrides(prefix: "WEIR_SINKS_")
        }
        guard !reading.hasProblems else { throw reading.error }
        secrets = reading.secrets
        warnings = reading.warnings
    }

    private mutating func read(_ file: inout MappingReader, asksPlugins: Bool) {
        interval = file.duration("interval", Ranges.interval) ?? interval
        level = file.integer("level", Ranges.level).map { Int32($0) } ?? level

        var resource = file.mapping("resource")
        self.resource = resource.ownTexts()

        var limits = file.mapping("limits")
        viewRules.seriesLimit = limits.integer("series", Ranges.series)
        viewRules.tagValueBytes = limits.bytes("tagValueBytes", Ranges.tagValue)
        limits.finish()
        let rules = file.list("views", of: "rules, each with a `select`")
        viewRules.rules = ViewReader.rules(rules ?? [], path: Path(keys: ["views"]), reading: file.reading)

        var plugins = file.mapping("plugins")
        pluginPath = plugins.texts("path", of: "directories") ?? []
        pluginHost = plugins.text("host")
        plugins.finish()

        var stats = file.mapping("stats")
        // What a socket's address has room for.
        statsSocket = stats.text("socket", length: 1...107)
        stats.finish()

        var sinks = file.mapping("sinks")
        // Whatever is named before may say where plugins are; where something is wrong with that, none is looked for.
        let asks = asksPlugins && !file.reading.hasProblems
        sinkModels = SinkReader(catalog: ExporterCatalog(asking: asks ? pluginSearch : nil)).sinks(&sinks)
    }
}
