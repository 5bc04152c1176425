package import CWeirPlugin

/// A plugin's table, checked field by field, as Swift sees it.
///
/// Safe to use: whoever makes one says that the pointer leads to a table that is never freed, and the rest was checked.
@safe
package struct PluginTable: @unchecked Sendable {
    // Sendable: a table never changes once its plugin's entry has returned it.
    let pointer: UnsafePointer<weir_plugin>

    /// `file`.
    package let name: String
    package let version: String
    package let settings: [SettingKind]

    /// Where it was loaded from; nil for an exporter that the application links.
    package let path: String?

    /// An exporter that this program links.
    @unsafe
    package init(builtIn pointer: UnsafePointer<weir_plugin>) throws(ExportError) {
        do throws(PluginFault) {
            try unsafe self.init(checking: pointer, path: nil)
        } catch {
            throw .plugin(path: "built in", error)
        }
    }

    /// - Parameter pointer: A table as `weir_plugin_entry` returns it. At least its first 32 bytes are read, and the
    ///   rest only where they promise that it is there.
    @unsafe
    init(checking pointer: UnsafePointer<weir_plugin>, path: String?) throws(PluginFault) {
        try unsafe Self.check(UnsafeRawPointer(pointer))
        unsafe self.pointer = pointer
        self.path = path
        unsafe name = String(cString: pointer.pointee.name)
        unsafe version = String(cString: pointer.pointee.version)
        var settings: [SettingKind] = []
        if let kinds = unsafe pointer.pointee.settings {
            for index in unsafe 0..<pointer.pointee.settings_count { unsafe settings.append(SettingKind(kinds[index])) }
        }
        self.settings = settings
    }

    /// What this host can do.
    static let features = UInt64(
        WEIR_FEATURE_READ_HEADER | WEIR_FEATURE_COLUMNS | WEIR_FEATURE_DEMAND | WEIR_FEATURE_COLLECT)

    /// Whether its sinks get batches when they ask for them.
    var collectsOnRequest: Bool { unsafe PluginDescription.collectsOnRequest(pointer.pointee.required_features) }

    /// Reads raw memory, since Swift trusts a pointer that the header calls non-null, and this one comes from outside.
    private static func check(_ table: UnsafeRawPointer) throws(PluginFault) {
        let magic = unsafe table.load(as: UInt64.self)
        guard magic == WEIR_PLUGIN_MAGIC else { throw .wrongMagic(wanted: WEIR_PLUGIN_MAGIC, found: magic) }
        let major = unsafe table.load(fromByteOffset: 8, as: UInt32.self)
        guard major == WEIR_PLUGIN_ABI_MAJOR else { throw .wrongMajor(wanted: WEIR_PLUGIN_ABI_MAJOR, found: major) }
        let wantedSize = unsafe UInt32(MemoryLayout<weir_plugin>.size)
        let size = unsafe table.load(fromByteOffset: 16, as: UInt32.self)
        guard size >= wantedSize else { throw .shortTable(wanted: wantedSize, found: size) }
        let required = unsafe table.load(fromByteOffset: 24, as: UInt64.self)
        guard required & ~features == 0 else { throw .unknownFeatures(known: features, required: required) }
        let pointers: [(String, Int?)] = unsafe [
            ("name", MemoryLayout<weir_plugin>.offset(of: \.name)),
            ("version", MemoryLayout<weir_plugin>.offset(of: \.version)),
            ("open", MemoryLayout<weir_plugin>.offset(of: \.open)),
            ("deliver", MemoryLayout<weir_plugin>.offset(of: \.deliver)),
            ("close", MemoryLayout<weir_plugin>.offset(of: \.close)),
        ]
        for (name, offset) in pointers {
            guard let offset, unsafe table.load(fromByteOffset: offset, as: UInt.self) != 0 else {
                throw .missingFunction(name)
            }
        }
    }
}

extension PluginFault: Error {}

extension SettingKind {
    fileprivate init(_ kind: weir_setting_kind) {
        let (number, minimum, maximum) = unsafe (Int(kind.kind), kind.minimum, kind.maximum)
        // A range that runs backwards allows one number and is the plugin author's to find.
        let range = minimum...max(minimum, maximum)
        let choices = unsafe kind.choices.map { unsafe String(cString: $0).split(separator: "|").map(String.init) }
        let form: Form =
            switch number {
            case WEIR_SETTING_INTEGER: .integer(range)
            case WEIR_SETTING_BOOLEAN: .boolean
            case WEIR_SETTING_BYTES: .bytes(range)
            case WEIR_SETTING_DURATION: .duration(range)
            case WEIR_SETTING_CHOICE: .choice(choices ?? [])
            default: .text(range)
            }
        unsafe self.init(
            key: String(cString: kind.key), description: String(cString: kind.description), form: form,
            defaultValue: kind.default_value.map { unsafe String(cString: $0) })
    }
}
