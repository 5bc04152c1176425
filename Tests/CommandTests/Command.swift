import Foundation
import WeirTestSupport

/// Runs the built `weir` as a user does, and other programs beside it.
struct Command {
    typealias Result = Program.Result

    /// The folder of the built products: that of the test's own executable.
    private static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent()

    static var weirPath: String { products.appendingPathComponent("weir").path }

    /// Runs `weir` to its end.
    static func weir(
        _ arguments: String..., input: [UInt8] = [], environment: [String: String] = [:],
        in directory: TemporaryDirectory? = nil
    ) throws -> Result {
        try Program.run(weirPath, arguments, input: input, environment: environment, in: directory)
    }
}
