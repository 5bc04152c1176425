import CWeirCPU
import Foundation
import Testing
import WeirTestSupport

/// What runs in a program of its own; see `WeirRecordingProbe`.
@Suite("In a process of its own", .serialized)
struct ProbeTests {
    /// The paths of adding: the one that this build and kernel have, and the fallback.
    enum Path: String, CaseIterable {
        case native, atomic

        var environment: [String: String] { self == .atomic ? ["WEIR_CPU": "atomic"] : [:] }
        var name: String { self == .native && weir_cpu_is_rseq() ? "rseq" : "atomic" }
    }

    /// Runs a scenario of the probe, and takes what it prints for what is wrong.
    private func probe(_ scenario: String, _ path: Path = .native, size: Int = 1) throws {
        let output = try run(Self.program, [scenario, "\(size)"], path.environment)
        #expect(output.status == 0, "\(output.text)")
        #expect(output.text.hasPrefix("path: \(path.name)\n"), "\(output.text)")
    }

    @Test("this build adds by restartable sequences where it can")
    func path() throws {
        // Builds without them say so, and so may whoever runs the tests.
        let isForced = ProcessInfo.processInfo.environment["WEIR_CPU"] == "atomic"
        // glibc registers threads since 2.35, and says so by this symbol.
        let isRegistered = unsafe dlsym(nil, "__rseq_size") != nil
        #expect(weir_cpu_is_rseq() == (WEIR_HAS_RSEQ == 1 && isRegistered && !isForced))
    }

    @Test("totals are exact while threads are moved and interrupted", arguments: Path.allCases)
    func totals(path: Path) throws {
        try probe("totals", path, size: testScale)
    }

    @Test("recording allocates nothing", arguments: Path.allCases)
    func allocations(path: Path) throws {
        try probe("allocations", path)
    }

    @Test("a process that has used up its tag keys tells its overflow series from others")
    func keys() throws {
        try probe("keys")
    }

    @Test("a fork's child starts empty and leaves its parent alone", arguments: Path.allCases)
    func fork(path: Path) throws {
        try probe("fork", path)
    }

    /// ThreadSanitizer makes Swift take a lock of its own at each use of a global, which a fork at that moment leaves held.
    private static let locksGlobals = unsafe dlsym(nil, "__tsan_init") != nil

    @Test("a fork while other threads hold locks leaves the child none that is held", .disabled(if: locksGlobals))
    func forks() throws {
        try probe("forks", size: testScale)
    }

    @Test("threads that the kernel gave no sequences add beside those that have them", arguments: Path.allCases)
    func unregistered(path: Path) throws {
        try probe("unregistered", path)
    }

    @Test("where the kernel takes the barrier away, nothing that readers may see is used again, and it is told once")
    func refused() throws {
        let output = try run(Self.program, ["refused"], [:])
        #expect(output.status == 0, "\(output.text)")
        #expect(output.text.components(separatedBy: "weir: the kernel refuses membarrier").count == 2, "\(output.text)")
    }

    @Test("a program that only records links neither Foundation nor what batches need")
    func linkage() throws {
        let needed = try run("/usr/bin/env", ["readelf", "--dynamic", Self.program], [:])
        try #require(needed.status == 0, "\(needed.text)")
        let libraries = needed.text.split(separator: "\n").filter { $0.contains("(NEEDED)") }
        #expect(libraries.contains { $0.contains("libswiftCore") })
        for unwanted in ["Foundation", "zstd", "protobuf", "isal"] {
            #expect(!libraries.contains { $0.contains(unwanted) }, "\(libraries)")
        }
    }

    // MARK: - Programs

    /// Beside the test's own executable.
    private static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("WeirRecordingProbe").path

    private func run(
        _ path: String, _ arguments: [String], _ environment: [String: String]
    ) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        // To its end before waiting, so that the pipe cannot fill up.
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
    }
}
