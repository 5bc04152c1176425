/// What can be wrong with a registration.
public enum StatsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A view of this name exists and differs in the field that is named.
    case viewConflict(view: String, field: String, registered: String, requested: String)
    /// A measure of this name is in use by a view and differs in the field that is named.
    case measureConflict(measure: String, field: String, registered: String, requested: String)
    /// A name is empty, too long, or has characters that are not printable ASCII.
    case invalidName(kind: String, name: String, expected: String)
    /// Bounds are not finite, not ascending, or too many.
    case invalidBounds(view: String, reason: String)
    /// A relative error, a limit or a time is out of its range.
    case invalidSetting(view: String, setting: String, found: String, expected: String)
    /// A tag key is not usable, or appears twice.
    case invalidTagKey(view: String, key: String, reason: String)
    /// There is no view of this name.
    case unknownView(name: String)
    /// The process has as many of them as it can have.
    case tooMany(kind: String, limit: Int)
    /// The system refused address space for the stripes.
    case noMemory(wanted: Int)

    /// What was expected, what was found, and what to do.
    public var description: String {
        switch self {
        case .viewConflict(let view, let field, let registered, let requested):
            "view '\(view)' is registered already with \(field) \(registered), not \(requested); "
                + "give one of them another name, or unregister the first"
        case .measureConflict(let measure, let field, let registered, let requested):
            "measure '\(measure)' is in use with \(field) \(registered), not \(requested); "
                + "declare it once, or give one of them another name"
        case .invalidName(let kind, let name, let expected):
            "\(kind) name '\(name)' cannot be used: expected \(expected)"
        case .invalidBounds(let view, let reason):
            "view '\(view)': bounds \(reason)"
        case .invalidSetting(let view, let setting, let found, let expected):
            "view '\(view)': \(setting) is \(found), expected \(expected)"
        case .invalidTagKey(let view, let key, let reason):
            "view '\(view)': tag key '\(key)' \(reason)"
        case .unknownView(let name):
            "no view is named '\(name)'"
        case .tooMany(let kind, let limit):
            "this process has \(limit) \(kind) already, the most that it can have"
        case .noMemory(let wanted):
            "the system refused \(wanted) bytes of address space for the stripes; raise the limit (ulimit -v)"
        }
    }
}
