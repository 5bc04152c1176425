import Foundation
import WeirTestSupport

/// Runs the built `weir` as a user does, and other programs beside it.
struct Command {
    /// What a program left behind.
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    /// The folder of the built products: that of the test's own executable.
    private static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent()

    static var weirPath: String { products.appendingPathComponent("weir").path }

    /// Runs `weir` to its end.
    static func weir(
        _ arguments: String..., input: [UInt8] = [], environment: [String: String] = [:],
        in directory: TemporaryDirectory? = nil
    ) throws -> Result {
        try run(weirPath, arguments, input: input, environment: environment, in: directory)
    }

    /// Runs a program to its end; what it prints goes through files, so that no pipe can fill up.
    static func run(
        _ path: String, _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:],
        in directory: TemporaryDirectory? = nil
    ) throws -> Result {
        let folder = try TemporaryDirectory()
        try Data(input).write(to: folder.url("in"))
        for name in ["out", "err"] { try Data().write(to: folder.url(name)) }
        let process = process(path, arguments, environment: environment)
        process.standardInput = try FileHandle(forReadingFrom: folder.url("in"))
        process.standardOutput = try FileHandle(forWritingTo: folder.url("out"))
        process.standardError = try FileHandle(forWritingTo: folder.url("err"))
        if let directory { process.currentDirectoryURL = directory.url }
        try process.run()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus,
            output: String(decoding: try Data(contentsOf: folder.url("out")), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: folder.url("err")), as: UTF8.self))
    }

    /// Runs a shell's script, whose `$0`, `$1` and so on are the arguments.
    static func shell(_ script: String, _ arguments: String...) throws -> Result {
        try run("/bin/sh", ["-c", script] + arguments)
    }

    /// A program not yet started.
    static func process(_ path: String, _ arguments: [String], environment: [String: String] = [:]) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        return process
    }
}

extension TemporaryDirectory {
    var url: URL { URL(fileURLWithPath: path) }

    func url(_ name: String) -> URL { url.appendingPathComponent(name) }

    func path(_ name: String) -> String { url(name).path }

    func write(_ bytes: [UInt8], to name: String) throws { try Data(bytes).write(to: url(name)) }

    func append(_ bytes: [UInt8], to name: String) throws {
        let file = try FileHandle(forWritingTo: url(name))
        defer { try? file.close() }
        try file.seekToEnd()
        try file.write(contentsOf: Data(bytes))
    }
}
