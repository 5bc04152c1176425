import Foundation
import Testing
import Weir
import WeirBatch
import WeirTestSupport

/// Programs that end before their first interval; see `WeirExitProbe`.
@Suite("The end of the program", .timeLimit(.minutes(2)))
struct ExitTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path("data")
    }

    /// What the files of a directory have.
    private struct Contents: Equatable {
        var sums: [Int64] = []
        var endMarks = 0
    }

    private func contents() throws -> Contents {
        var found = Contents()
        for name in try FileManager.default.contentsOfDirectory(atPath: path).sorted() {
            let reader = try BatchReader(path: path + "/" + name)
            while let item = try reader.next() {
                switch item {
                case .frame(let frame):
                    for view in try frame.batch().views where view.name == "v" { found.sums += view.integers }
                case .endMark: found.endMarks += 1
                case .headless, .damage: Issue.record("found \(item)")
                }
            }
        }
        return found
    }

    private func run(_ scenario: String) throws -> Program.Result {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("WeirExitProbe").path
        return try Program.run(program, [scenario, path])
    }

    private static let everything = Contents(sums: [5], endMarks: 1)
    private static let giveUp = "weir: nothing is flushed"

    @Test("a program that returns from main before its first interval leaves what it recorded, and an end mark")
    func returns() throws {
        #expect(try run("return").status == 0)
        #expect(try contents() == Self.everything)
    }

    @Test("exit flushes and keeps the program's status")
    func exits() throws {
        #expect(try run("exit").status == 3)
        #expect(try contents() == Self.everything)
    }

    @Test("what was told to flush nothing flushes nothing, and neither does _exit", arguments: ["off", "_exit"])
    func off(scenario: String) throws {
        #expect(try run(scenario).status == 0)
        #expect(try contents() == Contents())
    }

    @Test("a fork's child that exits flushes nothing of its parent's")
    func child() throws {
        let result = try run("child")
        #expect(result.output == "child: 0, files: 0\n")
        #expect(result.status == 0)
        #expect(try contents() == Self.everything)
    }

    @Test(
        "exit where a lock of Weir's is held, or on Weir's own thread, ends and says so", arguments: ["lock", "own"])
    func givesUp(scenario: String) throws {
        let result = try run(scenario)
        #expect(result.status == 0)
        #expect(result.errors.contains(Self.giveUp))
        #expect(try contents().endMarks == 0)
    }

    @Test("a collection that never ends does not keep the program from ending, and the log says what is missing")
    func hangs() throws {
        let result = try run("hangs")
        #expect(result.status == 0)
        #expect(result.errors.contains("the program ends without a last collection"))
    }

    @Test("what a library does at the end, and registered while exporters were opened, comes behind the flush")
    func order() throws {
        #expect(try run("order").output == "files at the library's end: 1\n")
        #expect(try contents() == Self.everything)
    }

    // MARK: - Scopes

    private struct Failure: Error {}

    private func recording() throws -> (Stats, Measure<Int64>) {
        let (stats, measure) = (try Stats(cellsPerCore: 4096), Measure<Int64>("exit.scope"))
        try stats.register(View("v", of: measure, as: .sum))
        return (stats, measure)
    }

    @Test("a scope exports and shuts down at its end, also where it throws", arguments: [false, true])
    func scope(throwing: Bool) throws {
        let (stats, measure) = try recording()
        var reports: [ShutdownReport] = []
        let body = {
            try withExporting(
                every: .seconds(3600), to: .file(directory: path), from: stats, deadline: .seconds(60),
                report: { reports.append($0) }
            ) { _ in
                measure.record(5, in: stats)
                if throwing { throw Failure() }
                return "result"
            }
        }
        if throwing {
            #expect(throws: Failure.self) { try body() }
        } else {
            #expect(try body() == "result")
        }
        #expect(reports.map(\.isComplete) == [true])
        #expect(try contents() == Self.everything)
    }

    @Test("an asynchronous scope exports and shuts down at its end, also where it throws", arguments: [false, true])
    func asynchronousScope(throwing: Bool) async throws {
        let (stats, measure) = try recording()
        var reports: [ShutdownReport] = []
        do {
            let result = try await withExporting(
                every: .seconds(3600), to: .file(directory: path), from: stats, deadline: .seconds(60),
                report: { reports.append($0) }
            ) { _ in
                measure.record(5, in: stats)
                await Task.yield()
                if throwing { throw Failure() }
                return "result"
            }
            #expect(result == "result" && !throwing)
        } catch is Failure {
            #expect(throwing)
        }
        #expect(reports.map(\.isComplete) == [true])
        #expect(try contents() == Self.everything)
    }
}
