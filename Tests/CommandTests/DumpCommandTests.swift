import Foundation
import Testing
import WeirBatch
import WeirTestSupport

@Suite("weir dump as a command")
struct DumpCommandTests {
    // MARK: - Inputs

    @Test("standard input is read like files one after the other")
    func standardInput() throws {
        let folder = try ShopFiles.folder()
        let files = try Command.weir("dump", folder.path)
        let piped = try Command.weir("dump", "-", input: try ShopFiles.first() + ShopFiles.second())
        #expect(piped.output == files.output)
        #expect(piped.status == 0)
    }

    @Test("files that are named are read in the order named")
    func files() throws {
        let folder = try ShopFiles.folder()
        let (first, second) = (folder.path(ShopFiles.firstName), folder.path(ShopFiles.secondName))
        let result = try Command.weir("dump", "--batches", second, first)
        #expect(result.status == 0)
        let streams = result.output.split(separator: "\n").filter { $0.hasPrefix("stream ") }
        #expect(streams.map { $0.hasPrefix("stream 5747120000000002") } == [true, false])
    }

    @Test("without arguments weir-data is read, and without that it is wrong usage")
    func defaultDirectory() throws {
        let folder = try TemporaryDirectory()
        let missing = try Command.weir("dump", in: folder)
        #expect(missing.status == 64)
        #expect(missing.errors.contains("no weir-data here"))
        try FileManager.default.createDirectory(at: folder.url("weir-data"), withIntermediateDirectories: true)
        try folder.write(try ShopFiles.second(), to: "weir-data/" + ShopFiles.secondName)
        let found = try Command.weir("dump", in: folder)
        #expect(found.status == 0)
        #expect(found.output.contains("http/latency"))
    }

    @Test("an empty directory says so on stderr and is no failure")
    func empty() throws {
        let folder = try TemporaryDirectory()
        let result = try Command.weir("dump", folder.path)
        #expect(result.status == 0)
        #expect(result.output == "")
        #expect(result.errors.hasPrefix("weir: no batches"))
        let csv = try Command.weir("dump", folder.path, "--format", "csv")
        #expect(csv.output.hasPrefix("name,unit,tags,"))
        let openMetrics = try Command.weir("dump", folder.path, "--format", "openmetrics")
        #expect(openMetrics.output == "# EOF\n")
    }

