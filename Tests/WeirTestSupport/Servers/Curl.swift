package import Foundation

/// Asks servers as people do.
package enum Curl {
    package static let isInstalled = Installed.program("curl")

    /// What a server answers to a GET; a status that is no success is an error.
    package static func get(_ url: String, _ parameters: [String: String] = [:]) throws -> Data {
        let fields = parameters.flatMap { ["--data-urlencode", "\($0.key)=\($0.value)"] }
        let result = try Program.run("/usr/bin/env", ["curl", "-sSf", "-m", "10", "-G", url] + fields)
        guard result.status == 0 else { throw NoAnswer(url: url, errors: result.errors) }
        return Data(result.output.utf8)
    }

    package struct NoAnswer: Error, Equatable {
        package let url: String
        package let errors: String
    }
}
