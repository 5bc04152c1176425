internal import WeirExport

extension Duration {
    /// As a configuration spells it: `90s`.
    package var spelled: String {
        let (seconds, attoseconds) = components
        return SettingKind.Form.duration(Int64(clamping: seconds * 1_000_000_000 + attoseconds / 1_000_000_000))
    }
}
