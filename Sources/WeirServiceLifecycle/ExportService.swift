public import Logging
public import ServiceLifecycle
public import Weir

/// Export as a service: when the program is to end, what was recorded is collected once more and delivered.
///
/// ```swift
/// let exporting = try startExporting(to: .file(directory: "weir-data"))
/// let group = ServiceGroup(services: [ExportService(exporting), server], logger: logger)
/// try await group.run()
/// ```
///
/// A group ends its services in reverse order, so one that stands first ends last, and what the others record while they
/// end is delivered too. Export runs from the start, whether or not the service does.
public struct ExportService: Service {
    private let exporting: Exporting
    private let deadline: Duration
    private let logger: Logger
    private let report: @Sendable (ShutdownReport) -> Void

    /// A service of export that runs.
    ///
    /// - Parameters:
    ///   - exporting: What is shut down at the end.
    ///   - deadline: How long deliveries may take then.
    ///   - logger: Is told how each sink ended: as a warning where something is missing.
    ///   - report: Is given what the log says, for whoever acts on it.
    public init(
        _ exporting: Exporting, deadline: Duration = .seconds(5), logger: Logger = Logger(label: "weir"),
        report: @escaping @Sendable (ShutdownReport) -> Void = { _ in }
    ) {
        self.exporting = exporting
        self.deadline = deadline
        self.logger = logger
        self.report = report
    }

    /// Waits for the graceful shutdown, or for its task to be cancelled, and shuts export down. Never throws: statistics
    /// that could not be delivered are no reason for a program to fail.
    public func run() async {
        // Cancelled or shut down: both end what is recorded.
        try? await gracefulShutdown()
        let ended = await exporting.shutdown(deadline: deadline)
        for line in ended.lines { logger.log(level: line.isLoss ? .warning : .info, "\(line.text)") }
        report(ended)
    }
}

extension ShutdownReport {
    fileprivate var lines: [(text: String, isLoss: Bool)] {
        let texts = description.split(separator: "\n", omittingEmptySubsequences: false)
        guard texts.count >= sinks.count, !sinks.isEmpty else {
            return [(isComplete ? "export has ended" : "export has ended, not completely: \(description)", !isComplete)]
        }
        let ends = zip(texts, sinks).map { text, sink in
            ("export to \(text)", !sink.lost.isEmpty || !sink.hasEndMark || !sink.isClosed)
        }
        // Behind the sinks: what could not be encoded.
        return ends + texts.dropFirst(sinks.count).map { ("export: \($0)", true) }
    }
}
