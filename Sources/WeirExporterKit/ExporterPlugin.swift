// The table is what the C interface gives to the host: `public` because a plugin's entry returns it.
public import CWeirPlugin
private import WeirSystem

/// An exporter as the C table that hosts call: what a plugin's entry returns, and what an application registers for an
/// exporter that it links. Made once a process and never freed.
///
///     enum Entry { static let plugin = ExporterPlugin(MyExporter.self) }
///
///     @c @implementation
///     public func weir_plugin_entry(_ host: UnsafePointer<weir_host>) -> UnsafePointer<weir_plugin>? {
///         unsafe Entry.plugin.table
///     }
@safe
public final class ExporterPlugin: @unchecked Sendable {
    // Sendable: the table and all that it leads to are written by `init` alone and never freed.

    /// The table. Lives as long as the process.
    @unsafe public let table: UnsafePointer<weir_plugin>

    /// Makes the table of an exporter.
    public init<ExporterType: Exporter>(_ exporter: ExporterType.Type) {
        let kind = exporter.kind
        let maker = ExporterMaker(settings: kind.settings) { settings, host throws(ExporterError) in
            try ExporterType(settings: settings, host: host)
        }
        let settings = UnsafeMutablePointer<weir_setting_kind>.allocate(capacity: max(kind.settings.count, 1))
        for (index, setting) in kind.settings.enumerated() {
            unsafe (settings + index).initialize(to: Self.describe(setting))
        }
        let table = UnsafeMutablePointer<weir_plugin>.allocate(capacity: 1)
        unsafe table.initialize(
            to: weir_plugin(
                magic: WEIR_PLUGIN_MAGIC, abi_major: WEIR_PLUGIN_ABI_MAJOR, abi_minor: WEIR_PLUGIN_ABI_MINOR,
                size: UInt32(MemoryLayout<weir_plugin>.size), reserved: 0,
                required_features: (kind.needsColumns ? WEIR_FEATURE_COLUMNS : 0)
                    | (kind.collectsOnRequest ? WEIR_FEATURE_COLLECT : 0),
                name: Self.immortal(kind.name), version: Self.immortal(kind.version),
                context: Unmanaged.passRetained(maker).toOpaque(), settings: UnsafePointer(settings),
                settings_count: kind.settings.count, open: openThunk, deliver: deliverThunk, close: closeThunk,
                stop: stopThunk, counters: countersThunk))
        unsafe self.table = UnsafePointer(table)
    }

    private static func describe(_ setting: Setting) -> weir_setting_kind {
        var choices: String?
        let (kind, range): (Int, ClosedRange<Int64>)
        switch setting.form {
        case .text(let length): (kind, range) = (WEIR_SETTING_TEXT, length)
        case .integer(let numbers): (kind, range) = (WEIR_SETTING_INTEGER, numbers)
        case .boolean: (kind, range) = (WEIR_SETTING_BOOLEAN, 0...1)
        case .bytes(let sizes): (kind, range) = (WEIR_SETTING_BYTES, sizes)
        case .duration(let durations): (kind, range) = (WEIR_SETTING_DURATION, durations)
        case .choice(let words):
            (kind, range) = (WEIR_SETTING_CHOICE, 0...Int64(max(words.count, 1) - 1))
            choices = words.joined(separator: "|")
        }
        return unsafe weir_setting_kind(
            key: immortal(setting.key), description: immortal(setting.description),
            default_value: setting.defaultValue.map { unsafe immortal($0) },
            choices: choices.map { unsafe immortal($0) }, minimum: range.lowerBound, maximum: range.upperBound,
            kind: UInt32(kind), reserved: 0)
    }

    /// A copy that lives as long as the table: for ever.
    @unsafe
    private static func immortal(_ string: String) -> UnsafePointer<CChar> {
        let utf8 = string.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: utf8.count)
        for (index, byte) in utf8.enumerated() { unsafe (copy + index).initialize(to: byte) }
        return unsafe UnsafePointer(copy)
    }
}
