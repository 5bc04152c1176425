extension Configuration {
    /// A text of the configuration as it may be shown: what came from the environment by the variable's name.
    package func shown(_ text: String) -> String { secrets.shown(text) }

    /// Words about the configuration, with what came from the environment taken out wherever it stands.
    package func redacted(_ words: String) -> String { secrets.redacted(words) }
}
