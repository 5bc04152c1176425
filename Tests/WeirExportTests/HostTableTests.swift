import Logging
import Testing
import WeirBatch
import WeirExporterKit
import WeirTestSupport

@testable import WeirExport

@Suite("What a host keeps for an exporter", .timeLimit(.minutes(1)))
struct HostTableTests {
    /// Whether somebody has it still.
    private final class Token: Sendable {}

    private func open(_ destination: Destination) throws -> (exporter: any OpenExporter, token: Weak) {
        let token = Token()
        let exporter = try unsafe PluginTable(builtIn: TestExporter.plugin.table).open(
            for: SinkContext(
                name: "a", settings: ["id": destination.id], logger: Logger(label: "test"),
                demand: { _ in withExtendedLifetime(token) {} }))
        return (exporter, Weak(token))
    }

    private struct Weak {
        weak var token: Token?

        init(_ token: Token) { self.token = token }
    }

    @Test("is gone when the exporter is")
    func closed() throws {
        var (exporter, weak): ((any OpenExporter)?, Weak) = try open(Destination(.accepting))
        #expect(weak.token != nil)
        exporter?.close()
        exporter = nil
        #expect(weak.token == nil)
    }

    @Test("is kept for as long as a call hangs")
    func hanging() async throws {
        let destination = Destination(.hanging)
        var (exporter, weak): ((any OpenExporter)?, Weak) = try open(destination)
        let ended = Signal()
        if let exporter {
            _ = Thread.start("weir-test") {
                var header = FrameHeader(stream: StreamID(high: 1, low: 1), first: 1, last: 1)
                header.payloadLength = 1
                _ = exporter.deliver(header, payload: [1], deadline: .max)
                exporter.close()
                ended.fire()
            }
        }
        exporter = nil
        await destination.changes.wait { destination.hangs > 0 }
        #expect(weak.token != nil)
        destination.release()
        await ended.wait(for: 1)
        // The thread lets go of it a moment later.
        while weak.token != nil {
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}
