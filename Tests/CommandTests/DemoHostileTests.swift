import Foundation
import Testing
import WeirTestSupport

@Suite("weir demo on trees that are not friendly")
struct DemoHostileTests {
    private let folder: TemporaryDirectory
    private let root: String
    private let batches: String

    init() throws {
        folder = try TemporaryDirectory()
        root = folder.path + "/tree"
        batches = folder.path + "/batches"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    /// How many files `find` finds, and how many bytes it says they have.
    private func found() throws -> (files: Int, bytes: Int) {
        let sizes = try Program.shell(#"find "$0" -type f -printf '%s\n'"#, root).output.split(separator: "\n")
        return (sizes.count, sizes.compactMap { Int($0) }.reduce(0, +))
    }

    private func write(_ count: Int, to name: String) throws {
        try Data(repeating: 7, count: count).write(to: URL(filePath: root + "/" + name))
    }

    @Test("a tree deeper than a path may be long, and than descriptors reach, is done in full", arguments: [1, 3])
    func deep(workers: Int) throws {
        var directory = unsafe open(root, O_RDONLY | O_DIRECTORY)
        let long = String(repeating: "d", count: 200)
        for level in 0..<150 {
            // Beside the way down there is always another directory that waits.
            for name in ["side", long] { #expect(unsafe mkdirat(directory, name, 0o755) == 0) }
            for name in ["side/\(level).txt", "\(level).bin"] {
                let file = unsafe openat(directory, name, O_WRONLY | O_CREAT, 0o644)
                #expect(unsafe Foundation.write(file, name, name.utf8.count) == name.utf8.count)
                close(file)
            }
            let next = unsafe openat(directory, long, O_RDONLY | O_DIRECTORY)
            close(directory)
            directory = next
        }
        close(directory)
        defer { _ = try? Program.shell("rm -rf \"$0\"", root) }

        let result = try Program.shell(
            "ulimit -n 40; exec \"$0\" demo \"$1\" --workers \"$3\" --directory \"$2\"", Command.weirPath, root,
            batches,
            "\(workers)")
        #expect(result.status == 0, "\(result.errors)")
        let found = try found()
        #expect(found.files == 300)
        #expect(result.output.contains("exactly: \(found.files) files, \(found.bytes) bytes in"))
    }

    @Test("names that are not UTF-8, or the same to people only, are series of their own")
    func names() throws {
        let script = #"""
            cd "$0"
            printf 1 > "$(printf 'a.\351t\351')"
            printf 22 > "$(printf 'composed.\303\251')"
            printf 333 > "$(printf 'decomposed.e\314\201')"
            printf 4444 > "$(printf 'escape.\033[31m')"
            printf 55555 > ..double
            printf 666666 > "$(printf 'line.a\nb')"
            """#
        #expect(try Program.shell(script, root).status == 0)
        let result = try Command.weir("demo", root, "--directory", batches)
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(result.output.contains("exactly: 6 files, 21 bytes in"))
        #expect(!result.output.contains("\u{1B}"))

        let json = try Command.weir("dump", batches, "--format", "json", "--match", "demo.input").output
        let lines = json.split(separator: "\n").map { Array($0.utf8) }
        for (name, bytes) in [
            ("\u{FFFD}t\u{FFFD}", 1), ("\u{E9}", 2), ("e\u{301}", 3), (#"\u001b[31m"#, 4), ("double", 5), (#"a\nb"#, 6),
        ] {
            let tag = Array("{\"extension\":\"\(name)\"}".utf8)
            let own = lines.filter { $0.contains(tag) }
            #expect(own.count == 1, "\(name)")
            #expect(own.allSatisfy { $0.contains(Array("\"value\":\(bytes),".utf8)) })
        }
    }

    /// Whether a process without capabilities can be started, which root's own files can be closed to.
    private static let canDropCapabilities: Bool = {
        let script = "exec setpriv --bounding-set=-all --inh-caps=-all true"
        return getuid() != 0 || (try? Program.shell(script))?.status == 0
    }()

    @Test("what must not be read is warned of and counted, and the rest is exact", .enabled(if: canDropCapabilities))
    func forbidden() throws {
        try FileManager.default.createDirectory(atPath: root + "/closed", withIntermediateDirectories: true)
        for name in ["open.txt", "closed.txt", "closed/within.txt"] { try write(1_000, to: name) }
        for name in ["closed.txt", "closed"] { unsafe chmod(root + "/" + name, 0) }
        defer { unsafe chmod(root + "/closed", 0o755) }
        let drop = getuid() == 0 ? "setpriv --bounding-set=-all --inh-caps=-all " : ""
        let result = try Program.shell(
            "exec \(drop)\"$0\" demo \"$1\" --directory \"$2\"", Command.weirPath, root, batches)
        #expect(result.status == 3, "\(result.errors)")
        #expect(result.output.contains("exactly: 1 file, 1000 bytes in"))
        #expect(result.output.contains("not in it: 1 file of 1000 bytes that could not be read"))
        #expect(result.output.contains("not in it: what is in 1 directory that could not be read"))
        for name in ["closed.txt", "closed"] {
            #expect(result.errors.contains("weir: \(root)/\(name): Permission denied\n"))
        }
        let errors = try Command.weir("dump", batches, "--format", "json", "--match", "demo.errors").output
        #expect(errors.contains(#""tags":{"reason":"permission"}"#))
        #expect(errors.contains("\"value\":2,"))
    }

    @Test(
        "a file that is not of the size that stat says is counted by what was read, and a line says so",
        .enabled(if: FileManager.default.fileExists(atPath: "/proc/version")))
    func sizeless() throws {
        let size = try Program.shell("cat /proc/version | wc -c").output.filter(\.isNumber)
        let result = try Command.weir("demo", "/proc/version", "--directory", batches)
        #expect(result.status == 0)
        #expect(result.output.contains("exactly: 1 file, \(size) bytes in"))
        #expect(result.output.contains("not of the size that stat said: 1 file, +\(size) bytes in all"))
    }

    @Test("interrupted within a file that takes minutes, it ends at the next block", arguments: [SIGINT, SIGTERM])
    func hugeFile(signal: Int32) throws {
        try write(0, to: "huge.bin")
        #expect(unsafe truncate(root + "/huge.bin", 1 << 40) == 0)
        let process = Program.process(Command.weirPath, ["demo", root, "--directory", batches, "--every", "0.01"])
        let output = Pipe()
        process.standardOutput = output
        process.standardError = Pipe()
        try process.run()
        // The first batch says that the handler is set and that workers run.
        while (try? folder.names(in: "batches").isEmpty) ?? true { usleep(10_000) }
        kill(process.processIdentifier, signal)
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        #expect(process.terminationStatus == 130)
        // A file that was not read to its end is none.
        #expect(text.contains("exactly: 0 files, 0 bytes in"))
        #expect(text.contains("interrupted: the tree has more"))
        #expect(try Command.weir("dump", batches).output.contains(", ended"))
    }

    @Test("a link that is named is followed, and the directory of the batches is refused")
    func roots() throws {
        try write(10, to: "file.txt")
        for (link, target) in [("/link", root), ("/link.md", root + "/file.txt")] {
            try FileManager.default.createSymbolicLink(atPath: folder.path + link, withDestinationPath: target)
            let result = try Command.weir("demo", folder.path + link, "--directory", batches)
            #expect(result.status == 0)
            #expect(result.output.contains("exactly: 1 file, 10 bytes in"))
        }
        let own = try Command.weir("demo", batches, "--directory", batches)
        #expect(own.status == 2)
        #expect(own.errors == "weir: \(batches): the batches are written there; choose another --directory\n")
    }

    @Test("a pipe that nobody reads, and a terminal that shows progress, change nothing")
    func outputs() throws {
        try write(10, to: "file.txt")
        let script = "{ \"$0\" demo \"$1\" --directory \"$2\"; echo $? >&2; } | :"
        #expect(try Program.shell(script, Command.weirPath, root, batches).errors == "0\n")

        let terminal = try PseudoTerminal()
        let process = Program.process(Command.weirPath, ["demo", root, "--directory", batches])
        process.standardError = terminal.inner
        let shown = try terminal.run(process)
        #expect(shown.contains("0 batches"))
        #expect(shown.contains("exactly: 1 file, 10 bytes in"))
    }
}
