internal import Foundation

/// Whether what a test needs is on this machine. Where `WEIR_EXPECT_SERVERS` is 1 the answer is always yes, so that a
/// missing server fails its tests instead of passing over them.
package enum Installed {
    private static let isExpected = ProcessInfo.processInfo.environment["WEIR_EXPECT_SERVERS"] == "1"

    /// A program in `PATH`.
    package static func program(_ name: String) -> Bool {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return isExpected
            || path.split(separator: ":").contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }

    /// A program at a path.
    package static func file(_ path: String) -> Bool {
        isExpected || FileManager.default.isExecutableFile(atPath: path)
    }

    /// Modules that `python3` can import.
    package static func pythonModules(_ names: String...) -> Bool {
        isExpected || (try? Program.shell("python3 -c \"import $0\"", names.joined(separator: ",")).status) == 0
    }

    /// The folder of an installed Python module, where wheels keep the programs they bring.
    package static func folder(ofPythonModule name: String) throws -> String {
        let script = "import importlib.util as u; print(list(u.find_spec('\(name)').submodule_search_locations)[0])"
        let output = try Program.run("/usr/bin/env", ["python3", "-c", script]).output
        return output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
