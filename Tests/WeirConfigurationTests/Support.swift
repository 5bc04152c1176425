import Testing

@testable import WeirConfiguration

/// A configuration of a text, with no environment but the one given.
func configuration(_ yaml: String, _ environment: [String: String] = [:]) throws(ConfigurationError) -> Configuration {
    try Configuration(yaml: yaml, environment: environment)
}

/// What is said of a text that is no configuration.
func errors(_ yaml: String, _ environment: [String: String] = [:]) -> String {
    do throws(ConfigurationError) {
        _ = try configuration(yaml, environment)
        return "accepted"
    } catch {
        return error.description
    }
}
