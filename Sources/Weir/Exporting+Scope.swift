internal import WeirExport
public import WeirRecording

/// Exports what is recorded while something runs, and shuts export down when that returns or throws.
///
/// ```swift
/// try withExporting(to: .file(directory: "weir-data")) { _ in
///     latency.record(0.012)
/// }
/// ```
///
/// - Parameters:
///   - interval: How often, from a nanosecond to a year.
///   - sinks: Where to.
///   - level: zstd's.
///   - resource: Attributes of this process beside the standard ones, or instead of them.
///   - stats: What to export.
///   - deadline: How long deliveries may take at the end, in which the calling thread waits.
///   - report: Is told how exporting ended.
///   - body: What runs meanwhile.
/// - Throws: ``ExportingError``, where nothing runs, and what `body` throws.
public func withExporting<Result>(
    every interval: Duration = .seconds(10), to sinks: Sink..., level: Int32 = 1, resource: [String: String] = [:],
    from stats: Stats = .default, deadline: Duration = .seconds(5), report: (ShutdownReport) -> Void = { _ in },
    _ body: (Exporting) throws -> Result
) throws -> Result {
    let exporting = try startExporting(
        every: interval, to: sinks, collecting: Collector(stats: stats), level: level, resource: resource)
    defer { report(exporting.shutdownAndWait(deadline: deadline)) }
    return try body(exporting)
}

/// The same for what is asynchronous: no thread waits. Export is also shut down in order where the task is cancelled.
///
/// - Parameters:
///   - interval: How often, from a nanosecond to a year.
///   - sinks: Where to.
///   - level: zstd's.
///   - resource: Attributes of this process beside the standard ones, or instead of them.
///   - stats: What to export.
///   - deadline: How long deliveries may take at the end.
///   - isolation: The caller's, in which `body` runs.
///   - report: Is told how exporting ended.
///   - body: What runs meanwhile.
/// - Throws: ``ExportingError``, where nothing runs, and what `body` throws.
public func withExporting<Result>(
    every interval: Duration = .seconds(10), to sinks: Sink..., level: Int32 = 1, resource: [String: String] = [:],
    from stats: Stats = .default, deadline: Duration = .seconds(5), isolation: isolated (any Actor)? = #isolation,
    report: (ShutdownReport) -> Void = { _ in }, _ body: (Exporting) async throws -> Result
) async throws -> Result {
    let exporting = try startExporting(
        every: interval, to: sinks, collecting: Collector(stats: stats), level: level, resource: resource)
    do {
        let result = try await body(exporting)
        report(await exporting.shutdown(deadline: deadline))
        return result
    } catch {
        report(await exporting.shutdown(deadline: deadline))
        throw error
    }
}
