internal import Foundation

/// How large long tests are: `WEIR_TEST_SCALE`, 1 where it is not set.
package let testScale = ProcessInfo.processInfo.environment["WEIR_TEST_SCALE"].flatMap(Int.init) ?? 1

/// A directory of a test's own, removed with its contents when the test lets it go.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "weir-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The names in it, or in a directory below it, in order.
    package func names(in folder: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path + "/" + folder).sorted()
    }
}
