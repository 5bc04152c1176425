import Foundation
import Testing

/// Compares an output to the letter. With WEIR_UPDATE_GOLDEN=1 what was found is written into the sources, and a person
/// reads the difference.
///
/// Read from the sources, since a build does not always notice that a file in a copied folder changed.
func expectGolden(_ name: String, _ text: String, _ location: SourceLocation = #_sourceLocation) throws {
    let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/\(name)")
    if ProcessInfo.processInfo.environment["WEIR_UPDATE_GOLDEN"] == "1" { try Data(text.utf8).write(to: golden) }
    let expected = String(decoding: try Data(contentsOf: golden), as: UTF8.self)
    for (line, (found, wanted)) in zip(
        text.split(separator: "\n", omittingEmptySubsequences: false),
        expected.split(separator: "\n", omittingEmptySubsequences: false)
    ).enumerated() {
        #expect(found == wanted, "line \(line + 1) of \(name)", sourceLocation: location)
    }
    #expect(text == expected, sourceLocation: location)
}
