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

    @Test("where the application ignores its children, a crash is still seen and survived")
    func ignored() throws {
        #expect(
            try probe("ignore") == [
                "delivered", "the plugin crashed: its process ended, and nobody knows how", "delivered",
                "another process",
            ])
    }

    @Test("where the application waits for whatever child there is, a crash is still seen and survived")
    func reaped() throws {
        let lines = try probe("reap")
        // Either may be the first to wait for it.
        let ends = ["ended, and nobody knows how", "was ended by signal 9 (SIGKILL)"]
        #expect(ends.map { "the plugin crashed: its process " + $0 }.contains(lines.dropFirst().first))
        #expect(lines.count == 4 && lines[0] == "delivered" && lines[2...] == ["delivered", "another process"])
    }

    @Test("an interrupt from the terminal reaches the application alone")
    func interrupt() throws {
        #expect(try probe("interrupt") == ["delivered", "delivered", "delivered", "same process"])
    }
}
