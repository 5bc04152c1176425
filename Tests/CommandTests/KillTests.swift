import Foundation
import Testing
import WeirTestSupport

@Suite("A process that is killed while it exports")
struct KillTests {
    /// 200 kills at `WEIR_TEST_SCALE=67`.
    @Test("leaves files in which nothing is missing without a word, and the next one goes on beside them")
    func killed() throws {
        let tree = try DemoTree(files: 5, seed: 31)
        for run in 1...3 * testScale {
            let batches = try TemporaryDirectory()
            let process = Program.process(
                Command.weirPath,
                ["demo", "/usr", "--level", "19", "--every", "0.001", "--quiet", "--directory", batches.path])
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            // At another byte from run to run, whatever is being done then.
            while size(of: batches) < run * 7_919 % 60_000 + 1 { usleep(200) }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            #expect(process.terminationReason == .uncaughtSignal)

            let next = try Command.weir("demo", tree.root, "--directory", batches.path)
            #expect(next.status == 0, "\(next.errors)")
            let check = try Command.weir("check", batches.path)
            // A frame that was cut short is damage; a stream without its end mark is what a kill leaves.
            #expect(check.status == 5 || (check.status == 3 && check.errors.contains("torn")), "\(check.output)")
            #expect(check.output.contains("no end mark"), "\(check.output)")
            #expect(!check.output.contains("nothing says why"), "\(check.output)")
            #expect(!check.output.contains("again"), "\(check.output)")
        }
    }

    private func size(of directory: TemporaryDirectory) -> Int {
        let names = (try? directory.names()) ?? []
        return names.reduce(0) { sum, name in
            let facts = try? FileManager.default.attributesOfItem(atPath: directory.path(name))
            return sum + (facts?[.size] as? Int ?? 0)
        }
    }
}
