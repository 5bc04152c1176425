/// What an exporter is called and which settings it knows.
public struct ExporterKind: Sendable {
    /// How configurations name it: `file`.
    public var name: String
    /// Its own version.
    public var version: String
    /// What can be set. The host refuses everything else.
    public var settings: [Setting]
    /// Whether it cannot do without ``DeliveryFrame/withBatch(_:)``. A host that lacks it then refuses the exporter.
    public var needsColumns: Bool
    /// Whether its sinks get batches when they ask for them by ``ExporterHost/collect``, in a stream of their own, and
    /// every interval only where the user named one for the sink. A host that cannot do that refuses the exporter.
    public var collectsOnRequest: Bool

    /// Describes an exporter.
    public init(
        name: String, version: String, settings: [Setting], needsColumns: Bool = false, collectsOnRequest: Bool = false
    ) {
        self.name = name
        self.version = version
        self.settings = settings
        self.needsColumns = needsColumns
        self.collectsOnRequest = collectsOnRequest
    }
}

/// A setting that an exporter knows; also the key to its value in ``Settings``.
public struct Setting: Equatable, Sendable {
    /// What a setting's text must look like.
    public enum Form: Equatable, Sendable {
        /// Any text of so many bytes.
        case text(length: ClosedRange<Int64>)
        /// A whole number.
        case integer(ClosedRange<Int64>)
        /// `true` or `false`.
        case boolean
        /// A size: `512`, `64KiB`, `4MB`.
        case bytes(ClosedRange<Int64>)
        /// A duration in nanoseconds: `500ms`, `10s`, `1h`.
        case duration(ClosedRange<Int64>)
        /// One of these words; its number is its place among them.
        case choice([String])
    }

    /// `rotateBytes`.
    public var key: String
    /// One sentence.
    public var description: String
    /// What its text must look like.
    public var form: Form
    /// The value where the configuration names none; nil where it must.
    public var defaultValue: String?

    /// Describes a setting.
    public init(_ key: String, _ form: Form, default defaultValue: String?, _ description: String) {
        self.key = key
        self.description = description
        self.form = form
        self.defaultValue = defaultValue
    }
}

/// The checked settings of one sink: every one that the exporter's kind names has a value.
public struct Settings: Sendable {
    private var values: [String: (text: String, number: Int64)] = [:]

    package init() {}

    package mutating func set(_ key: String, text: String, number: Int64) {
        values[key] = (text, number)
    }

    package func has(_ key: String) -> Bool { values[key] != nil }

    /// The setting's text, as the user wrote it.
    ///
    /// - Precondition: The exporter's kind names the setting.
    public func text(_ setting: Setting) -> String { value(setting).text }

    /// The setting's number: a whole number, bytes, nanoseconds, 1 for `true`, or a choice's place.
    ///
    /// - Precondition: The exporter's kind names the setting.
    public func number(_ setting: Setting) -> Int64 { value(setting).number }

    private func value(_ setting: Setting) -> (text: String, number: Int64) {
        guard let value = values[setting.key] else {
            preconditionFailure("the exporter's kind does not name the setting \(setting.key)")
        }
        return value
    }
}
