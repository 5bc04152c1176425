import Foundation
import WeirBatch
import WeirExport
import WeirTestSupport

/// The plugin of `faulty.c`, compiled once, opened in a process of its own with a journal of the test's own.
struct FaultyPlugin {
    private static let compiled = Result { try CompiledPlugin(fixture: "faulty.c") }

    let directory: TemporaryDirectory
    let lines = LogLines()
    var limits = ChildLimits()

    init() throws {
        directory = try TemporaryDirectory()
    }

    static var path: String { get throws { try compiled.get().path } }

    func open(
        _ mode: String, times: Int = 1, demand: @escaping @Sendable (UInt64) -> Void = { _ in },
        collect: @escaping @Sendable () -> Void = {}
    ) throws -> ChildExporter {
        let launcher = try ChildLauncher(path: Self.path, program: PluginSearch().findHost(), limits: limits)
        return try ChildExporter(
            launcher,
            sink: SinkContext(
                name: "faulty", settings: ["mode": mode, "journal": directory.path + "/journal", "times": "\(times)"],
                logger: lines.logger, demand: demand, collect: collect))
    }

    /// The lines that the plugin wrote, in all its processes.
    var journal: [String] {
        let text = (try? String(contentsOfFile: directory.path + "/journal", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }
}

extension ChildExporter {
    /// A frame whose payload is so many bytes; the plugin does not look into it.
    func deliver(_ number: UInt64, bytes: Int = 3, within nanoseconds: UInt64 = 30_000_000_000) -> Delivery {
        var header = FrameHeader(stream: StreamID(high: 1, low: 2), first: number, last: number)
        header.payloadLength = UInt64(bytes)
        header.rawLength = UInt64(bytes)
        return deliver(
            header, payload: [UInt8](repeating: 1, count: bytes),
            deadline: TimeSource.system.monotonic() + nanoseconds)
    }
}
