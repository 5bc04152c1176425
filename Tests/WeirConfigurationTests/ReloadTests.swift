import Foundation
import Synchronization
import Testing
import Weir
import WeirRecording
import WeirTestSupport

@testable import WeirConfiguration

@Suite("Reloading")
struct ReloadTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path + "/weir.yaml"
    }

    /// As editors do it: another file in its place.
    private func replace(_ text: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    /// As `echo >>` does it.
    private func append(_ text: String) throws {
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    private func reloader(environment: [String: String] = [:]) throws -> Reloader {
        try replace("interval: 1s\n")
        return Reloader(
            path: path, environment: environment,
            current: try Configuration(contentsOf: path, environment: environment))
    }

    @Test("a file that is written, replaced, or led to by another link, is another one")
    func stamps() throws {
        var reloader = try reloader()
        func looksChanged() -> Bool {
            defer { _ = reloader.reload { _, _ in } }
            return reloader.hasChanged
        }
        // It may have been written between its reading and now.
        #expect(looksChanged())
        #expect(!looksChanged())
        try append("level: 2\n")
        #expect(looksChanged())
        try replace("interval: 1s\nlevel: 2\n")
        #expect(looksChanged())
        #expect(!looksChanged())
        try FileManager.default.removeItem(atPath: path)
        #expect(!looksChanged())
        try "level: 3".write(toFile: directory.path + "/other", atomically: true, encoding: .utf8)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: directory.path + "/other")
        #expect(looksChanged())
    }

    @Test("what the file says is changed to, from what was in force")
    func change() throws {
        var reloader = try reloader()
        var changes: [(Duration, Duration)] = []
        func reload() -> Reloader.Outcome {
            reloader.reload { old, new in changes.append((old.interval, new.interval)) }
        }
        #expect(reload() == .unchanged)
        try replace("# Only in words.\ninterval: 1000ms\n")
        #expect(reload() == .unchanged)
        try replace("interval: 2s\n")
        #expect(reload() == .changed)
        try replace("interval: 3s\n")
        #expect(reload() == .changed)
        #expect(changes.map(\.0) == [.seconds(1), .seconds(2)] && changes.map(\.1) == [.seconds(2), .seconds(3)])
        #expect(reloader.current.interval == .seconds(3))
    }

    @Test("what is wrong, gone or cannot be done changes nothing, and can be put right")
    func failures() throws {
        var reloader = try reloader(environment: ["SECRET": "classified"])
        try replace("intervall: 2s\n")
        guard case .failed(.configuration(let error)) = reloader.reload({ _, _ in }) else {
            Issue.record("wanted an error")
            return
        }
        #expect(error.problems.map(\.place) == [.line(1, column: 1)])
        #expect(!reloader.hasChanged)
        try FileManager.default.removeItem(atPath: path)
        guard case .failed(.configuration(let missing)) = reloader.reload({ _, _ in }) else {
            Issue.record("wanted an error")
            return
        }
        #expect(missing.isUnreadable)
        try replace("interval: 2s\nresource: {a: '${SECRET}'}\n")
        let refused = reloader.reload { _, _ throws(ExportingError) in
            throw .exporter(sink: "file", reason: "cannot write in classified")
        }
        #expect(refused == .failed(.exporting(.exporter(sink: "file", reason: "cannot write in ${SECRET}"))))
        #expect(reloader.current.interval == .seconds(1))
        // The same file, once what kept it is away.
        #expect(reloader.reload { _, _ in } == .changed)
        #expect(reloader.current.interval == .seconds(2))
    }

    @Test("a pipe is read once, within a time, and neither followed nor read again", .timeLimit(.minutes(1)))
    func pipe() throws {
        let made = unsafe mkfifo(path, 0o600)
        #expect(made == 0)
        // Nobody writes to it.
        #expect(throws: ConfigurationError.self) { try File.bytes(of: path, within: 10) }
        // Comes in two parts; a writer waits for its reader.
        let writer = Process()
        writer.executableURL = URL(filePath: "/bin/sh")
        writer.arguments = ["-c", "exec >\"$0\"; echo 'interval: 1s'; echo 'level: 2'", path]
        try writer.run()
        #expect(String(decoding: try File.bytes(of: path), as: UTF8.self) == "interval: 1s\nlevel: 2\n")
        writer.waitUntilExit()
        var reloader = Reloader(path: path, environment: [:], current: try configuration("interval: 1s\n"))
        #expect(!reloader.hasChanged)
        guard case .failed(.configuration(let error)) = reloader.reload({ _, _ in }) else {
            Issue.record("wanted an error")
            return
        }
        #expect(error.isUnreadable && error.description.contains("wanted a regular file"), "\(error)")
    }

    @Test("a pipe that takes a file's place is told of once, and nothing waits for it", .timeLimit(.minutes(1)))
    func pipeInPlaceOfFile() throws {
        var reloader = try reloader()
        #expect(reloader.reload { _, _ in } == .unchanged)
        try FileManager.default.removeItem(atPath: path)
        let made = unsafe mkfifo(path, 0o600)
        #expect(made == 0)
        #expect(reloader.hasChanged)
        guard case .failed = reloader.reload({ _, _ in }) else {
            Issue.record("wanted an error")
            return
        }
        #expect(!reloader.hasChanged)
        try FileManager.default.removeItem(atPath: path)
        try replace("interval: 2s\n")
        #expect(reloader.hasChanged && reloader.reload { _, _ in } == .changed)
    }

    @Test("a watcher follows the file by itself, and whoever asks gets an answer")
    func watcher() async throws {
        let reloader = try reloader()
        let changed = Signal()
        let intervals = Mutex<[Duration]>([])
        let watcher = ConfigurationWatcher(reloader, every: .milliseconds(1), logger: LogLines().logger) { _, new in
            intervals.withLock { $0.append(new.interval) }
            changed.fire()
        }
        try replace("interval: 2s\n")
        await changed.wait(for: 1)
        try replace("interval: 3s\n")
        await changed.wait(for: 2)
        watcher.stop()
        #expect(intervals.withLock { $0 } == [.seconds(2), .seconds(3)])

        let log = LogLines()
        let still = ConfigurationWatcher(
            Reloader(path: path, environment: [:], current: try configuration("interval: 3s\n")), every: nil,
            logger: log.logger
        ) { _, _ in }
        #expect(try !still.reload())
        try replace("interval: 4s\n")
        #expect(try still.reload())
        try replace("interval: -4s\n")
        #expect(throws: ReloadError.self) { try still.reload() }
        let lines = log.all
        #expect(lines.count == 2 && lines.first == "info: the configuration was reloaded")
        let error =
            "error: the configuration is not reloaded, and what was in force stays: \(path):1:11: error: interval: "
        #expect(lines.last?.hasPrefix(error) == true, "\(lines)")
    }

    @Test("what runs becomes what the file says, and stays where that cannot be")
    func exporting() async throws {
        let stats = try Stats(cellsPerCore: 4_096)
        let environment = ["DIRECTORY": directory.path]
        func write(sink: String, rule: String) throws {
            try replace(
                """
                interval: 1h
                views: [{select: \(rule), drop: true}]
                sinks:
                  file: {exporter: file, settings: {directory: "${DIRECTORY}/\(sink)"}}
                """)
        }
        try write(sink: "first", rule: "a")
        let configuration = try Configuration(contentsOf: path, environment: environment)
        let exporting = try startExporting(configuration: configuration, from: stats)
        let watcher = ConfigurationWatcher(
            of: path, inForce: configuration, for: exporting, from: stats, every: nil, environment: environment)
        try write(sink: "second", rule: "b")
        #expect(try watcher.reload())
        #expect(stats.viewRules.rules == [.dropping("b")])
        // The file that the configuration lies in is no directory.
        try write(sink: "weir.yaml", rule: "c")
        #expect(throws: ReloadError.self) { try watcher.reload() }
        #expect(stats.viewRules.rules == [.dropping("b")])
        let report = await exporting.shutdown(deadline: .seconds(60))
        #expect(report.isComplete)
        #expect(try directory.names(in: "second").count == 1)
    }
}
