import Foundation
import Weir
import WeirRecording

private let measure = Measure<Int64>("exit.measure")

/// A program that records 5 and ends before its first interval: `WeirExitProbe SCENARIO DIRECTORY`.
@main
enum ExitProbe {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else { exit(64) }
        let (scenario, directory) = (arguments[1], arguments[2])
        try register(View("v", of: measure, as: .sum))
        let sink = Sink.file(directory: directory)
        switch scenario {
        case "off": _ = try startExporting(every: .seconds(3600), to: sink, exitDeadline: nil)
        case "hangs":
            _ = try startExporting(every: .seconds(3600), to: sink, exitDeadline: .milliseconds(1))
        case "order":
            // What a library does that an exporter uses for the first time.
            var other = Sink.file(directory: directory + "-other")
            other.name = "other"
            let exporting = try startExporting(every: .seconds(3600), to: other)
            atexit { print("files at the library's end: \(ExitProbe.files(in: CommandLine.arguments[2]))") }
            try exporting.reconfigure(every: .seconds(3600), to: [other, sink])
        case "own": _ = try startExporting(every: .milliseconds(1), to: sink)
        default: _ = try startExporting(every: .seconds(3600), to: sink)
        }
        measure.record(5)
        try end(scenario)
    }

    private static func end(_ scenario: String) throws {
        switch scenario {
        case "exit": exit(3)
        case "_exit": _exit(0)
        case "lock": Lock().withLock { exit(0) }
        case "own":
            let observation = Gauge("exit.gauge").observe { exit(0) }
            while true { sleep(3600) }
            withExtendedLifetime(observation) {}
        case "hangs":
            unsafe held = Gauge("exit.gauge").observe { while true { sleep(3600) } }
        case "child":
            let child = fork()
            if child == 0 { exit(0) }
            var status: Int32 = -1
            while unsafe waitpid(child, &status, 0) < 0 && errno == EINTR {}
            print("child: \(status), files: \(files(in: CommandLine.arguments[2]))")
        default: break
        }
    }

    nonisolated(unsafe) private static var held: Observation?

    private static func files(in directory: String) -> Int {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).count
    }

    /// Swift hides it from programs that would go on running Swift in the child, as this one does on purpose.
    private static func fork() -> pid_t {
        typealias Fork = @convention(c) () -> pid_t
        return unsafe unsafeBitCast(dlsym(nil, "fork"), to: Fork.self)()
    }
}
