/// One frame on its way to a destination: its bytes, and the facts of its header. Lives as long as the call that
/// brought it: it cannot be copied, so that nobody keeps it.
@safe
public struct DeliveryFrame: ~Copyable {
    /// What the header says.
    public let facts: FrameFacts

    /// When the host would like the call to have returned, by ``ExporterHost/monotonicNanoseconds``.
    public let deadline: UInt64

    private let header: UnsafeRawBufferPointer
    private let payload: UnsafeRawBufferPointer
    private let host: HostTable?

    /// - Parameter header: Must stay valid as long as the frame lives; `payload` likewise.
    @unsafe
    package init(
        facts: FrameFacts, deadline: UInt64 = .max, header: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) {
        unsafe self.init(facts: facts, deadline: deadline, header: header, payload: payload, host: nil)
    }

    /// - Parameter host: Reads the columns.
    @unsafe
    init(
        facts: FrameFacts, deadline: UInt64, header: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer,
        host: HostTable?
    ) {
        self.facts = facts
        self.deadline = deadline
        unsafe self.header = header
        unsafe self.payload = payload
        self.host = host
    }

    /// Shows the header, a zstd skippable frame, and the payload, a standard zstd frame that is empty in an end mark.
    /// Written one after the other, they are a piece of a Weir batch file.
    public func withBytes<Result, Failure: Error>(
        _ body: (_ header: RawSpan, _ payload: RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(header.bytes, payload.bytes)
    }

    /// Header and payload, one behind the other, as a piece of a Weir batch file.
    package var bytes: [UInt8] {
        withBytes { header, payload in
            var bytes: [UInt8] = []
            bytes.reserveCapacity(header.byteCount + payload.byteCount)
            unsafe header.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
            unsafe payload.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
            return bytes
        }
    }

    /// Shows what the payload holds, as the host reads it: an exporter needs neither zstd nor protobuf.
    ///
    /// - Returns: nil where there is nothing to read: the frame is an end mark, its payload is damaged, or the host is
    ///   older than this. An exporter that cannot do without says so in ``ExporterKind/needsColumns``.
    public func withBatch<Result, Failure: Error>(
        _ body: (borrowing DeliveredBatch) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard let batch = host?.readBatch() else { return nil }
        return try body(batch)
    }

    /// Header and payload together, in bytes.
    public var length: Int { unsafe header.count + payload.count }
}

/// What a frame's header says.
public struct FrameFacts: Equatable, Sendable {
    /// Which stream of batches.
    public var stream: StreamName
    /// The numbers of the stream that the frame covers, from 1.
    public var numbers: ClosedRange<UInt64>
    /// Part ``part`` of ``parts`` of one collection.
    public var part: UInt32
    /// How many parts the collection has.
    public var parts: UInt32
    /// When the batch's time begins. Nanoseconds since 1970.
    public var startTime: UInt64
    /// When the batch was collected. Nanoseconds since 1970.
    public var endTime: UInt64
    /// Series in the batch.
    public var rows: UInt64
    /// Single numbers in the batch.
    public var points: UInt64
    /// The header's own bytes.
    public var headerLength: UInt64
    /// The bytes that follow the header; 0 in an end mark.
    public var payloadLength: UInt64
    /// What the payload decompresses to.
    public var rawLength: UInt64
    /// How many gaps the header tells of.
    public var gaps: UInt64

    /// Whether the frame ends its stream.
    public var isEndMark: Bool { payloadLength == 0 }

    package init(
        stream: StreamName, numbers: ClosedRange<UInt64>, part: UInt32 = 1, parts: UInt32 = 1, startTime: UInt64 = 0,
        endTime: UInt64 = 0, rows: UInt64 = 0, points: UInt64 = 0, headerLength: UInt64, payloadLength: UInt64,
        rawLength: UInt64 = 0, gaps: UInt64 = 0
    ) {
        self.stream = stream
        self.numbers = numbers
        self.part = part
        self.parts = parts
        self.startTime = startTime
        self.endTime = endTime
        self.rows = rows
        self.points = points
        self.headerLength = headerLength
        self.payloadLength = payloadLength
        self.rawLength = rawLength
        self.gaps = gaps
    }
}

/// A stream's name: 128 bits, written as 32 hexadecimal digits.
public struct StreamName: Hashable, Sendable, CustomStringConvertible {
    /// The more significant half.
    public var high: UInt64
    /// The less significant half.
    public var low: UInt64

    /// Makes a name from its halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// 32 hexadecimal digits.
    public var description: String { Self.digits(high) + Self.digits(low) }

    /// 16 hexadecimal digits.
    package static func digits(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
