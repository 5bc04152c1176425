private import Logging
public import Weir
internal import WeirExport
public import WeirRecording

/// Starts to export as a configuration says, and applies its rules to views.
///
/// ```swift
/// let exporting = try startExporting(configuration: Configuration(contentsOf: "weir.yaml"))
/// ```
///
/// - Parameters:
///   - configuration: What was read from a file.
///   - stats: What to export.
///   - exitDeadline: How long a program that returns from `main` or calls `exit` without a shutdown waits at most until what
///     was recorded is delivered; nil to flush nothing then.
/// - Throws: ``ExportingError``; nothing runs then, and views are as they were. What came from the environment is not in
///   its words.
public func startExporting(
    configuration: Configuration, from stats: Stats = .default, exitDeadline: Duration? = .seconds(2)
) throws(ExportingError) -> Exporting {
    configuration.logWarnings()
    let before = stats.viewRules
    try configuration.applyViewRules(to: stats)
    do throws(ExportingError) {
        return try startExporting(
            every: configuration.interval, to: configuration.sinks, collecting: Collector(stats: stats),
            level: configuration.level, resource: configuration.resource, serveStatsAt: configuration.statsSocket,
            exitDeadline: exitDeadline)
    } catch {
        try? stats.apply(before)
        throw error.reworded(configuration.redacted)
    }
}

extension Configuration {
    func logWarnings() {
        let logger = Logger(label: "weir")
        for warning in warnings { logger.warning("\(warning)") }
    }

    /// Rules that cannot be followed are logged, those that concern views of later too.
    func applyViewRules(to stats: Stats) throws(ExportingError) {
        guard stats.viewRules != viewRules else { return }
        do throws(StatsError) {
            try stats.apply(viewRules) { problem in
                Logger(label: "weir").warning("\(problem)")
            }
        } catch {
            throw .resources(reason: redacted(error.description))
        }
    }
}
