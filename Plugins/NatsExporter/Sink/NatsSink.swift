private import Dispatch
private import Synchronization
public import WeirExporterKit

/// Publishes batches to JetStream: one message a batch, acknowledged by the stream before the next one goes.
///
/// A message is a frame as it stands in a batch file, so that messages one behind the other are one. Its `Nats-Msg-Id` is
/// made of the frame's stream and numbers: a frame that is sent again because its acknowledgement was not seen is stored
/// once.
///
/// Calls block on the network, at most as long as the settings say. ``stop()`` ends the connection, and with it the call.
public final class NatsSink: Exporter {
    private struct Counts {
        var opened: UInt64 = 0
        var lost: UInt64 = 0
        var duplicates: UInt64 = 0
    }

    /// What it is called and which settings it knows.
    public static let kind = ExporterKind(name: "nats", version: "1.0.0", settings: NatsSettings.all)

    /// The exporter as hosts see it.
    public static let plugin = ExporterPlugin(NatsSink.self)

    /// The stream of the newest message of the subject.
    public let previousStream: StreamName?

    private let settings: NatsSettings
    private let host: ExporterHost
    private let connection: Mutex<NatsConnection?>
    private let counts: Mutex<Counts>
    /// Whether the stream is known to be there.
    private let hasStream = Atomic<Bool>(false)
    // Relaxed: a request that may be seen late.
    private let isStopping = Atomic<Bool>(false)
    /// Whoever ends a connection for ``stop()``.
    private let closing = DispatchGroup()

    /// Connects, where a server answers at once; the first batch connects otherwise.
    ///
    /// - Throws: ``ExporterError`` for settings that cannot be, and files that cannot be read. A server that refuses the
    ///   login is asked again with each batch.
    public init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        do throws(NatsError) {
            self.settings = try NatsSettings(settings)
            try NatsLibrary.open()
        } catch {
            throw ExporterError(error.description)
        }
        self.host = host
        counts = Mutex(Counts())
        var previous: StreamName?
        var first: NatsConnection?
        do throws(NatsError) {
            let milliseconds = Self.milliseconds(self.settings.connectTimeout)
            let made = try Self.connect(self.settings, milliseconds: milliseconds / Int64(self.settings.servers.count))
            previous = made.lastHeader(
                Header.stream, of: self.settings.subject, in: self.settings.stream.name, milliseconds: milliseconds
            ).flatMap(StreamName.init(hexadecimal:))
            first = made
        } catch {
            if case .fatal(let message) = error.result {
                NatsLibrary.close()
                throw ExporterError(message)
            }
            if case .file = error {
                NatsLibrary.close()
                throw ExporterError(error.description)
            }
            host.log(.warning, error.description)
        }
        previousStream = previous
        if first != nil { counts.withLock { $0.opened = 1 } }
        connection = Mutex(first)
    }

    /// Publishes a frame, an end mark likewise.
    public func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        do throws(NatsError) {
            let facts = frame.facts
            // An end mark is the last there is, also of a sink that was asked to stop.
            guard !isStopping.load(ordering: .relaxed) || facts.isEndMark else {
                return .retry(message: "asked to stop")
            }
            let connection = try openConnection(before: frame.deadline)
            try prepareStream(over: connection, before: frame.deadline)
            let answer = try connection.publish(
                frame.bytes, to: settings.subject, stream: settings.stream.name, headers: Header.all(of: facts),
                milliseconds: milliseconds(settings.publishTimeout, before: frame.deadline))
            if answer.isDuplicate { counts.withLock { $0.duplicates += 1 } }
            return .delivered
        } catch {
            if case .noStream = error { hasStream.store(false, ordering: .relaxed) }
            if error.condemnsConnection { dropConnection() }
            return error.result
        }
    }

    /// Connections, and messages that the stream had already.
    public var counters: [ExporterCounter] {
        counts.withLock { counts in
            [
                ExporterCounter("connections.opened", unit: "{connection}", value: counts.opened),
                ExporterCounter("connections.lost", unit: "{connection}", value: counts.lost),
                ExporterCounter("messages.deduplicated", unit: "{message}", value: counts.duplicates),
            ]
        }
    }

    /// Ends the connection on a thread of its own: a write that is blocked holds it up.
    public func stop() {
        isStopping.store(true, ordering: .relaxed)
        guard let connection = connection.withLock({ $0 }) else { return }
        DispatchQueue.global().async(group: closing) { connection.close() }
    }

    /// Ends the connection, and the library's threads where nobody else uses them.
    public func close() {
        closing.wait()
        connection.withLock { $0 = nil }
        NatsLibrary.close()
    }

    // MARK: - Connections

    private func openConnection(before deadline: UInt64) throws(NatsError) -> NatsConnection {
        if isStopping.load(ordering: .relaxed) {
            // The one that is being ended is of no use to an end mark.
            let patience = milliseconds(settings.connectTimeout, before: deadline)
            _ = closing.wait(timeout: .now() + .milliseconds(Int(patience)))
            dropConnection()
        }
        if let connection = connection.withLock({ $0 }) {
            if connection.isOpen { return connection }
            dropConnection()
        }
        let made = try Self.connect(
            settings, milliseconds: milliseconds(settings.connectTimeout, before: deadline),
            unless: { self.isStopping.load(ordering: .relaxed) })
        connection.withLock { $0 = made }
        counts.withLock { $0.opened += 1 }
        return made
    }

    private func dropConnection() {
        let dropped = connection.withLock { connection in
            defer { connection = nil }
            return connection
        }
        if dropped != nil { counts.withLock { $0.lost += 1 } }
    }

    /// The first server that answers, in an order of chance, so that many processes spread over a cluster.
    ///
    /// - Parameter milliseconds: How long one server may take.
    private static func connect(
        _ settings: NatsSettings, milliseconds: Int64, unless isStopping: () -> Bool = { false }
    ) throws(NatsError) -> NatsConnection {
        var failure: NatsError?
        for server in settings.servers.shuffled() {
            do throws(NatsError) {
                return try NatsConnection(to: server, settings, milliseconds: max(milliseconds, 1))
            } catch {
                // One that refuses says more than one that is away.
                if case .refused? = failure {} else { failure = error }
            }
            if isStopping() { break }
        }
        throw failure ?? .unreachable(server: "a server", reason: "none is named")
    }

    private func prepareStream(over connection: NatsConnection, before deadline: UInt64) throws(NatsError) {
        guard settings.createsStream, !hasStream.load(ordering: .relaxed) else { return }
        let isAsDescribed = try connection.makeStream(
            settings.stream, subject: settings.subject,
            milliseconds: milliseconds(settings.publishTimeout, before: deadline))
        if !isAsDescribed {
            host.log(.warning, "the stream \(settings.stream.name) is there with other settings, and stays as it is")
        }
        hasStream.store(true, ordering: .relaxed)
    }

    // MARK: - Time

    /// How long something may take that should be over by the host's deadline.
    private func milliseconds(_ nanoseconds: UInt64, before deadline: UInt64) -> Int64 {
        let now = host.monotonicNanoseconds()
        return Self.milliseconds(min(nanoseconds, deadline > now ? deadline - now : 0))
    }

    private static func milliseconds(_ nanoseconds: UInt64) -> Int64 { max(Int64(nanoseconds / 1_000_000), 1) }
}
