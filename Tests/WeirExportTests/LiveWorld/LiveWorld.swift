import Synchronization
import WeirBatch
import WeirTestSupport

@testable import WeirExport
@testable import WeirRecording

/// An application, its clock, its configuration and its destinations: driven by one seed, and held against a ``LiveModel``.
final class LiveWorld {
    /// One destination, and what may change of the sink that leads there.
    struct Sink {
        let name: String
        let isDelta: Bool
        let destination: Destination
        var intervalNanoseconds: Int64
        var level: Int32 = 1
        var match: [String]?
        var isThere = true
        var bounds = QueueBounds(batches: 1_000_000, bytes: 1 << 40)
    }

    static let (key, detail): (TagKey, TagKey) = ("world.key", "world.detail")
    static let growing = ["a/sum", "t/sum", "t/spread", "c/sum"]

    let clock = SetClock(tick: 100)
    let log = LogLines()
    var random: SeededGenerator
    var model = LiveModel()
    var sinks: [Sink]
    /// What happened, for whoever looks for a fault.
    var events: [String] = []
    var problems: [String] = []
    var rules = ViewRules()

    private(set) var stats: Stats
    private var pipeline: Pipeline?
    private(set) var recorders: Recorders
    let callback = HangingCallback()
    private var observation: Observation?

    let amounts = Measure<Int64>("world.amounts"), levels = Measure<Int64>("world.levels")
    let times = Measure<Double>("world.times"), gauges = Measure<Double>("world.gauges")
    let resets = Measure<Double>("world.resets")

