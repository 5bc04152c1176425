import Foundation
import Testing
import WeirBatch
import WeirTestSupport

@Suite("weir check as a command")
struct CheckCommandTests {
    /// The output with the folder's own name in place of where it is.
    private func check(_ folder: TemporaryDirectory, _ paths: String...) throws -> Command.Result {
        var result = try Program.run(Command.weirPath, ["check"] + (paths.isEmpty ? [folder.path] : paths))
        result.output = result.output.replacingOccurrences(of: folder.path, with: "FOLDER")
        return result
    }

    private func gap(_ first: UInt64, _ last: UInt64, _ cause: Gap.Cause) -> Gap {
        Gap(
            first: first, last: last, batches: last - first + 1, rows: 11 * (last - first + 1),
            startTime: ShopBatches.begin, endTime: ShopBatches.begin + ShopBatches.second, cause: cause)
    }

    /// Frames of the shop's batches with headers as a test wants them.
    private func frames(_ headers: [(numbers: ClosedRange<UInt64>, part: UInt32, parts: UInt32, gaps: [Gap])]) throws
        -> [UInt8]
    {
        var bytes: [UInt8] = []
        for (numbers, part, parts, gaps) in headers {
            var encoder = try BatchEncoder()
            let payload = try encoder.encode(ShopBatches.batch(Int(numbers.upperBound)))
            var header = FrameHeader(
                stream: ShopBatches.stream, first: numbers.lowerBound, last: numbers.upperBound, payload: payload)
            (header.part, header.parts) = (part, parts)
            header.gaps = gaps
            bytes += header.encoded() + payload.bytes
        }
        return bytes
    }

    @Test("a pipe, a socket and a device with a batch file's name are named, and hang neither dump nor check")
    func irregular() throws {
        let folder = try ShopFiles.folder()
        let names = ["0-pipe", "1-device", "2-socket"].map { $0 + ".weir.zst" }
        let made = try Program.shell(
            """
            mkfifo "$0/\(names[0])" && ln -s /dev/zero "$0/\(names[1])" &&
            python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$0/\(names[2])"
            """, folder.path)
        #expect(made.status == 0, "\(made.errors)")
        for command in ["dump", "check"] {
            // `timeout` ends what hangs, with 124.
            let all = try Program.run("/usr/bin/timeout", ["60", Command.weirPath, command, folder.path])
            #expect(all.status == 2, "\(command): \(all.errors)")
            for (name, kind) in zip(names, ["a pipe", "a device", "a socket"]) {
                #expect(all.errors.contains("\(name): wanted a regular file, found \(kind)"), "\(all.errors)")
            }
            #expect(!all.output.isEmpty)
            let named = try Program.run(
                "/usr/bin/timeout", ["60", Command.weirPath, command, folder.path(names[0])])
            #expect(named.status == 2 && named.errors.contains("found a pipe"), "\(command): \(named.errors)")
        }
    }

    @Test("the shop's files, of which one number is missing, are shown to the letter")
    func shop() throws {
        let folder = try ShopFiles.folder()
        let result = try check(folder)
        #expect(result.errors == "")
        #expect(result.status == 4)
        try expectGolden("check.txt", result.output)
    }

    @Test("losses by cause, merged batches, parts and repeated ones are counted right")
    func everything() throws {
        let folder = try TemporaryDirectory()
        var bytes = try frames([
            (1...1, 1, 1, []), (2...2, 1, 2, []), (3...3, 2, 2, []),
            (6...6, 1, 1, [gap(4, 5, .overflowOldest)]), (6...6, 1, 1, [gap(4, 5, .overflowOldest)]),
            (7...9, 1, 1, [gap(7, 8, .coalesced)]), (11...11, 1, 3, [gap(10, 10, .rejected)]),
            (13...13, 3, 3, [gap(12, 12, .expired)]),
        ])
        bytes += ShopFiles.endMark(13, stream: ShopBatches.stream, time: ShopBatches.begin)
        try folder.write(bytes, to: ShopFiles.firstName)
        let result = try check(folder)
        #expect(result.errors == "")
        #expect(result.status == 0)
        try expectGolden("check-explained.txt", result.output)
    }

