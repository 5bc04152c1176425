/// How a view makes measurements into values.
///
/// Each is a few cells a series and core, all of them sums, so that merging the cores is adding.
public struct Aggregation: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case count
        case sum(isMonotonic: Bool)
        case lastValue
        case distribution(bounds: [Double]?)
        case exponential(relativeError: Double)
    }

    var kind: Kind
    /// Distributions: whether smallest and greatest value are kept.
    var keepsExtremes = false
    /// Distributions: whether the sum of squares is kept.
    var keepsSquares = false

    /// How many measurements.
    public static let count = Aggregation(kind: .count)

    /// Their sum, which only grows: a negative measurement changes nothing and is counted as rejected. So is, in sums and
    /// distributions of Doubles, one of 2^960 or more (9.7e288), so that no number of finite ones makes a sum infinite; with the
    /// sum of squares, of 2^480. Sums of Int64 add up whatever comes; where an Int64 cannot hold the sum, the nearest is told, and
    /// counted by `weir.values.clamped`.
    public static let sum = Aggregation(kind: .sum(isMonotonic: true))

    /// Their sum, which may shrink.
    public static let upDownSum = Aggregation(kind: .sum(isMonotonic: false))

    /// The value that was recorded last, on whichever core: one cell for all of them.
    public static let lastValue = Aggregation(kind: .lastValue)

    /// How many measurements fell into each bucket, and their sum.
    ///
    /// - Parameters:
    ///   - bounds: Upper bounds of the buckets, ascending, at most 1,024; each bucket holds its bound (`(lo, hi]`) and
    ///     one more holds what is above the last. Where none are given, those of the measure's unit: 1 ms to 10 s for
    ///     times, 256 B to 1 GiB for bytes, 0 to 10,000 for numbers.
    ///   - extremes: Whether the smallest and the greatest value are kept too. Costs two comparisons.
    ///   - squares: Whether the sum of squares is kept too, from which follows the variance. Costs another add. Where
    ///     the mean is far greater than the deviation, the variance loses as many digits as the square of their ratio.
    public static func distribution(
        bounds: [Double]? = nil, extremes: Bool = false, squares: Bool = false
    ) -> Aggregation {
        Aggregation(kind: .distribution(bounds: bounds), keepsExtremes: extremes, keepsSquares: squares)
    }

    /// How many measurements fell into each of many buckets whose width grows with the value, and their sum.
    ///
    /// Any value that a sum can take has a bucket, below zero too, and memory is taken only for powers of two in use.
    /// The buckets are those of OpenTelemetry's base-2 exponential histogram: `(base^i, base^(i+1)]` with base
    /// 2^(2^-scale).
    ///
    /// - Parameters:
    ///   - relativeError: How far a value that is read from a bucket may be from the one recorded, in parts of it:
    ///     0.001 to 0.4. The scale is the smallest that keeps it.
    ///   - extremes: Whether the smallest and the greatest value are kept too.
    ///   - squares: Whether the sum of squares is kept too.
    public static func exponentialDistribution(
        relativeError: Double = 0.025, extremes: Bool = false, squares: Bool = false
    ) -> Aggregation {
        Aggregation(
            kind: .exponential(relativeError: relativeError), keepsExtremes: extremes, keepsSquares: squares)
    }
}

extension Aggregation: CustomStringConvertible {
    /// As it is written in code.
    public var description: String {
        let options = (keepsExtremes ? ", extremes" : "") + (keepsSquares ? ", squares" : "")
        return switch kind {
        case .count: "count"
        case .sum(let isMonotonic): isMonotonic ? "sum" : "upDownSum"
        case .lastValue: "lastValue"
        case .distribution(let bounds):
            "distribution(" + (bounds.map { "bounds: \($0)" } ?? "bounds by unit") + options + ")"
        case .exponential(let error): "exponentialDistribution(relativeError: \(error)\(options))"
        }
    }
}
