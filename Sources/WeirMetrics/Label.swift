internal import CoreMetrics
internal import Synchronization
internal import WeirRecording

/// How labels become views, whatever they are called.
struct LabelSettings: Sendable {
    let recorders: Aggregation
    let timers: Aggregation?
    let descriptions: [String: String]
    let seriesLimit: Int
}

/// Which series of a label.
enum SeriesTarget: Sendable {
    case tags(Tags)
    case overflow
}

/// One label of one kind: a measure, and a view of it that keeps all tags.
///
/// The view is registered when the first recorder is bound: for timers that is the first time that is recorded, before
/// which the display unit that decides on their bounds may be told.
final class Label: Sendable {
    let kind: MetricKind
    /// Which factory's.
    let factory: Int
    /// Combinations of dimensions that have a handle.
    let handleCount = Atomic<Int>(0)

    private let label: String
    /// What the view is called: the first where no other view is called so, or else the second.
    private let names: [String]
    private let settings: LabelSettings
    private let stats: Stats
    private let reporter: ProblemReporter
    private let lock = Lock()
    // Sendable: under the lock.
    nonisolated(unsafe) private var measure: LabelMeasure?
    nonisolated(unsafe) private var unit: TimeUnit?
    /// Whether the unit may have been asked for.
    nonisolated(unsafe) private var isDecided = false

    private enum LabelMeasure {
        case integers(Measure<Int64>)
        case doubles(Measure<Double>)
        case unusable
    }

    init(
        _ label: String, _ kind: MetricKind, names: [String], of factory: Int, in stats: Stats,
        _ settings: LabelSettings,
        _ reporter: ProblemReporter
    ) {
        self.label = label
        self.kind = kind
        self.factory = factory
        self.names = names
        self.stats = stats
        self.settings = settings
        self.reporter = reporter
    }

    /// Notes the unit that a timer is best shown in; the first one counts, and only before anything was recorded.
    func prefer(_ unit: TimeUnit) {
        lock.withLock { if unsafe self.unit == nil && !isDecided { unsafe self.unit = unit } }
    }

    /// A recorder of Doubles; `nil` where the label cannot be recorded.
    func doubleRecorder(_ target: SeriesTarget, _ problems: inout [MetricsProblem]) -> WeirRecording.Recorder<Double>? {
        guard case .doubles(let measure) = registered(&problems) else { return nil }
        return recorder(of: measure, target)
    }

    /// The same for one who has nobody to hand problems to, and holds no lock.
    func doubleRecorder(_ target: SeriesTarget) -> WeirRecording.Recorder<Double>? {
        var problems: [MetricsProblem] = []
        let recorder = doubleRecorder(target, &problems)
        problems.forEach(reporter.report)
        return recorder
    }

    /// A recorder of whole numbers; `nil` where the label cannot be recorded.
    func integerRecorder(_ target: SeriesTarget, _ problems: inout [MetricsProblem]) -> WeirRecording.Recorder<Int64>? {
        guard case .integers(let measure) = registered(&problems) else { return nil }
        return recorder(of: measure, target)
    }

    private func recorder<Value>(of measure: Measure<Value>, _ target: SeriesTarget) -> WeirRecording.Recorder<Value> {
        switch target {
        case .tags(let tags): measure.bound(to: tags, in: stats)
        case .overflow: measure.boundToOverflow(in: stats)
        }
    }

    // MARK: - The view

    /// Registers the view, unless it is. Not under a lock: rules may have something to say about it, to anybody.
    func prepare(_ problems: inout [MetricsProblem]) {
        _ = registered(&problems)
    }

    private func registered(_ problems: inout [MetricsProblem]) -> LabelMeasure {
        let (known, unit) = lock.withLock { () -> (LabelMeasure?, TimeUnit?) in
            unsafe isDecided = true
            return unsafe (self.measure, self.unit)
        }
        if let known { return known }
        // Threads that come together register the same view, which changes nothing the second time.
        let (made, problem) = register(unit)
        if let problem { problems.append(problem) }
        return lock.withLock {
            if let measure = unsafe measure { return measure }
            unsafe measure = made
            return made
        }
    }

    private func register(_ unit: TimeUnit?) -> (LabelMeasure, MetricsProblem?) {
        var reason = "'\(names.joined(separator: "' and '"))' are in use by others"
        for (index, name) in names.enumerated() {
            let (view, measure) = view(name, unit)
            do throws(StatsError) {
                try stats.register([view])
                let isOther = index > 0
                return (measure, isOther ? .labelTaken(label: label, kind: kind.word, recordedAs: name) : nil)
            } catch {
                switch error {
                case .viewConflict, .measureConflict: continue
                default: reason = error.description
                }
            }
            break
        }
        return (.unusable, .unusable(label: label, kind: kind.word, reason: reason))
    }

    private func view(_ name: String, _ displayUnit: TimeUnit?) -> (View, LabelMeasure) {
        let description = settings.descriptions[label] ?? ""
        // swift-metrics does not tell units; `1` would say that a gauge is a ratio.
        let unit: MeasureUnit = ""
        func view<Value>(_ measure: Measure<Value>, _ aggregation: Aggregation) -> View {
            View(name, of: measure, as: aggregation, description: description, seriesLimit: settings.seriesLimit)
                .keepingAllTags()
        }
        switch kind {
        case .counter:
            let measure = Measure<Int64>(name, unit: unit, description: description)
            return (view(measure, .sum), .integers(measure))
        case .floatingPointCounter:
            let measure = Measure<Double>(name, unit: unit, description: description)
            return (view(measure, .sum), .doubles(measure))
        case .gauge:
            let measure = Measure<Double>(name, unit: unit, description: description)
            return (view(measure, .lastValue), .doubles(measure))
        case .recorder:
            let measure = Measure<Double>(name, unit: unit, description: description)
            return (view(measure, settings.recorders), .doubles(measure))
        case .timer:
            let measure = Measure<Double>(name, unit: .seconds, description: description)
            let aggregation = settings.timers ?? .distribution(bounds: displayUnit?.boundsInSeconds)
            return (view(measure, aggregation), .doubles(measure))
        }
    }
}

extension TimeUnit {
    /// Bounds of a distribution for times that are best shown in this unit; `nil` for those of seconds.
    fileprivate var boundsInSeconds: [Double]? {
        switch self {
        case .nanoseconds: [1e-8, 3e-8, 1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2, 0.1, 1]
        case .microseconds: [1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 10]
        case .minutes: [1, 5, 10, 30, 60, 120, 300, 600, 900, 1_200, 1_800, 2_700, 3_600, 7_200]
        case .hours: [60, 300, 600, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 28_800, 43_200, 86_400, 172_800]
        case .days: [3_600, 14_400, 43_200, 86_400, 172_800, 259_200, 432_000, 604_800, 1_209_600, 2_592_000]
        default: nil
        }
    }
}
