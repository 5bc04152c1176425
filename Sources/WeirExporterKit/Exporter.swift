/// Delivers batches to one kind of destination: the contract between Weir and whoever writes an exporter.
///
/// An exporter is made once for each sink that an application configures, and asked to deliver one frame after the
/// other. What the host promises:
///
/// - Calls to one exporter never overlap, ``stop()`` excepted, so it needs no lock against itself. They may come from
///   different threads. Two exporters of one kind are called side by side.
/// - Settings were checked against ``kind`` before ``init(settings:host:)``: each is present, of its kind and in range.
/// - A frame is delivered until it is ``DeliveryResult/delivered``, given up by its result, or dropped by the queue
///   before this sink. A frame that comes again has the same bytes, the same stream and the same number.
/// - A call may block. The host then drops batches from this sink's queue, and nobody else notices.
///
/// What it expects in turn:
///
/// - Results are honest. ``DeliveryResult/delivered`` is said only of what the destination has.
/// - No frame, span or pointer outlives the call that brought it.
/// - Nothing exits the process, changes its signal handlers or writes to its standard streams; words for the operator
///   go to ``ExporterHost/log``.
/// - Memory is bounded: an exporter that buffers says by how much, and answers
///   ``DeliveryResult/retry(after:attemptLimit:message:)`` when it is full.
public protocol Exporter: AnyObject, Sendable {
    /// What this exporter is called and which settings it knows.
    static var kind: ExporterKind { get }

    /// Makes an exporter for one sink. Called on the thread that starts exporting.
    ///
    /// - Throws: ``ExporterError``, whose text the application sees: what is wrong, where, and what would be right.
    init(settings: Settings, host: ExporterHost) throws(ExporterError)

    /// The stream that this sink wrote before the process started, where the destination still knows it. Read once,
    /// before the first delivery.
    var previousStream: StreamName? { get }

    /// Delivers one frame. An end mark (``FrameFacts/isEndMark``) has no payload, is the last frame of all and is not
    /// tried again: an exporter that buffers sends what it has.
    func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult

    /// What this exporter counts itself, in the same order each time. Read after a delivery.
    var counters: [ExporterCounter] { get }

    /// Asks a running ``deliver(_:)`` to come back soon, with a retry unless it has succeeded. Called at a shutdown's
    /// deadline, from another thread and at most once; it must return at once.
    func stop()

    /// The last call: frees what the exporter holds.
    func close()
}

extension Exporter {
    /// None: most destinations cannot be asked.
    public var previousStream: StreamName? { nil }

    /// None.
    public var counters: [ExporterCounter] { [] }

    /// Does nothing: right for an exporter whose calls are short or bounded by ``DeliveryFrame/deadline``.
    public func stop() {}
}

/// Why an exporter could not be made.
public struct ExporterError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, where, and what would be right.
    public var description: String

    /// Whether trying again later may help: the destination is away, not misnamed.
    public var isTransient: Bool

    /// Makes an error from a sentence for the operator.
    public init(_ description: String, isTransient: Bool = false) {
        self.description = description
        self.isTransient = isTransient
    }
}

/// Something that an exporter counts itself. It only grows, and is exported as `weir.exporter.<name>`.
public struct ExporterCounter: Equatable, Sendable {
    /// `files.removed`.
    public var name: StaticString
    /// UCUM: `{file}`, `By`.
    public var unit: StaticString
    /// The count since the exporter was made.
    public var value: UInt64

    /// Makes a counter.
    public init(_ name: StaticString, unit: StaticString, value: UInt64) {
        self.name = name
        self.unit = unit
        self.value = value
    }

    /// Equal when name, unit and value are.
    public static func == (left: Self, right: Self) -> Bool {
        left.name.description == right.name.description && left.unit.description == right.unit.description
            && left.value == right.value
    }
}
