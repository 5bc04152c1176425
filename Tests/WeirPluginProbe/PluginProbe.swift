private import Foundation
private import Logging
private import WeirBatch
private import WeirExport

/// An application with signal habits of its own, which a test process must not have:
/// `WeirPluginProbe ignore|reap|interrupt PLUGIN JOURNAL`. Prints what became of three deliveries around a misfortune.
@main
enum PluginProbe {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4 else { exit(64) }
        switch arguments[1] {
        case "ignore": signal(SIGCHLD, SIG_IGN)
        case "reap": Thread.detachNewThread { reapEverything() }
        // A group of its own, as a shell gives to what it starts.
        case "interrupt": setpgid(0, 0)
        default: exit(64)
        }
        let launcher = try ChildLauncher(path: arguments[2], program: PluginSearch().findHost())
        let exporter = try ChildExporter(
            launcher,
            sink: SinkContext(
                name: "probe", settings: ["mode": "", "journal": arguments[3], "times": "0"],
                logger: Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() }))
        report(exporter.deliver(1))
        guard let process = exporter.process else { exit(1) }
        if arguments[1] == "interrupt" {
            signal(SIGINT) { _ in }
            kill(0, SIGINT)
        } else {
            kill(process, SIGKILL)
        }
        report(exporter.deliver(2))
        report(exporter.deliver(2))
        print(exporter.process == process ? "same process" : "another process")
        exporter.close()
    }

    /// What a supervisor does that does not know its children.
    private static func reapEverything() {
        var status: Int32 = 0
        while true {
            if unsafe waitpid(-1, &status, 0) < 0 { usleep(100) }
        }
    }

    private static func report(_ delivery: Delivery) {
        print(delivery.message.isEmpty ? "\(delivery.outcome)" : delivery.message)
    }
}

extension ChildExporter {
    fileprivate func deliver(_ number: UInt64) -> Delivery {
        var header = FrameHeader(stream: StreamID(high: 1, low: 2), first: number, last: number)
        header.payloadLength = 1
        header.rawLength = 1
        return deliver(header, payload: [1], deadline: TimeSource.system.monotonic() + 30_000_000_000)
    }
}
