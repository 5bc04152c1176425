/// Texts that came from the environment, and what is shown in their place: how the file writes them, or the variable that
/// overrides a key.
struct Secrets: Equatable, Sendable {
    private var names: [String: String] = [:]

    mutating func keep(_ value: Value) {
        guard case .scalar(let scalar) = value.form, scalar.isSecret, !scalar.text.isEmpty else { return }
        if case .variable(let name) = value.place {
            names[scalar.text] = "${\(name)}"
        } else {
            names[scalar.text] = scalar.written
        }
    }

    /// A text of the configuration as it may be shown.
    func shown(_ text: String) -> String { names[text] ?? text }

    /// Words about the configuration, without such texts wherever they stand.
    func redacted(_ words: String) -> String {
        // The longest first: a value may be a part of another.
        names.sorted { ($0.key.utf8.count, $0.key) > ($1.key.utf8.count, $1.key) }
            .reduce(words) { $0.replacing($1.key, with: $1.value) }
    }
}
