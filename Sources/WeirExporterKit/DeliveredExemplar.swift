internal import CWeirPlugin

/// A single measurement, kept as an example of those that its row adds up.
public struct DeliveredExemplar: Hashable, Sendable {
    /// What was measured, also where the view counts.
    public let value: Double
    /// Nanoseconds since 1970.
    public let time: UInt64
    /// The span that it belongs to, where it does to one.
    public let span: DeliveredSpan?
    /// The tags of the measurement that the row does not have.
    public let tags: [DeliveredTag]

    init(_ exemplar: weir_exemplar) {
        unsafe value = exemplar.value
        unsafe time = exemplar.time
        unsafe tags = DeliveredTag.array(exemplar.tags, count: exemplar.tags_count)
        let (trace, span) = unsafe (exemplar.trace, exemplar.span)
        self.span = unsafe withUnsafeBytes(of: trace) { trace in
            unsafe withUnsafeBytes(of: span) { span in
                unsafe DeliveredSpan(
                    traceHigh: UInt64(bigEndian: trace.loadUnaligned(as: UInt64.self)),
                    traceLow: UInt64(bigEndian: trace.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                    span: UInt64(bigEndian: span.loadUnaligned(as: UInt64.self)))
            }
        }
    }

    package init(value: Double, time: UInt64, span: DeliveredSpan?, tags: [DeliveredTag] = []) {
        self.value = value
        self.time = time
        self.span = span
        self.tags = tags
    }
}

/// Where in a trace something happened.
public struct DeliveredSpan: Hashable, Sendable {
    /// The trace's number: its first eight bytes, the most significant first, and its last.
    public let traceHigh: UInt64
    /// The last eight.
    public let traceLow: UInt64
    /// The span's number.
    public let span: UInt64

    /// nil where all of it is 0, which stands for none.
    package init?(traceHigh: UInt64, traceLow: UInt64, span: UInt64) {
        guard traceHigh | traceLow | span != 0 else { return nil }
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.span = span
    }

    /// The trace's number in 32 hexadecimal digits.
    public var traceID: String { StreamName.digits(traceHigh) + StreamName.digits(traceLow) }

    /// The span's number in 16 hexadecimal digits.
    public var spanID: String { StreamName.digits(span) }
}
