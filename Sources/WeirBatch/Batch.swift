/// What one collection saw: the strings once, then one table a view, each field of all its rows in one column.
///
/// A batch says everything that a reader needs and depends on no earlier batch. It is the form between the collector,
/// which fills it from the stripes, and the wire: ``BatchEncoder`` writes it, ``BatchReader`` reads it back equal.
package struct Batch: Equatable, Sendable {
    /// Who measured: resource attributes such as `service.name`.
    package var resource: [Attribute] = []

    /// When the collection before this one ended, or recording began. Nanoseconds since 1970.
    package var startTime: UInt64 = 0

    /// When this collection was taken; the time of every row that has not ended. Nanoseconds since 1970.
    package var endTime: UInt64 = 0

    /// Every tag value of ``views``, and what their exemplars' tags say, once.
    package var strings = StringTable()

    /// One table a view, in the order of registration.
    package var views: [ViewColumns] = []

    package init() {}

    /// A name and its value.
    package struct Attribute: Equatable, Sendable {
        package var key: String
        package var value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// Rows of all views: one a series.
    package var rows: Int { views.reduce(0) { $0 + $1.rows } }

    /// Single numbers in the value columns of all views.
    package var points: Int { views.reduce(0) { $0 + $1.points } }
}

/// One view's series as columns: row `r` of every column belongs to the same series.
///
/// Which columns are filled depends on ``aggregation``; a column that does not apply is empty.
package struct ViewColumns: Equatable, Sendable {
    /// How measurements became values.
    package enum Aggregation: UInt8, Equatable, Sendable, CaseIterable {
        case count
        case sum
        case lastValue
        case distribution
        case exponentialDistribution
    }

    /// The measure's number type; sums and last values are of it.
    package enum Number: UInt8, Equatable, Sendable, CaseIterable {
        case int64
        case double
    }

    /// Whether values count from a series' start or from the batch before.
    package enum Temporality: UInt8, Equatable, Sendable, CaseIterable {
        case cumulative
        case delta
    }

    /// The view's name, `http/latency`.
    package var name = ""
    package var description = ""
    /// UCUM: `s`, `By`, `1`.
    package var unit = ""
    /// The measure's name, `http.server.duration`.
    package var measure = ""
    package var aggregation = Aggregation.count
    package var number = Number.int64
    package var temporality = Temporality.cumulative
    /// Whether a sum only grows (true for counts).
    package var isMonotonic = false

    /// The tag keys kept, in the order of ``tagValues``' columns.
    package var tagKeys: [String] = []

    /// Distribution: upper bounds, ascending, each inclusive (`(lo, hi]`); one more bucket than bounds.
    package var bounds: [Double] = []

    /// Exponential distribution: buckets `(base^i, base^(i+1)]` with base 2^(2^-scale).
    package var scale: Int32 = 0

    /// How many series.
    package var rows = 0

    /// `tagKeys.count × rows`, key by key: the first key's values of all rows, then the second's. 0 where the row has
    /// no such tag, otherwise the value's index in ``Batch/strings`` plus one.
    package var tagValues: [UInt32] = []

    /// When each series began. Nanoseconds since 1970.
    package var startTimes: [UInt64] = []

    /// Empty where no series ended; otherwise one a row, 0 for those that go on. Nanoseconds since 1970.
    package var endTimes: [UInt64] = []

    /// Counts; sums, last values and distributions' sums of Int64 measures.
    package var integers: [Int64] = []

    /// Sums, last values and distributions' sums of Double measures.
    package var doubles: [Double] = []

    /// What ``doubles`` lack of the sums, and ``squares`` of theirs: two more Doubles a row, which do not overlap; empty where
    /// nobody knows. Not encoded: growth is computed from them.
    package var remainders: [SIMD2<Double>] = []
    package var squareRemainders: [SIMD2<Double>] = []

    /// ``integers`` as they are, where an Int64 cannot hold all of them; it then has the nearest. Otherwise empty. Not encoded.
    package var exactIntegers: [Int128] = []

    /// Distribution: `rows × (bounds.count + 1)`, row by row. Their sum is the row's count.
    package var bucketCounts: [UInt64] = []

    /// Distributions of both kinds: smallest and greatest value, empty where the view does not keep them. A row that
    /// has no measurement has NaN.
    package var minima: [Double] = []
    package var maxima: [Double] = []

    /// Distributions of both kinds: sum of the values' squares, empty where the view does not keep it.
    package var squares: [Double] = []

    /// Exponential distribution: measurements equal to zero, one a row.
    package var zeroCounts: [UInt64] = []

    /// Exponential distribution: the buckets in use of values above zero, row after row, ascending by index.
    package var positive = ExponentialBuckets()

    /// The same of values below zero, by the index of their magnitude.
    package var negative = ExponentialBuckets()

    /// Single measurements of each row.
    package var exemplars = Exemplars()

    package init() {}

    /// Single numbers in the value columns.
    package var points: Int {
        integers.count + doubles.count + bucketCounts.count + minima.count + maxima.count + squares.count
            + zeroCounts.count + positive.counts.count + negative.counts.count
    }

    /// Buckets in use, row after row.
    package struct ExponentialBuckets: Equatable, Sendable {
        /// How many buckets of ``indexes`` and ``counts`` each row has.
        package var lengths: [UInt32] = []
        package var indexes: [Int32] = []
        package var counts: [UInt64] = []

        package init() {}
    }
}
