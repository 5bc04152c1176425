internal import Weir
internal import WeirExport

/// What is known of exporters while a configuration is read.
final class ExporterCatalog {
    enum Entry {
        /// A part of the program.
        case linked([SettingKind])
        /// A plugin that said which settings it knows.
        case plugin([SettingKind])
        /// A plugin that cannot be loaded.
        case refused(reason: String)
        /// A plugin that was not asked.
        case unasked
    }

    /// Where plugins are looked for; nil: none is asked.
    private let search: PluginSearch?
    /// Each plugin is asked once, in a process of its own.
    private var answers: [String: Entry] = [:]

    init(asking search: PluginSearch? = nil) {
        self.search = search
    }

    func entry(_ exporter: String) -> Entry {
        if let settings = BuiltInExporters.settings(of: exporter) { return .linked(settings) }
        guard let search, !exporter.isEmpty else { return .unasked }
        if let answer = answers[exporter] { return answer }
        let answer: Entry
        do throws(ExportError) {
            answer = .plugin(try ExternalPlugin(exporter, search: search).describe().settings)
        } catch {
            answer = .refused(reason: error.description)
        }
        answers[exporter] = answer
        return answer
    }
}
