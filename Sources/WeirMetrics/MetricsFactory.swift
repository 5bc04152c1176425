public import CoreMetrics
public import WeirRecording

private import Logging

/// What records the metrics of swift-metrics, those of the libraries that a program uses among them:
///
/// ```swift
/// MetricsSystem.bootstrap(metricsFactory())
/// ```
///
/// Each label is a view of its own that keeps all dimensions, whatever their keys are; rules apply to it as to any
/// other. Counters are sums, which only grow; gauges and meters are last values; recorders and timers are distributions,
/// those of timers in seconds. A counter that is reset begins anew, and what it had counted is reported.
///
/// Making a handle anew for each measurement finds it without a lock. `destroy` ends a series: at once where nobody else
/// has asked for it, and otherwise when the last handle of it is released. Nothing traps on what is recorded or how it is
/// named: a label that another kind has taken is recorded as `label.timer` and the like, names that cannot be used are
/// changed, and what is past a limit goes to one series of its label, tagged `otel.metric.overflow=true`.
///
/// - Parameters:
///   - stats: Where series are made.
///   - recorders: How recorders that aggregate do so.
///   - timers: How timers do; `nil` for distributions whose bounds follow the display unit that a timer prefers, 1 ms to
///     10 s where it names none.
///   - descriptions: What labels say, for people: swift-metrics has no place for it.
///   - seriesLimit: The most series of a label, 1 to 16,777,216.
///   - limits: What holds labels, dimensions and handles.
///   - report: Is told of what was named otherwise or could not be recorded: each once, at most 1,000 in all. On a thread
///     that makes a metric; by default a warning in the log.
public func metricsFactory(
    in stats: Stats = .default, recorders: Aggregation = .distribution(), timers: Aggregation? = nil,
    descriptions: [String: String] = [:], seriesLimit: Int = View.defaultSeriesLimit,
    limits: MetricsLimits = MetricsLimits(), report: (@Sendable (MetricsProblem) -> Void)? = nil
) -> any MetricsFactory {
    let settings = LabelSettings(
        recorders: recorders, timers: timers, descriptions: descriptions,
        seriesLimit: min(max(seriesLimit, 1), 1 << 24))
    return WeirMetricsFactory(
        Handles(in: stats, settings, limits, report: report ?? { Logger(label: "weir").warning("\($0)") }))
}

/// What keeps names that come from anywhere from taking all memory.
public struct MetricsLimits: Hashable, Sendable {
    /// Labels of all kinds together. Measurements of further ones are counted as lost.
    public var labels = 2_000
    /// Handles of all labels together: combinations of dimensions that are known at a time.
    public var handles = 100_000
    /// Dimensions of one metric; further ones are left out.
    public var dimensions = 32
    /// Keys of dimensions; those past it are left out. Keys are kept as long as the process lives.
    public var keys = 1_000
    /// Bytes of a dimension's value. A longer one is cut, ends in `…`, and is counted in `weir.tags.cut`, as any tag's that
    /// is longer than ``ViewRules/tagValueBytes`` says.
    public var valueLength = 1_024

    /// The limits above.
    public init() {}
}

/// Something of a metric that is not as its code has it.
public enum MetricsProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// The label is in use by another kind of metric, or by a view that the program registered.
    case labelTaken(label: String, kind: String, recordedAs: String)
    /// The label is no name that a view can have.
    case labelChanged(label: String, recordedAs: String)
    /// Nothing can be recorded under the label.
    case unusable(label: String, kind: String, reason: String)
    /// A dimension is left out, or has another key.
    case dimension(label: String, key: String, reason: String)
    /// There are as many as there may be.
    case limit(label: String, of: String, limit: Int)

    /// What is otherwise, and of which metric.
    public var description: String {
        switch self {
        case .labelTaken(let label, let kind, let name):
            "the \(kind) '\(label)' is recorded as '\(name)': a metric of another kind has its label"
        case .labelChanged(let label, let name):
            "the metric '\(label)' is recorded as '\(name)': a name is a letter, then letters, digits and '_', '.', '-', '/'"
        case .unusable(let label, let kind, let reason):
            "the \(kind) '\(label)' is not recorded: \(reason)"
        case .dimension(let label, let key, let reason):
            "dimension '\(key)' of metric '\(label)': \(reason)"
        case .limit(let label, let what, let limit):
            "metric '\(label)': there are \(limit) \(what) already, the most that there may be"
        }
    }
}