    @Test("a stream without its end mark is exit code 5, unless its file is being written")
    func noEndMark() throws {
        let folder = try TemporaryDirectory()
        try folder.write(try ShopFiles.frame(ShopBatches.batch(1), 1), to: ShopFiles.firstName)
        let dead = try check(folder)
        #expect(dead.status == 5)
        #expect(
            dead.output.contains("\n    no end mark: its process ended without a shutdown, or the rest is not here\n"))
        #expect(dead.output.hasSuffix("\n1 batch of 1 stream: 1 stream without an end mark\n"))

        let writer = try FileHandle(forUpdating: folder.url(ShopFiles.firstName))
        try #require(flock(writer.fileDescriptor, LOCK_EX | LOCK_NB) == 0)
        let live = try check(folder)
        #expect(live.status == 0)
        #expect(live.output.contains("\n    goes on: its file is being written\n"))
        try writer.close()
    }

    @Test("damage is exit code 3, also where a hole comes of it")
    func damage() throws {
        let folder = try ShopFiles.folder()
        var bytes = try ShopFiles.first()
        bytes[try ShopFiles.frame(ShopBatches.batch(1), 1).count - 20] ^= 0x10
        try folder.write(bytes, to: ShopFiles.firstName)
        let result = try check(folder)
        #expect(result.status == 3)
        #expect(result.errors.hasPrefix("weir: \(folder.path(ShopFiles.firstName)): byte 0: damaged: "))
        #expect(result.output.contains("\n    1 batch, 12 rows damaged\n"))
    }

    @Test("a batch without a header has no number to be checked: damage")
    func headless() throws {
        var encoder = try BatchEncoder()
        let payload = try encoder.encode(ShopBatches.batch(1))
        let result = try Command.weir("check", "-", input: payload.bytes + (try ShopFiles.second()))
        #expect(result.status == 3)
        #expect(result.errors.contains("standard input: byte 0: damaged: a batch without a header"))
    }

    @Test("two directories are two destinations of one stream, and checked apart")
    func places() throws {
        let folder = try TemporaryDirectory()
        let end = ShopFiles.endMark(2, stream: ShopBatches.stream, time: 0)
        for (name, numbers) in [("a", [1, 2]), ("b", [1])] {
            try FileManager.default.createDirectory(at: folder.url(name), withIntermediateDirectories: true)
            let bytes = try numbers.reduce(into: []) { $0 += try ShopFiles.frame(ShopBatches.batch($1), UInt64($1)) }
            try folder.write(bytes + end, to: "\(name)/\(ShopFiles.firstName)")
        }
        let result = try check(folder, folder.path("a"), folder.path("b/"))
        #expect(result.status == 4)
        #expect(result.output.contains("1 batch missing, and nothing says why: #2"))
        #expect(!result.output.contains("again"))
        // Files of one directory belong together.
        try folder.write(try ShopFiles.frame(ShopBatches.batch(2), 2), to: "b/\(ShopFiles.secondName)")
        let together = try check(
            folder, folder.path("b/\(ShopFiles.firstName)"), folder.path("b/\(ShopFiles.secondName)"))
        #expect(together.status == 0)
    }

    @Test("a place without batches does not pass for one where nothing is missing")
    func empty() throws {
        let folder = try TemporaryDirectory()
        let result = try check(folder)
        #expect(result.status == 2)
        #expect(result.errors == "weir: \(folder.path): no batches, so there is nothing to check\n")
        let missing = try check(folder, folder.path("nothing"))
        #expect(missing.status == 2)
        #expect(missing.errors.contains("nothing: open: No such file or directory"))
        #expect(try Command.weir("check", in: folder).status == 64)
    }

    @Test("--help tells what is said, and the exit codes")
    func help() throws {
        let result = try Command.weir("check", "--help")
        #expect(result.status == 0)
        for word in ["EXAMPLES", "WHAT IT SAYS", "EXIT CODES", "merged", "no end mark"] {
            #expect(result.output.contains(word))
        }
    }
}