    @Test("batches without headers are shown, as of a stream without a name")
    func headless() throws {
        var encoder = try BatchEncoder()
        let payloads = try encoder.encode(ShopBatches.batch(1)).bytes + encoder.encode(ShopBatches.batch(2)).bytes
        let result = try Command.weir("dump", "-", "--batches", input: payloads)
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("stream 00000000000000000000000000000000\n  #1  2026-11-24T13:00:10.000Z"))
        #expect(result.output.contains("\n  #2  2026-11-24T13:00:20.000Z"))
        let json = try Command.weir("dump", "-", "--format", "json", "--match", "http/bytes", input: payloads)
        #expect(json.output.contains("\"value\":3072000,"))
    }

    @Test("--since and --until choose batches by the time in their header")
    func times() throws {
        let folder = try ShopFiles.folder()
        let result = try Command.weir(
            "dump", folder.path, "--batches", "--since", "2026-11-24T13:00:20Z", "--until", "2026-11-24T14:01:10+01:00")
        #expect(result.status == 0)
        #expect(result.output.matches(of: /(?m)^  #(\d)/).map { String($0.1) } == ["2", "5", "7"])
        let none = try Command.weir("dump", folder.path, "--until", "1970-01-01")
        #expect(none.output == "")
        #expect(none.errors.contains("no batches"))
    }

    // MARK: - Damage

    /// Where the second frame of the first file begins.
    private func secondFrame() throws -> Int {
        try ShopFiles.frame(ShopBatches.batch(1), 1).count
    }

    @Test("a damaged batch is reported with file and offset, and the rest is shown")
    func damaged() throws {
        let folder = try ShopFiles.folder()
        var bytes = try ShopFiles.first()
        let offset = try secondFrame()
        let length = try ShopFiles.frame(ShopBatches.batch(2), 2).count
        bytes[offset + length - 20] ^= 0x10
        try folder.write(bytes, to: ShopFiles.firstName)
        let result = try Command.weir("dump", folder.path, "--batches", "--format", "json", "--match", "pool/open")
        #expect(result.status == 3)
        #expect(result.output.matches(of: /"batch":(\d+)}/).map { String($0.1) } == ["1", "5", "7", "1", "2"])
        let path = folder.path(ShopFiles.firstName)
        #expect(result.errors.hasPrefix("weir: \(path): byte \(offset): damaged: "))
        #expect(result.errors.contains("lost: batch #2 of stream 57471200 until 2026-11-24T13:00:20.000Z, 12 rows"))
    }

    @Test("a damaged header costs its batch, which then is missing")
    func damagedHeader() throws {
        let folder = try TemporaryDirectory()
        var bytes = try ShopFiles.first()
        bytes[try secondFrame() + 20] ^= 0x10
        try folder.write(bytes, to: ShopFiles.firstName)
        let result = try Command.weir("dump", folder.path, "--batches")
        #expect(result.status == 3)
        #expect(result.errors.contains(": byte \(try secondFrame()): damaged: header checksum"))
        #expect(result.output.contains("  #7  "))
        #expect(result.output.contains("missing #2, and nothing says why"))
    }

    @Test("a cut-off frame is a note at the end of the newest file and damage at the end of another")
    func torn() throws {
        let folder = try ShopFiles.folder()
        let whole = try ShopFiles.second()
        let cut = whole.count - 300
        try folder.write(Array(whole[..<cut]), to: ShopFiles.secondName)
        let newest = try Command.weir("dump", folder.path, "--batches")
        #expect(newest.status == 0)
        #expect(newest.errors.contains("\(ShopFiles.secondName): byte "))
        #expect(newest.errors.contains("a batch is unfinished"))
        #expect(newest.output.contains("57471200000000020"))

        try folder.write(Array(try ShopFiles.first().dropLast(10)), to: ShopFiles.firstName)
        for arguments in [[folder.path], [folder.path(ShopFiles.firstName)]] {
            let older = try Program.run(Command.weirPath, ["dump", "--batches"] + arguments)
            #expect(older.status == 3)
            #expect(older.errors.contains("\(ShopFiles.firstName): byte "))
            #expect(older.errors.contains("damaged: cut off"))
            #expect(older.output.contains("  lost #7: damaged"))
        }
        let piped = try Command.weir("dump", "-", input: Array(try ShopFiles.first().dropLast(10)))
        #expect(piped.status == 3)
        #expect(piped.errors.hasPrefix("weir: standard input: byte "))
    }

    @Test("a cut-off frame is a note, too, at the end of an older file whose writer has it locked")
    func locked() throws {
        let folder = try ShopFiles.folder()
        try folder.write(Array(try ShopFiles.first().dropLast(10)), to: ShopFiles.firstName)
        let writer = try FileHandle(forUpdating: folder.url(ShopFiles.firstName))
        try #require(flock(writer.fileDescriptor, LOCK_EX | LOCK_NB) == 0)
        let live = try Command.weir("dump", folder.path, "--batches")
        #expect(live.status == 0)
        #expect(live.errors.contains("\(ShopFiles.firstName): byte "))
        #expect(live.errors.contains("a batch is unfinished"))
        try writer.close()
        #expect(try Command.weir("dump", folder.path, "--batches").status == 3)
    }

    @Test("a file that is none of Weir's is damage from its first byte")
    func foreign() throws {
        let folder = try TemporaryDirectory()
        try folder.write(Array("not a batch file at all\n".utf8), to: "notes.txt")
        let result = try Command.weir("dump", folder.path("notes.txt"))
        #expect(result.status == 3)
        #expect(result.errors.contains("notes.txt: byte 0: damaged: "))
        #expect(result.errors.contains("lost: 24 bytes"))
    }

    @Test("what cannot be opened is named, the rest shown, and the exit code 2")
    func missing() throws {
        let folder = try ShopFiles.folder()
        let result = try Command.weir("dump", folder.path("nothing.weir.zst"), folder.path)
        #expect(result.status == 2)
        #expect(result.errors == "weir: \(folder.path("nothing.weir.zst")): open: No such file or directory\n")
        #expect(result.output.contains("http/latency"))
    }

    // MARK: - Usage

    @Test("a selector that cannot be read is shown with a caret")
    func selector() throws {
        let folder = try ShopFiles.folder()
        let result = try Command.weir("dump", folder.path, "--match", "http/latency{http.route=/users}")
        #expect(result.status == 64)
        #expect(
            result.errors.contains(
                "expected a quoted value, found '/'\n  http/latency{http.route=/users}\n                          ^\n"))
        #expect(result.output == "")
    }

    @Test(
        "wrong usage is exit code 64 and a word why",
        arguments: [
            (["--since", "yesterday"], "found 'yesterday'"), (["--format", "xml"], "xml"),
            (["--format", "openmetrics", "--follow"], "OpenMetrics"),
            (["--format", "openmetrics", "--batches"], "OpenMetrics"), (["--color", "perhaps"], "perhaps"),
        ])
    func usage(arguments: [String], word: String) throws {
        let folder = try ShopFiles.folder()
        let result = try Program.run(Command.weirPath, ["dump", folder.path] + arguments)
        #expect(result.status == 64)
        #expect(result.errors.contains(word))
    }

    @Test("--help shows examples and exit codes")
    func help() throws {
        let result = try Command.weir("dump", "--help")
        #expect(result.status == 0)
        for word in ["EXAMPLES", "SELECTORS", "EXIT CODES", "weir dump --since 10m", "--follow"] {
            #expect(result.output.contains(word))
        }
    }

    // MARK: - Output

    @Test("a pipe that nobody reads ends the dump quietly")
    func brokenPipe() throws {
        let folder = try ShopFiles.folder()
        let process = Program.process(
            Command.weirPath, ["dump", folder.path, "--batches", "--format", "json"])
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try output.fileHandleForReading.close()
        try process.run()
        try errors.fileHandleForWriting.close()
        #expect(errors.fileHandleForReading.readDataToEndOfFile().isEmpty)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        #expect(process.terminationStatus == 0)
    }

    @Test("an output that takes nothing is an error", .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func fullDevice() throws {
        let folder = try ShopFiles.folder()
        let process = Program.process(Command.weirPath, ["dump", folder.path])
        let errors = Pipe()
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: "/dev/full"))
        process.standardError = errors
        try process.run()
        try errors.fileHandleForWriting.close()
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 2)
        #expect(said == "weir: standard output: No space left on device\n")
    }

    @Test("colour is for terminals, unless NO_COLOR or the option says otherwise")
    func colour() throws {
        let folder = try ShopFiles.folder()
        #expect(try !Command.weir("dump", folder.path).output.contains("\u{1B}["))
        #expect(try Command.weir("dump", folder.path, "--color", "always").output.contains("\u{1B}["))
        #expect(try onTerminal(["dump", folder.path], ["NO_COLOR": "", "TERM": "xterm"]).contains("\u{1B}["))
        #expect(try !onTerminal(["dump", folder.path], ["NO_COLOR": "1", "TERM": "xterm"]).contains("\u{1B}["))
        #expect(try !onTerminal(["dump", folder.path], ["NO_COLOR": "", "TERM": "dumb"]).contains("\u{1B}["))
        #expect(
            try !onTerminal(["dump", folder.path, "--color", "never"], ["NO_COLOR": "", "TERM": "xterm"])
                .contains("\u{1B}["))
    }

    /// What `weir` prints to a terminal.
    private func onTerminal(_ arguments: [String], _ environment: [String: String]) throws -> String {
        try PseudoTerminal().run(Program.process(Command.weirPath, arguments, environment: environment))
    }
}
