import Foundation
import Synchronization
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

/// One view with one row, whose value is the collection's number; of a delta, 1.
final class CountingSource: BatchSource {
    let collections = Signal()
    /// How long a collection takes.
    private let duration: UInt64
    private let temporality: ViewColumns.Temporality

    init(durationNanoseconds: UInt64 = 0, temporality: ViewColumns.Temporality = .cumulative) {
        duration = durationNanoseconds
        self.temporality = temporality
    }

    var count: UInt64 { collections.count }

    func collect(into batch: inout Batch) {
        let end = TimeSource.system.monotonic() + duration
        let number = collections.count + 1
        batch.startTime = number
        batch.endTime = number + 1
        batch.strings.removeAll()
        var view = ViewColumns()
        view.name = "collections"
        view.measure = "collections"
        view.unit = "1"
        view.rows = 1
        view.isMonotonic = true
        view.temporality = temporality
        view.startTimes = [temporality == .delta ? number : 1]
        view.integers = [temporality == .delta ? 1 : Int64(number)]
        batch.views = [view]
        while TimeSource.system.monotonic() < end {}
        collections.fire()
    }
}

extension PipelineReport {
    /// How many batches a sink had been offered: all collections, unless the machine was too busy for the last one to end
    /// by the deadline.
    func offered(_ source: CountingSource, sink: Int = 0) -> UInt64 {
        isComplete ? source.count : sinks[sink].accounts.offered.batches
    }
}

/// What a test does to one exporter, and what that one got.
final class Destination: Sendable {
    struct State {
        var frames: [[UInt8]] = []
        var facts: [FrameFacts] = []
        var endMarks: [FrameFacts] = []
        var results: [DeliveryResult] = []
        var isClosed = false
        var wasStopped = false
        /// Everything that came, end marks too, by header.
        var headers: [FrameHeader] = []
        /// Whether no exporter can be opened.
        var refuses = false
        var opened = 0
        var closed = 0
        var hangs = 0
    }

    enum Behaviour: Sendable, Equatable {
        /// Takes all.
        case accepting
        /// Never returns from a delivery, until ``release()``; deaf to ``Exporter/stop()``.
        case hanging
        /// Returns from a delivery when asked to stop.
        case stoppable
        /// Does that, too, but does not come back from being asked until ``release()``.
        case stoppableSlowly
        /// Never succeeds.
        case failing
        /// Succeeds once it is released.
        case failingUntilReleased
        /// Will never take anything.
        case rejecting
        /// Takes all, one after the other.
        case slow(nanoseconds: UInt64)
    }

    let behaviour: Behaviour
    /// Whether only one exporter at a time may have it, as with a port.
    let isExclusive: Bool
    /// Whether nothing can be delivered at this moment, whatever the behaviour.
    let isAway = Atomic<Bool>(false)
    /// Runs while an exporter is being opened.
    let opening = Mutex<@Sendable () -> Void>({})
    /// Fires when the exporter does anything.
    let changes = Signal()
    private let condition = NSCondition()
    private let shared = Mutex(State())
    private let isReleased = Atomic<Bool>(false)
    private static let all = Mutex<[String: Destination]>([:])
    let id = UUID().uuidString

    init(_ behaviour: Behaviour, isExclusive: Bool = false) {
        self.behaviour = behaviour
        self.isExclusive = isExclusive
        Self.all.withLock { $0[id] = self }
    }

    static func find(_ id: String) -> Destination? { all.withLock { $0[id] } }

    var state: State { shared.withLock { $0 } }

    func update(_ body: (inout State) -> Void) {
        shared.withLock { body(&$0) }
        changes.fire()
        condition.lock()
        condition.broadcast()
        condition.unlock()
    }

    /// Lets a hanging delivery return.
    func release() {
        isReleased.store(true, ordering: .relaxed)
        condition.lock()
        condition.broadcast()
        condition.unlock()
    }

    var wasReleased: Bool { isReleased.load(ordering: .relaxed) }

