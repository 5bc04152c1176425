import Foundation
import Testing

@testable import WeirConfiguration

/// What documents show is what a program reads.
@Suite("Configurations in documents")
struct DocumentationTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The README, those of plugins, and the documentation's articles.
    private static var documents: [URL] {
        let manager = FileManager.default
        func children(_ folder: String) -> [URL] {
            ((try? manager.contentsOfDirectory(at: root.appending(path: folder), includingPropertiesForKeys: nil)) ?? [])
                .sorted { $0.path < $1.path }
        }
        let plugins = children("Plugins").map { $0.appending(path: "README.md") }
        let articles = children("Sources/Weir/Weir.docc").filter { $0.pathExtension == "md" }
        return ([root.appending(path: "README.md")] + plugins + articles).filter { manager.fileExists(atPath: $0.path) }
    }

    struct Block: CustomTestStringConvertible, Sendable {
        var file: String
        var line: Int
        var text: String
        var testDescription: String { "\(file):\(line)" }
    }

    static let blocks: [Block] = documents.flatMap { document -> [Block] in
        guard let text = try? String(contentsOf: document, encoding: .utf8) else { return [] }
        var blocks: [Block] = []
        var open: Block?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let trimmed = line.trimmingCharacters(in: .whitespaces)
            if trimmed == "```", let block = open {
                blocks.append(block)
                open = nil
            } else if trimmed == "```yaml" {
                open = Block(file: document.path.replacing(root.path + "/", with: ""), line: index + 2, text: "")
            } else {
                open?.text += line + "\n"
            }
        }
        return blocks
    }

    @Test("every configuration in a document is one", arguments: blocks)
    func block(_ block: Block) {
        // Lines of errors are those of the document.
        let text = String(repeating: "\n", count: block.line - 1) + block.text
        do throws(ConfigurationError) {
            _ = try Configuration(yaml: text, file: block.file, environment: [:])
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test("the README shows one")
    func readme() {
        #expect(Self.blocks.contains { $0.file == "README.md" })
    }
}
