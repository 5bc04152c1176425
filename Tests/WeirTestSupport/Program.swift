package import Foundation

/// Runs programs to their end.
package enum Program {
    /// What a program left behind.
    package struct Result: Sendable {
        package var status: Int32
        package var output: String
        package var errors: String
    }

    /// Runs a program to its end; what it prints goes through files, so that no pipe can fill up.
    package static func run(
        _ path: String, _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:],
        in directory: TemporaryDirectory? = nil
    ) throws -> Result {
        let folder = try TemporaryDirectory()
        try folder.write(input, to: "in")
        for name in ["out", "err"] { try folder.write([], to: name) }
        let process = process(path, arguments, environment: environment)
        process.standardInput = try FileHandle(forReadingFrom: folder.url("in"))
        process.standardOutput = try FileHandle(forWritingTo: folder.url("out"))
        process.standardError = try FileHandle(forWritingTo: folder.url("err"))
        if let directory { process.currentDirectoryURL = directory.url }
        try process.run()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: try folder.text("out"), errors: try folder.text("err"))
    }

    /// Runs a shell's script, whose `$0`, `$1` and so on are the arguments.
    package static func shell(_ script: String, _ arguments: String...) throws -> Result {
        try run("/bin/sh", ["-c", script] + arguments)
    }

    /// A program not yet started.
    package static func process(
        _ path: String, _ arguments: [String], environment: [String: String] = [:]
    ) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        return process
    }
}

extension TemporaryDirectory {
    package var url: URL { URL(fileURLWithPath: path) }

    package func url(_ name: String) -> URL { url.appendingPathComponent(name) }

    package func path(_ name: String) -> String { url(name).path }

    package func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: url(name)), as: UTF8.self)
    }

    package func write(_ bytes: [UInt8], to name: String) throws { try Data(bytes).write(to: url(name)) }

    package func append(_ bytes: [UInt8], to name: String) throws {
        let file = try FileHandle(forWritingTo: url(name))
        defer { try? file.close() }
        try file.seekToEnd()
        try file.write(contentsOf: Data(bytes))
    }
}
