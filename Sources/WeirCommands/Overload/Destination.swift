internal import Synchronization
internal import WeirExport
internal import WeirExporterKit

/// Where one pipeline's batches arrive, each after a delay.
final class Destination: Sendable {
    /// What came.
    struct Arrivals: Sendable {
        var ages = Ages()
        /// Whether each batch was newer than the one before.
        var isOrdered = true
        fileprivate var newest: UInt64 = 0
    }

    let delayNanoseconds: UInt64
    private let arrivals = Mutex(Arrivals())

    init(delayNanoseconds: UInt64) {
        self.delayNanoseconds = delayNanoseconds
    }

    var current: Arrivals { arrivals.withLock { $0 } }

    fileprivate func arrived(_ facts: FrameFacts, at time: UInt64) {
        arrivals.withLock { arrivals in
            arrivals.ages.add(nanoseconds: time > facts.endTime ? time - facts.endTime : 0)
            if facts.numbers.lowerBound <= arrivals.newest { arrivals.isOrdered = false }
            arrivals.newest = max(arrivals.newest, facts.numbers.upperBound)
        }
    }

    // MARK: - By name

    /// An exporter is made from settings, which are texts.
    private static let open = Mutex<[String: Destination]>([:])

    /// Makes it known, until ``close(_:)``.
    func register() -> String {
        Self.open.withLock { open in
            var name = "\(UInt64.random(in: .min ... .max))"
            while open[name] != nil { name += "0" }
            open[name] = self
            return name
        }
    }

    static func close(_ name: String) { open.withLock { $0[name] = nil } }

    static func named(_ name: String) -> Destination? { open.withLock { $0[name] } }
}

/// Delivers to a ``Destination``, by taking its time.
final class SlowExporter: Exporter {
    static let destination = Setting("destination", .text(length: 1...64), default: nil, "Where batches arrive.")
    static let kind = ExporterKind(name: "overload", version: "1", settings: [destination])

    private let destination: Destination
    private let host: ExporterHost
    private let isStopped = Monitor(false)

    init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        let name = settings.text(Self.destination)
        guard let destination = Destination.named(name) else { throw ExporterError("no destination \(name)") }
        self.destination = destination
        self.host = host
    }

    func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        if frame.facts.isEndMark { return .delivered }
        let (end, overflow) = host.monotonicNanoseconds().addingReportingOverflow(destination.delayNanoseconds)
        let isStopped = isStopped.wait { isStopped, until -> Bool? in
            if isStopped { return true }
            until = overflow ? nil : end
            return !overflow && host.monotonicNanoseconds() >= end ? false : nil
        }
        if isStopped { return .retry(message: "asked to stop") }
        destination.arrived(frame.facts, at: host.wallNanoseconds())
        return .delivered
    }

    func stop() { isStopped.withLock { $0 = true } }

    func close() {}
}
