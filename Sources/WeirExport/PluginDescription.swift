internal import CWeirPlugin

/// What a plugin says of itself.
package struct PluginDescription: Equatable, Sendable {
    /// The exporter's kind, `file`.
    package var name: String
    /// The plugin's own.
    package var version: String
    /// The interface that it was made for.
    package var abiMajor: UInt32
    package var abiMinor: UInt32
    /// Feature bits that it cannot live without.
    package var requiredFeatures: UInt64
    package var settings: [SettingKind]

    package init(
        name: String, version: String, abiMajor: UInt32, abiMinor: UInt32, requiredFeatures: UInt64,
        settings: [SettingKind]
    ) {
        self.name = name
        self.version = version
        self.abiMajor = abiMajor
        self.abiMinor = abiMinor
        self.requiredFeatures = requiredFeatures
        self.settings = settings
    }
}

extension PluginDescription {
    /// Whether a plugin with these required features gets batches when it asks for them.
    static func collectsOnRequest(_ features: UInt64) -> Bool { features & UInt64(WEIR_FEATURE_COLLECT) != 0 }

    /// What a loaded plugin says of itself.
    package init(_ table: PluginTable) {
        unsafe self.init(
            name: table.name, version: table.version, abiMajor: table.pointer.pointee.abi_major,
            abiMinor: table.pointer.pointee.abi_minor, requiredFeatures: table.pointer.pointee.required_features,
            settings: table.settings)
    }
}
