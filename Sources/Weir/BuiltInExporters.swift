internal import FileSink
internal import StdoutSink
package import WeirExport
package import WeirExporterKit

/// The exporters that every application links, by the names that configurations use.
package enum BuiltInExporters {
    private static let all = [FileSink.plugin, StdoutSink.plugin]

    /// An exporter of this name; nil for a plugin's.
    package static func exporter(_ name: String) -> ExporterPlugin? {
        all.first { table($0)?.name == name }
    }

    /// The settings that an exporter of this name knows; nil for a plugin.
    package static func settings(of name: String) -> [SettingKind]? {
        exporter(name).flatMap(table)?.settings
    }

    /// The tables of all of them.
    package static var tables: [PluginTable] { all.compactMap(table) }

    private static func table(_ exporter: ExporterPlugin) -> PluginTable? {
        unsafe try? PluginTable(builtIn: exporter.table)
    }
}
