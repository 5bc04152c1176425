package import Logging
package import WeirBatch

/// An exporter that is open for one sink, wherever it runs: in this process behind its table, or in a child.
///
/// Calls must not overlap, ``stop()`` excepted. ``close()`` is the last one.
package protocol OpenExporter: AnyObject, Sendable {
    /// The stream that the destination holds from an earlier process.
    var previousStream: StreamID? { get }

    /// Whether it gets batches when it asks for them.
    var collectsOnRequest: Bool { get }

    /// Delivers a header and, unless it ends a stream, the payload that belongs to it.
    ///
    /// - Parameter deadline: When the call should be over, by the monotonic clock.
    func deliver(_ header: FrameHeader, payload: [UInt8], deadline: UInt64) -> Delivery

    /// Asks a running call to return. May itself hang, in a plugin that breaks its word.
    func stop()

    func close()

    /// What the exporter counts itself.
    func counters() -> [ExporterCount]
}

extension OpenExporter {
    package var collectsOnRequest: Bool { false }
}

/// An exporter that can be opened, any number of times.
package protocol OpenableExporter: Sendable {
    /// Opens it for a sink.
    func open(for sink: SinkContext) throws(ExportError) -> any OpenExporter
}

/// What an exporter is opened with.
package struct SinkContext: Sendable {
    /// The sink's name.
    package var name: String
    /// As a user wrote them.
    package var settings: [String: String]
    package var logger: Logger
    package var time: TimeSource
    /// The exporter asks for so many batches more. Called on any thread, also before `open` has returned.
    package var demand: @Sendable (UInt64) -> Void
    /// The exporter asks for a batch of now. Called on any thread, also before `open` has returned.
    package var collect: @Sendable () -> Void

    package init(
        name: String, settings: [String: String], logger: Logger, time: TimeSource = .system,
        demand: @escaping @Sendable (UInt64) -> Void = { _ in }, collect: @escaping @Sendable () -> Void = {}
    ) {
        self.name = name
        self.settings = settings
        self.logger = logger
        self.time = time
        self.demand = demand
        self.collect = collect
    }
}

/// Something that an exporter counts itself.
package struct ExporterCount: Equatable, Sendable {
    /// `files.removed`.
    package var name: String
    /// UCUM.
    package var unit: String
    package var value: UInt64

    package init(name: String, unit: String, value: UInt64) {
        self.name = name
        self.unit = unit
        self.value = value
    }
}