    /// Held for the life of an instance: their series are not forgotten.
    struct Recorders {
        let amounts: Recorder<Int64>
        let times: Recorder<Double>
        let resets: Recorder<Double>
    }

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        func sink(_ name: String, isDelta: Bool, milliseconds: Int64) -> Sink {
            Sink(
                name: name, isDelta: isDelta, destination: Destination(.accepting),
                intervalNanoseconds: milliseconds * 1_000_000)
        }
        sinks = [
            sink("totals", isDelta: false, milliseconds: 1), sink("deltas", isDelta: true, milliseconds: 1),
            sink("slow", isDelta: true, milliseconds: 3), sink("lossy", isDelta: true, milliseconds: 1),
            sink("guest", isDelta: true, milliseconds: 2),
        ]
        sinks[3].bounds = QueueBounds(batches: 3, bytes: 1 << 40)
        stats = Stats(stripes: try StripeSet(cells: 1 << 14), clock: clock.clock)
        recorders = try Self.register(in: stats, amounts, levels, times, gauges, resets)
        try begin()
    }

    private static func register(
        in stats: Stats, _ amounts: Measure<Int64>, _ levels: Measure<Int64>, _ times: Measure<Double>,
        _ gauges: Measure<Double>, _ resets: Measure<Double>
    ) throws -> Recorders {
        let keys = [key, detail]
        try stats.register(
            View("a/sum", of: amounts, by: keys, as: .sum), View("l/level", of: levels, by: keys, as: .upDownSum),
            View("t/sum", of: times, by: keys, as: .sum),
            View("t/spread", of: times, by: keys, as: .distribution(bounds: [1, 10], extremes: true, squares: true)),
            View("g/last", of: gauges, by: keys, as: .lastValue), View("c/sum", of: resets, as: .sum))
        return Recorders(
            amounts: amounts.bound(to: tags(0, 0), in: stats), times: times.bound(to: tags(0, 0), in: stats),
            resets: resets.bound(in: stats))
    }

    static func tags(_ key: Int, _ detail: Int) -> Tags { Tags([(Self.key, "k\(key)"), (Self.detail, "d\(detail)")]) }

    /// The tags as a reader sees them.
    static func text(_ key: Int, _ detail: Int) -> String { "world.detail=d\(detail),world.key=k\(key)" }

    // MARK: - Export

    private func configurations() throws -> [SinkConfiguration] {
        try sinks.filter(\.isThere).map { sink in
            var made = try sink.destination.sink(sink.name, bounds: sink.bounds)
            made.temporality = sink.isDelta ? .delta : .cumulative
            made.intervalNanoseconds = sink.intervalNanoseconds
            made.level = sink.level
            made.match = sink.match
            made.breaker = Breaker(pause: 1_000_000)
            made.retry = Retry(first: 200_000, longest: 500_000)
            return made
        }
    }

    private var configuration: Pipeline.Configuration {
        var configuration = Pipeline.Configuration()
        configuration.intervalNanoseconds = 1_000_000
        configuration.totalBytes = 1 << 40
        return configuration
    }

    /// Export begins.
    private func begin() throws {
        let collector = Collector(stats: stats, runner: CallbackRunner(patience: 2_000_000, handover: 500_000))
        observation = Gauge("world.observed", in: stats).observe { [callback] in callback.call() }
        let running = try Pipeline(configuration, source: collector, sinks: configurations(), logger: log.logger)
        try running.start()
        pipeline = running
    }

    /// Export ends, and all is delivered but what a sink that is away cannot take.
    private func end() async {
        callback.release()
        for sink in sinks { sink.destination.isAway.store(false, ordering: .relaxed) }
        guard let report = await pipeline?.end() else { return }
        // The callback may not have come back yet, and then the report says so.
        if !report.hasLastCollection { problems.append("there was no last collection") }
        for sink in report.sinks where sink.accounts.imbalance != nil {
            problems.append("\(sink.name) is not balanced")
        }
        pipeline = nil
        observation = nil
    }

    func restartExport() async throws {
        await end()
        try begin()
    }

    /// The process ends, and another one begins: with nothing in its series.
    func restartProcess() async throws {
        await end()
        model.forgetAll()
        stats = Stats(stripes: try StripeSet(cells: 1 << 14), clock: clock.clock)
        recorders = try Self.register(in: stats, amounts, levels, times, gauges, resets)
        try stats.apply(rules)
        try begin()
    }

    func reconfigure(unchanged: Set<String>) throws {
        try pipeline?.reconfigure(configuration, sinks: configurations(), unchanged: unchanged)
    }

    /// Waits until all that was recorded so far has been collected.
    func settle() async {
        guard let pipeline else { return }
        let seen = pipeline.counts.collections
        // The sink of totals gets something of every collection.
        await sinks[0].destination.changes.wait { pipeline.counts.collections >= seen + 2 }
    }

    // MARK: - The end

    /// Ends all, and says what is not as it must be.
    func judge() async throws -> [String] {
        callback.release()
        for index in sinks.indices {
            sinks[index].match = nil
            sinks[index].isThere = true
            model.comeBack(sinks[index].name)
        }
        try stats.apply(ViewRules())
        model.hide([])
        for name in model.unwanted.keys { model.unwanted[name] = [] }
        try reconfigure(unchanged: [])
        await settleEnds()
        await end()
        for sink in sinks { try judge(sink) }
        return problems
    }

    /// Waits until what ended is told: no reader may have it any more, and tests beside this one are readers too.
    private func settleEnds() async {
        repeat {
            await settle()
        } while stats.hasDepartures
            || stats.withState { state in unsafe state.gate.retiredCount + state.ended.count > 0 }
    }

    private func judge(_ sink: Sink) throws {
        var told = LiveTold()
        var decoder = try BatchDecoder()
        let state = sink.destination.state
        var frames = state.frames.makeIterator()
        for header in state.headers {
            told.add(header, header.isEndMark ? nil : try frames.next().map { try decoder.decode($0, header: header) })
        }
        problems += told.problems.map { "\(sink.name): \($0)" }
        if told.missing != told.named {
            problems.append("\(sink.name): \(told.missing) numbers are missing, gaps name \(told.named)")
        }
        // What a gap names is no fault.
        let isWhole = told.missing == 0 && !model.mayMiss.contains(sink.name)
        for view in Self.growing {
            let (found, wanted) = (told.growth(view, isDelta: sink.isDelta), model.growth[sink.name]?[view]?.sum ?? 0)
            if found != wanted, isWhole || found > wanted {
                problems.append("\(sink.name): \(view) is \(found), and was \(wanted)")
            }
        }
        let (count, wanted) = (
            told.count("t/spread", isDelta: sink.isDelta), model.growth[sink.name]?["t/spread"]?.count ?? 0
        )
        if count != wanted, isWhole || count > wanted {
            problems.append("\(sink.name): t/spread counts \(count), and had \(wanted)")
        }
        let level = told.levels("l/level").values.reduce(0, +)
        if level != model.level("l/level") {
            problems.append("\(sink.name): l/level is \(level), and was \(model.level("l/level"))")
        }
        if told.levels("g/last") != model.lasts["g/last"] ?? [:] {
            problems.append("\(sink.name): g/last is \(told.levels("g/last")), and was \(model.lasts["g/last"] ?? [:])")
        }
    }
}

/// An observed value whose callback hangs on demand.
final class HangingCallback: Sendable {
    private let isHanging = Monitor(false)

    func call() -> Double { isHanging.wait { isHanging, _ in isHanging ? nil : 7 } }
    func hang() { isHanging.withLock { $0 = true } }
    func release() { isHanging.withLock { $0 = false } }
}
