import Foundation
import Testing
import WeirTestSupport

@Suite("weir overload as a command")
struct OverloadCommandTests {
    private let short = ["--rate", "100", "--sink-delay", "40ms", "--queue", "4", "--for", "400ms", "--series", "5"]

    private func overload(_ arguments: String...) throws -> Command.Result {
        try Program.run(Command.weirPath, ["overload"] + short + arguments)
    }

    @Test("all policies run side by side, a line each, and balance")
    func all() throws {
        let result = try overload("--color", "never")
        #expect(result.status == 0, "\(result.errors)")
        let lines = result.output.split(separator: "\n")
        #expect(lines.first?.hasPrefix("policy") == true)
        let names = lines.dropFirst().prefix(9).map { String($0.prefix { $0 != " " }) }
        #expect(
            names == [
                "dropOldest", "dropNewest", "lifo", "coalesce", "block", "asyncThenSync", "random", "expire", "codel",
            ])
        for line in lines.dropFirst().prefix(9) { #expect(line.hasSuffix("  yes")) }
        #expect(result.output.contains("to record a measurement: "))
    }

    @Test("for programs, an object a policy")
    func json() throws {
        let result = try overload(
            "--json", "--policy", "block: {deadline: 2ms}", "--policy", "coalesce", "--temporality", "cumulative")
        #expect(result.status == 0, "\(result.errors)")
        let objects = try result.output.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
        #expect(objects.map { $0["policy"] as? String } == ["block", "coalesce"])
        #expect(objects[0]["parameters"] as? String == "block, deadline 2ms")
        for object in objects {
            #expect(object["balanced"] as? Bool == true)
            #expect(object["temporality"] as? String == "cumulative")
            #expect((object["peak"] as? [String: Int])?["batches"] ?? 99 <= 4)
            let offered = (object["offered"] as? [String: Int])?["batches"] ?? 0
            let accepted = (object["accepted"] as? [String: Int])?["batches"] ?? 0
            let refused = (object["refused"] as? [String: [String: Int]])?.values.compactMap { $0["batches"] } ?? []
            #expect(offered > 0 && offered == accepted + refused.reduce(0, +))
        }
    }

    @Test("what cannot be is refused: by its spelling, or when it begins")
    func refusals() throws {
        let typo = try overload("--policy", "dropOldset")
        #expect(typo.status == 64)
        #expect(typo.errors.contains("did you mean 'dropOldest'?"))
        #expect(try overload("--policy", "block: {deadlin: 1s}").errors.contains("did you mean 'deadline'?"))
        #expect(try overload("--sink-delay", "soon").errors.contains("expected a duration such as 500ms"))
        for wrong in [["--rate", "0"], ["--series", "0"], ["--for", "1ms"], ["--queue", "0"], ["--workers", "65"]] {
            #expect(try Program.run(Command.weirPath, ["overload"] + wrong).status == 64)
        }
        let spill = try overload("--policy", "lifo", "--spill", "/dev/null/x")
        #expect(spill.status == 2)
        #expect(spill.errors.contains("sink lifo"))
    }

    @Test("without a terminal it says how it goes once a second; interrupted, it ends with its accounts")
    func interrupted() throws {
        let process = Program.process(Command.weirPath, ["overload", "--policy", "dropOldest", "--for", "1h"])
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let line = String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
        #expect(line.hasPrefix("weir: 1."), "\(line)")
        #expect(line.contains("dropOldest, queue "))
        process.interrupt()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 130)
        #expect(text.hasSuffix("interrupted\n"))
    }

    @Test("--help teaches")
    func help() throws {
        let help = try Command.weir("overload", "--help")
        for word in ["EXAMPLES", "POLICIES", "WHAT TO LOOK FOR", "EXIT CODES", "asyncThenSync", "--sink-delay"] {
            #expect(help.output.contains(word))
        }
    }
}
