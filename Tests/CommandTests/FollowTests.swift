import Foundation
import Testing
import WeirBatch
import WeirTestSupport

/// A `weir dump --follow` that is running, and what it printed so far.
private final class Follower {
    let process: Process
    private let output = Pipe()
    private let errors = Pipe()
    private var text = ""

    init(_ arguments: [String]) throws {
        process = Program.process(Command.weirPath, ["dump", "--follow"] + arguments)
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        try output.fileHandleForWriting.close()
        try errors.fileHandleForWriting.close()
        // A test that waits for what never comes fails instead of hanging. Not SIGTERM: the program may have inherited a
        // mask that blocks it.
        DispatchQueue.global().asyncAfter(deadline: .now() + 60) { [process] in
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }
    }

    /// Reads until the text is there; what stands before its end is then forgotten.
    func expect(_ wanted: String, _ location: SourceLocation = #_sourceLocation) {
        while true {
            if let range = text.range(of: wanted) {
                text.removeSubrange(..<range.upperBound)
                return
            }
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else {
                Issue.record("ended without \(wanted), after: \(text)", sourceLocation: location)
                return
            }
            text += String(decoding: data, as: UTF8.self)
        }
    }

    /// Interrupts it, and returns what it said on stderr.
    func interrupt() -> String {
        process.interrupt()
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return said
    }

    /// The rest of what it printed.
    func rest() -> String {
        text + String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }
}

@Suite("weir dump --follow")
struct FollowTests {
    @Test("batches are shown as a file grows piece by piece and as files appear, until interrupted")
    func batches() throws {
        let folder = try TemporaryDirectory()
        let frames = try (1...3).map { try ShopFiles.frame(ShopBatches.batch($0), UInt64($0)) }
        try folder.write(frames[0], to: ShopFiles.firstName)
        let follower = try Follower([folder.path, "--batches"])
        follower.expect("  #1  ")
        try folder.append(frames[1], to: ShopFiles.firstName)
        follower.expect("  #2  ")
        // Half a frame is not shown, and not complained about.
        try folder.append(Array(frames[2][..<200]), to: ShopFiles.firstName)
        try folder.append(Array(frames[2][200...]), to: ShopFiles.firstName)
        follower.expect("  #3  ")
        try folder.write(try ShopFiles.second(), to: ShopFiles.secondName)
        follower.expect("  ends in order after #2\n")
        #expect(follower.interrupt() == "")
        #expect(follower.rest() == "")
        #expect(follower.process.terminationReason == .exit)
        #expect(follower.process.terminationStatus == 0)
    }

    @Test("two processes that write to one directory are both followed")
    func twoWriters() throws {
        let folder = try TemporaryDirectory()
        try folder.write(try ShopFiles.frame(ShopBatches.batch(1), 1), to: ShopFiles.firstName)
        let writer = try FileHandle(forUpdating: folder.url(ShopFiles.firstName))
        try #require(flock(writer.fileDescriptor, LOCK_EX | LOCK_NB) == 0)
        let other = ShopBatches.restarted
        try folder.write(try ShopFiles.frame(ShopBatches.batch(1), 11, stream: other), to: ShopFiles.secondName)
        let follower = try Follower([folder.path, "--batches"])
        follower.expect("  #11  ")
        try folder.append(try ShopFiles.frame(ShopBatches.batch(2), 2), to: ShopFiles.firstName)
        follower.expect("  #2  ")
        try folder.append(try ShopFiles.frame(ShopBatches.batch(2), 12, stream: other), to: ShopFiles.secondName)
        follower.expect("  #12  ")
        // Let go of, the older file is read to its end, and no longer.
        try folder.append(try ShopFiles.frame(ShopBatches.batch(3), 3), to: ShopFiles.firstName)
        try writer.close()
        follower.expect("  #3  ")
        #expect(follower.interrupt() == "")
        #expect(follower.process.terminationStatus == 0)
    }

    @Test("JSON shows each series again when it changed")
    func json() throws {
        let folder = try TemporaryDirectory()
        try folder.write(try ShopFiles.frame(ShopBatches.batch(1), 1), to: ShopFiles.firstName)
        let follower = try Follower([folder.path(ShopFiles.firstName), "--format", "json", "--match", "pool/open"])
        follower.expect("\"value\":6,")
        try folder.append(try ShopFiles.frame(ShopBatches.batch(2), 2), to: ShopFiles.firstName)
        follower.expect("\"value\":5,")
        #expect(follower.interrupt() == "")
        #expect(follower.process.terminationStatus == 0)
    }

    @Test("the table is printed anew, and a file that was left torn is damage once another follows")
    func table() throws {
        let folder = try TemporaryDirectory()
        let torn = try ShopFiles.first().dropLast(10)
        try folder.write(Array(torn), to: ShopFiles.firstName)
        let follower = try Follower([folder.path])
        follower.expect("  3 batches, ")
        try folder.write(try ShopFiles.second(), to: ShopFiles.secondName)
        follower.expect("  5 batches of 2 streams, ")
        let said = follower.interrupt()
        #expect(said.contains("\(ShopFiles.firstName): byte "))
        #expect(said.contains("damaged: cut off"))
        #expect(follower.process.terminationStatus == 3)
    }

    @Test("standard input ends, and following with it")
    func standardInput() throws {
        let result = try Command.weir("dump", "-", "--follow", "--batches", input: try ShopFiles.second())
        #expect(result.status == 0)
        #expect(result.output.hasSuffix("ends in order after #2\n"))
    }
}
