internal import Foundation

/// Runs commands as a user would.
enum Shell {
    struct Failure: Error {
        let command: String
        let status: Int32
    }

    /// What a command writes for an input.
    static func run(_ command: String, input: [UInt8]) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", command]
        process.standardInput = try pipe(input)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(command: command, status: process.terminationStatus)
        }
        return Array(data)
    }

    /// The reading end of a pipe into which a thread writes an input.
    static func pipe(_ input: [UInt8]) throws -> FileHandle {
        let pipe = Pipe()
        Thread.detachNewThread {
            // A reader that has seen enough closes the pipe.
            try? pipe.fileHandleForWriting.write(contentsOf: Data(input))
            try? pipe.fileHandleForWriting.close()
        }
        return pipe.fileHandleForReading
    }
}