    /// How many calls hang, or did.
    var hangs: Int { shared.withLock { $0.hangs } }

    func hang(unless isOver: (State) -> Bool) {
        update { $0.hangs += 1 }
        condition.lock()
        while !isReleased.load(ordering: .relaxed) && !isOver(state) { condition.wait() }
        condition.unlock()
    }

    /// - Parameter bounds: By default wide enough for a machine that is busy with other tests.
    func sink(
        _ name: String, bounds: QueueBounds = QueueBounds(batches: 1_000_000, bytes: 1 << 40),
        policy: any QueuePolicy = DropOldest()
    ) throws -> SinkConfiguration {
        try SinkConfiguration(
            name: name, exporter: unsafe PluginTable(builtIn: TestExporter.plugin.table), settings: ["id": id],
            bounds: bounds, policy: policy)
    }
}

/// An exporter that does as its ``Destination`` says.
final class TestExporter: Exporter {
    static let idSetting = Setting("id", .text(length: 1...100), default: nil, "Which destination.")
    static let kind = ExporterKind(name: "test", version: "1", settings: [idSetting])
    static let plugin = ExporterPlugin(TestExporter.self)

    private let destination: Destination

    init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        let id = settings.text(Self.idSetting)
        guard let destination = Destination.find(id) else { throw ExporterError("no destination \(id)") }
        guard !destination.state.refuses else { throw ExporterError("refused") }
        guard !destination.isExclusive || destination.state.opened == destination.state.closed else {
            throw ExporterError("in use")
        }
        destination.opening.withLock { $0 }()
        destination.update { $0.opened += 1 }
        self.destination = destination
    }

    func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        let facts = frame.facts
        let header = frame.withBytes { header, _ in
            unsafe header.withUnsafeBytes { unsafe try? FrameHeader(decoding: Array($0)) }
        }
        if facts.isEndMark {
            destination.update { state in
                state.endMarks.append(facts)
                if let header { state.headers.append(header) }
            }
            return .delivered
        }
        if destination.isAway.load(ordering: .relaxed) { return .retry(message: "away") }
        switch destination.behaviour {
        case .accepting: break
        case .hanging: destination.hang { _ in false }
        case .stoppable, .stoppableSlowly:
            destination.hang { $0.wasStopped }
            return .retry(message: "asked to stop")
        case .failing: return .retry(message: "away")
        case .failingUntilReleased:
            if !destination.wasReleased { return .retry(message: "away") }
        case .rejecting: return .rejected(message: "not this")
        case .slow(let nanoseconds):
            let end = TimeSource.system.monotonic() + nanoseconds
            while TimeSource.system.monotonic() < end {}
        }
        let payload = frame.withBytes { _, payload in
            unsafe payload.withUnsafeBytes { unsafe Array($0) }
        }
        destination.update { state in
            state.frames.append(payload)
            state.facts.append(facts)
            if let header { state.headers.append(header) }
        }
        return .delivered
    }

    func stop() {
        destination.update { $0.wasStopped = true }
        if [.hanging, .stoppableSlowly].contains(destination.behaviour) { destination.hang { _ in false } }
    }

    func close() {
        destination.update { state in
            state.isClosed = true
            state.closed += 1
        }
    }
}

extension Pipeline {
    func end(deadlineNanoseconds: UInt64 = 30_000_000_000) async -> PipelineReport {
        await withCheckedContinuation { continuation in
            shutdown(deadlineNanoseconds: deadlineNanoseconds) { continuation.resume(returning: $0) }
        }
    }

    static func started(
        _ source: any BatchSource, _ sinks: [SinkConfiguration], intervalNanoseconds: Int64 = 5_000_000,
        totalBytes: Int = 1 << 40
    ) throws -> Pipeline {
        var configuration = Configuration()
        configuration.intervalNanoseconds = intervalNanoseconds
        configuration.totalBytes = totalBytes
        let pipeline = try Pipeline(configuration, source: source, sinks: sinks)
        try pipeline.start()
        return pipeline
    }
}
