internal import Foundation

/// What an exporter's README shows, to be run as it is written.
package enum ReadmeSample {
    /// The configuration: the first YAML block, with what differs on this machine put in its place.
    ///
    /// - Parameters:
    ///   - plugin: A folder of `Plugins`.
    ///   - changes: Each must be in the text.
    package static func yaml(of plugin: String, _ changes: [String: String] = [:]) throws -> String {
        try block("yaml", of: plugin, changes)
    }

    /// The text of the first block in a language, likewise.
    package static func block(
        _ language: String, of plugin: String, _ changes: [String: String] = [:]
    ) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "Plugins/\(plugin)/README.md")
        let parts = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "```\(language)\n")
        guard parts.count > 1, let block = parts[1].components(separatedBy: "```").first else {
            throw Missing(what: "a block of \(language)", file: file.path)
        }
        return try changes.reduce(block) { text, change in
            guard text.contains(change.key) else { throw Missing(what: change.key, file: file.path) }
            return text.replacing(change.key, with: change.value)
        }
    }

    /// The document does not show it.
    package struct Missing: Error, Equatable {
        package let what: String
        package let file: String
    }
}
