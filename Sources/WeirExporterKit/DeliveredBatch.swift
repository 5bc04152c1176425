internal import CWeirPlugin

/// What a frame's payload holds: one collection, a view at a time. Lives as long as the call that brought the frame.
@safe
public struct DeliveredBatch: ~Copyable {
    /// Who measured: `service.name` and its like.
    public let resource: [DeliveredTag]

    /// One table a view.
    public let views: [DeliveredView]

    private let host: HostTable

    init(_ batch: weir_batch, host: HostTable) {
        unsafe resource = DeliveredTag.array(batch.resource, count: batch.resource_count)
        unsafe views = (0..<batch.views_count).compactMap { host.readView($0) }
        self.host = host
    }

    /// The rows of a view in order. Each is read when it is asked for.
    public func forEachRow<Failure: Error>(
        of view: DeliveredView, _ body: (DeliveredRow) throws(Failure) -> Void
    ) throws(Failure) {
        var keys = TagKeys()
        for index in 0..<view.rows {
            if let row = host.readRow(index, of: view, &keys) { try body(row) }
        }
    }
}

/// A view of a batch: a table with one row a series.
public struct DeliveredView: Equatable, Sendable {
    /// What a view makes of measurements.
    public enum Kind: Equatable, Sendable {
        /// How many measurements.
        case count
        /// Their sum.
        case sum
        /// The last of them.
        case lastValue
        /// How many fell into each bucket `(lower, upper]`. `bounds` are the upper ones of all buckets but the last.
        case distribution(bounds: [Double])
        /// The same with buckets `(base^i, base^(i+1)]`, where base is 2^(2^-scale).
        case exponentialDistribution(scale: Int32)
    }

    /// `http/latency`.
    public let name: String
    /// One sentence.
    public let description: String
    /// UCUM: `s`, `By`, `1`.
    public let unit: String
    /// What is measured: `http.server.duration`.
    public let measure: String
    /// What became of the measurements.
    public let kind: Kind
    /// Whether the numbers are whole: ``DeliveredRow/integer`` has them exactly.
    public let isInteger: Bool
    /// Whether it is a count, or a sum that only grows.
    public let isMonotonic: Bool
    /// Whether values count from the batch before, not from the row's start.
    public let isDelta: Bool
    /// How many series.
    public let rows: Int

    let index: Int
    let hasRange: Bool

    /// nil where a later host has a kind that is not known here.
    init?(_ view: weir_view, index: Int) {
        switch unsafe Int(view.kind) {
        case WEIR_VIEW_COUNT: kind = .count
        case WEIR_VIEW_SUM: kind = .sum
        case WEIR_VIEW_LAST_VALUE: kind = .lastValue
        case WEIR_VIEW_DISTRIBUTION:
            unsafe kind = .distribution(
                bounds: Array(UnsafeBufferPointer(start: view.bounds, count: view.bounds_count)))
        case WEIR_VIEW_EXPONENTIAL_DISTRIBUTION: unsafe kind = .exponentialDistribution(scale: view.scale)
        default: return nil
        }
        let flags = unsafe Int(view.flags)
        isInteger = flags & WEIR_VIEW_INTEGER != 0
        isMonotonic = flags & WEIR_VIEW_MONOTONIC != 0
        isDelta = flags & WEIR_VIEW_DELTA != 0
        hasRange = flags & WEIR_VIEW_RANGE != 0
        unsafe name = String(view.name)
        unsafe description = String(view.description)
        unsafe unit = String(view.unit)
        unsafe measure = String(view.measure)
        unsafe rows = view.rows_count
        self.index = index
    }
}

/// A row of a view: one series.
public struct DeliveredRow: Equatable, Sendable {
    /// The tags that the series has, in the order of the view's keys.
    public let tags: [DeliveredTag]
    /// When the series began. Nanoseconds since 1970.
    public let startTime: UInt64
    /// The time of its values. Nanoseconds since 1970.
    public let endTime: UInt64
    /// The count, sum or last value; a distribution's sum.
    public let value: Double
    /// The same, where the view ``DeliveredView/isInteger``; otherwise 0.
    public let integer: Int64
    /// Distributions: how many measurements.
    public let count: UInt64
    /// Distributions: the smallest and the greatest value, where they are kept and there was one.
    public let range: ClosedRange<Double>?
    /// A distribution's counts by bucket.
    public let buckets: [UInt64]
    /// An exponential distribution's measurements that equal zero.
    public let zeroCount: UInt64
    /// An exponential distribution's buckets in use of values above zero, ascending.
    public let positive: [DeliveredBucket]
    /// The same of values below zero, by their magnitude.
    public let negative: [DeliveredBucket]
    /// Single measurements, kept as examples of those that the row adds up: in a distribution at most one a bucket. None
    /// where the host is older than they are.
    public let exemplars: [DeliveredExemplar]

    init(_ row: weir_row, hasRange: Bool, _ keys: inout TagKeys) {
        unsafe tags = keys.tags(row.tags, count: row.tags_count)
        unsafe startTime = row.start_time
        unsafe endTime = row.end_time
        unsafe value = row.value
        unsafe integer = row.integer
        unsafe count = row.count
        let (minimum, maximum) = unsafe (row.minimum, row.maximum)
        range = hasRange && minimum <= maximum ? minimum...maximum : nil
        unsafe buckets = Array(UnsafeBufferPointer(start: row.buckets, count: row.buckets_count))
        unsafe zeroCount = row.zero_count
        unsafe positive = DeliveredBucket.array(row.positive)
        unsafe negative = DeliveredBucket.array(row.negative)
        unsafe exemplars = UnsafeBufferPointer(start: row.exemplars, count: row.exemplars_count).map {
            unsafe DeliveredExemplar($0)
        }
    }
}

/// A tag of a row, or an attribute of who measures.
public struct DeliveredTag: Hashable, Sendable {
    /// Its name.
    public let key: String
    /// What it says.
    public let value: String

    package init(key: String, value: String) {
        self.key = key
        self.value = value
    }

    static func array(_ tags: UnsafePointer<weir_tag>?, count: Int) -> [DeliveredTag] {
        unsafe UnsafeBufferPointer(start: tags, count: count).map { tag in
            unsafe DeliveredTag(key: String(tag.key), value: String(tag.value))
        }
    }
}

/// A bucket of an exponential distribution.
public struct DeliveredBucket: Hashable, Sendable {
    /// i of `(base^i, base^(i+1)]`.
    public let index: Int32
    /// Measurements in it.
    public let count: UInt64

    package init(index: Int32, count: UInt64) {
        self.index = index
        self.count = count
    }

    static func array(_ buckets: weir_buckets) -> [DeliveredBucket] {
        guard let indexes = unsafe buckets.indexes, let counts = unsafe buckets.counts else { return [] }
        return unsafe (0..<buckets.count).map { unsafe DeliveredBucket(index: indexes[$0], count: counts[$0]) }
    }
}
