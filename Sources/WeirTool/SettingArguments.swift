internal import ArgumentParser
internal import WeirExport

/// Arguments that are spelled as in a configuration: `200ms`, `64KiB`.
enum SettingArguments {
    /// - Parameter range: Nanoseconds.
    static func duration(_ range: ClosedRange<Int64>) -> @Sendable (String) throws -> Duration {
        { text in .nanoseconds(try number(text, .duration(range))) }
    }

    static func bytes(_ range: ClosedRange<Int64>) -> @Sendable (String) throws -> Int {
        { text in Int(try number(text, .bytes(range))) }
    }

    private static func number(_ text: String, _ form: SettingKind.Form) throws -> Int64 {
        guard let number = form.number(in: text) else {
            throw ValidationError("expected \(form.wanted), found '\(text)'")
        }
        return number
    }
}
