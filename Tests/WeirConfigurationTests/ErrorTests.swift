import Foundation
import Testing

@testable import WeirConfiguration

/// Each `Fixtures/Errors/<name>.yaml` is wrong in one way or several, and beside it stands what is said of it. To write
/// those anew, after a look at what changes: `WEIR_WRITE_GOLDEN=1 swift test --filter WeirConfigurationTests`.
@Suite("Errors of a configuration")
struct ErrorTests {
    /// Of the sources, so that they can be written.
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/Errors")

    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix(".yaml") }.sorted()

    /// Nothing of these may be seen.
    static let environment = ["REGION": "classified", "HOME": "classified"]

    static func error(_ name: String) throws -> ConfigurationError? {
        let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        do throws(ConfigurationError) {
            _ = try Configuration(yaml: text, file: name, environment: environment)
            return nil
        } catch {
            return error
        }
    }

    @Test("what is said of a file is what stands beside it", arguments: names)
    func golden(name: String) throws {
        let error = try Self.error(name)
        let said = try #require(error).description + "\n"
        let file = Self.folder.appending(path: name.replacing(".yaml", with: ".txt"))
        if ProcessInfo.processInfo.environment["WEIR_WRITE_GOLDEN"] != nil {
            try said.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(said == (try String(contentsOf: file, encoding: .utf8)))
        #expect(!said.contains("classified"))
        #expect(said.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
    }

    @Test("every kind of error that a text can have stands in a file")
    func everyKind() throws {
        let found = try Set(
            Self.names.flatMap { name in
                try Self.error(name)?.problems.map { "\($0.fault)".prefix { $0 != "(" }.description } ?? []
            })
        let expected: Set = [
            "syntax", "empty", "keyIsNoText", "tag", "repeatedKey", "unknownKey", "missingKey", "wrongValue",
            "conflict",
            "missingVariable", "badReference",
        ]
        // The others need what no file of a repository should be; they have tests of their own.
        #expect(expected.subtracting(found) == [])
    }

    @Test("problems say where they are, by keys too")
    func parts() throws {
        let yaml = "sinks:\n  file: {exporter: file, settings: {directory: d}, polcy: x}\n"
        let error = #expect(throws: ConfigurationError.self) { try configuration(yaml) }
        let problem = try #require(error?.problems.first)
        #expect(error?.problems.count == 1)
        #expect(problem.place == .line(2, column: 52))
        #expect(problem.path == "sinks.file")
        guard case .unknownKey("polcy", "policy", let known) = problem.fault else {
            Issue.record("found \(problem.fault)")
            return
        }
        #expect(known.contains("timeout"))
    }

    @Test("what the environment overrides is told by its variable, without its value, and unknown ones are")
    func overrides() {
        let yaml = "interval: 10s\nsinks:\n  my-file: {exporter: file, settings: {directory: d}}\n"
        let said = errors(
            yaml,
            [
                "WEIR_INTERVAL": "classified", "WEIR_SINKS_MY_FILE_POLICY": "classified",
                "WEIR_SINKS_MY_FILE_SETTINGS_ROTATE_BYTES": "classified", "WEIR_SINKS_MY_FIEL_TIMEOUT": "classified",
                "WEIR_TEST_SCALE": "5",
            ])
        let lines = said.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(
            lines.contains(
                """
                environment variable WEIR_INTERVAL: error: interval: expected a duration such as 500ms, 10s or 1h, from \
                1ms to 366d, found another value
                """))
        #expect(
            lines.contains(
                """
                environment variable WEIR_SINKS_MY_FIEL_TIMEOUT: error: overrides nothing: did you mean \
                WEIR_SINKS_MY_FILE_TIMEOUT?
                """))
        #expect(!said.contains("classified"))
    }

    @Test("a file that cannot be read is told with the reason")
    func unreadable() {
        #expect(throws: ConfigurationError.self) { try Configuration(contentsOf: "/proc/1/mem") }
        let error = #expect(throws: ConfigurationError.self) { try Configuration(contentsOf: "/nowhere/weir.yaml") }
        #expect(error?.description == "/nowhere/weir.yaml: error: cannot be read: No such file or directory")
        let folder = #expect(throws: ConfigurationError.self) { try Configuration(contentsOf: "/") }
        #expect(folder?.description == "/: error: cannot be read: Is a directory")
    }
}
