/// A setting as an exporter describes it, and the check of what a user wrote.
package struct SettingKind: Equatable, Sendable {
    package enum Form: Equatable, Sendable {
        /// Bytes of UTF-8.
        case text(ClosedRange<Int64>)
        case integer(ClosedRange<Int64>)
        case boolean
        case bytes(ClosedRange<Int64>)
        /// Nanoseconds.
        case duration(ClosedRange<Int64>)
        case choice([String])
    }

    package var key: String
    package var description: String
    package var form: Form
    package var defaultValue: String?

    package init(key: String, description: String, form: Form, defaultValue: String?) {
        self.key = key
        self.description = description
        self.form = form
        self.defaultValue = defaultValue
    }

    /// A value for each kind, in their order: the configured one, or the default.
    package static func check(
        _ configured: [String: String], against kinds: [SettingKind], sink: String
    ) throws(ExportError) -> [CheckedSetting] {
        for key in configured.keys.sorted() where !kinds.contains(where: { $0.key == key }) {
            let known = kinds.map(\.key)
            throw .setting(sink: sink, .unknown(key: key, nearest: nearestName(to: key, among: known), known: known))
        }
        var checked: [CheckedSetting] = []
        for kind in kinds {
            guard let text = configured[kind.key] ?? kind.defaultValue else {
                throw .setting(sink: sink, .missing(key: kind.key, description: kind.description))
            }
            guard let number = kind.form.number(in: text) else {
                throw .setting(sink: sink, .invalid(key: kind.key, wanted: kind.form.wanted, found: text))
            }
            checked.append(CheckedSetting(key: kind.key, text: text, number: number))
        }
        return checked
    }
}

/// A setting whose text was checked against its kind.
package struct CheckedSetting: Equatable, Sendable {
    package var key: String
    package var text: String
    /// Bytes, nanoseconds, a whole number, a choice's place, or 1 for true.
    package var number: Int64

    package init(key: String, text: String, number: Int64) {
        self.key = key
        self.text = text
        self.number = number
    }
}
