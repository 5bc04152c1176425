import Foundation
import Testing
import WeirTestSupport

@Suite("A plugin's process and the application's signals")
struct ApplicationSignalTests {
    /// What the probe prints, built beside the tests.
    private func probe(_ mode: String) throws -> [String] {
        let directory = try TemporaryDirectory()
        let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let probe = Process()
        let output = Pipe()
        probe.executableURL = URL(filePath: executable).deletingLastPathComponent().appending(path: "WeirPluginProbe")
        probe.arguments = [mode, try FaultyPlugin.path, directory.path + "/journal"]
        probe.standardOutput = output
        try probe.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        probe.waitUntilExit()
        #expect(probe.terminationReason == .exit && probe.terminationStatus == 0)
        let journal = try String(contentsOfFile: directory.path + "/journal", encoding: .utf8)
        #expect(journal.hasPrefix("1 1 1\n2 1 1\n") && journal.hasSuffix("closed\n"))
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test("where the application ignores its children, or waits for all of them, a crash is still seen and survived")
    func children() throws {
        for mode in ["ignore", "reap"] {
            #expect(
                try probe(mode) == [
                    "delivered", "the plugin crashed: its process ended, and nobody knows how", "delivered",
                    "another process",
                ])
        }
    }

    @Test("an interrupt from the terminal reaches the application alone")
    func interrupt() throws {
        #expect(try probe("interrupt") == ["delivered", "delivered", "delivered", "same process"])
    }
}
