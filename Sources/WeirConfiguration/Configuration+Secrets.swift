extension Configuration {
    /// A text of the configuration as it may be shown: what came from the environment by the variable's name.
    package func shown(_ text: String) -> String { secrets[text] ?? text }

    /// Words about the configuration, with what came from the environment taken out wherever it stands.
    package func redacted(_ words: String) -> String {
        // The longest first: a value may be a part of another.
        secrets.sorted { ($0.key.utf8.count, $0.key) > ($1.key.utf8.count, $1.key) }
            .reduce(words) { $0.replacing($1.key, with: $1.value) }
    }
}
