import Foundation
import Testing
import WeirTestSupport

@Suite("weir demo as a command")
struct DemoCommandTests {
    @Test("what is recorded is what find and stat say, with any number of workers", arguments: [1, 2, 8])
    func exactTotals(workers: Int) throws {
        let tree = try DemoTree(files: 300 * testScale, seed: 7)
        let batches = try TemporaryDirectory()
        let result = try Command.weir(
            "demo", tree.root, "--workers", "\(workers)", "--directory", batches.path, "--all")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("recorded is counted, exactly"))

        let recorded = try DemoTree.recorded(in: batches.path)
        #expect(recorded == tree.totals)
        #expect(recorded.values.reduce(0) { $0 + $1.files } == tree.count)
    }

    @Test("a second run into the same directory counts for itself")
    func restart() throws {
        let tree = try DemoTree(files: 40, seed: 8)
        let batches = try TemporaryDirectory()
        for _ in 0..<2 {
            let result = try Command.weir("demo", tree.root, "--directory", batches.path)
            #expect(result.status == 0)
            #expect(result.output.contains("exactly: \(tree.count) files"))
        }
    }

    @Test("the directory of the batches is left out where it is in the tree")
    func batchesWithinTheDemoTree() throws {
        let tree = try DemoTree(files: 25, seed: 9)
        let result = try Command.weir("demo", tree.root, "--directory", tree.root + "/batches")
        #expect(result.status == 0)
        #expect(result.output.contains("exactly: \(tree.count) files"))
        #expect(result.errors.contains("left out"))
    }

    @Test("a single file is a tree of one")
    func singleFile() throws {
        let folder = try TemporaryDirectory()
        try Data(repeating: 65, count: 100_000).write(to: URL(filePath: folder.path + "/only.txt"))
        let result = try Command.weir("demo", folder.path + "/only.txt", "--directory", folder.path + "/batches")
        #expect(result.status == 0)
        #expect(result.output.contains("exactly: 1 file, 100000 bytes in"))
    }

    @Test("what cannot be begun is said with its reason")
    func refusals() throws {
        let folder = try TemporaryDirectory()
        let missing = try Command.weir("demo", folder.path + "/missing", "--directory", folder.path + "/batches")
        #expect(missing.status == 2)
        #expect(missing.errors.contains("/missing: No such file or directory"))
        let device = try Command.weir("demo", "/dev/null", "--directory", folder.path + "/batches")
        #expect(device.status == 2)
        #expect(device.errors.contains("expected a directory or a regular file"))
        #expect(try Command.weir("demo", folder.path, "--workers", "0").status == 64)
    }

    @Test("a tree of more directories than a process may open is done in full")
    func manyDirectories() throws {
        let folder = try TemporaryDirectory()
        for number in 0..<300 {
            let directory = folder.path + "/tree/d\(number)"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try Data(repeating: 1, count: number).write(to: URL(filePath: directory + "/file.bin"))
        }
        let result = try Program.shell(
            "ulimit -n 40; exec \"$0\" demo \"$1\" --workers 1 --directory \"$2\"", Command.weirPath,
            folder.path + "/tree", folder.path + "/batches")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("exactly: 300 files, \(299 * 300 / 2) bytes in"))
    }

    @Test("interrupted, it ends with the totals so far and an orderly stream")
    func interrupted() throws {
        let batches = try TemporaryDirectory()
        // A tree that takes longer than anybody waits: the whole system, at a slow level.
        let process = Program.process(Command.weirPath, ["demo", "/usr", "--level", "19", "--directory", batches.path])
        let output = Pipe()
        process.standardOutput = output
        process.standardError = Pipe()
        try process.run()
        // The file appears when exporting has begun; the handler was set before.
        while try batches.names().isEmpty { usleep(10_000) }
        process.interrupt()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 130)
        #expect(text.contains("interrupted: the tree has more"))
        #expect(text.contains("recorded is counted, exactly"))
        #expect(try Command.weir("dump", batches.path).output.contains(", ended"))
    }
}
