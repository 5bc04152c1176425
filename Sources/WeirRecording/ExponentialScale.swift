private import WeirSystem

/// Finds the bucket of a number among exponential ones, without a logarithm.
///
/// A power of two is divided into `2^scale` buckets that grow by the same factor. Their lower ends, as the 52 bits of
/// a mantissa, are known; a mantissa's leading `scale + 1` bits say which bucket its interval begins in, and since no
/// such interval is wider than a bucket, one comparison decides between that one and the next. (The idea is NrSketch's
/// subbucket lookup, New Relic 2021.)
///
/// Made once for each scale and never freed: there are nine.
@safe
struct ExponentialScale: @unchecked Sendable {
    // Sendable: written in init alone.
    let scale: Int
    /// `2^(scale+1)`: the bucket in which each interval of mantissas begins.
    let starts: UnsafeMutablePointer<UInt16>
    /// `2^scale + 1`: the least mantissa of each bucket; past the last, what no mantissa reaches.
    let leastMantissas: UnsafeMutablePointer<UInt64>

    static let maximumScale = 9

    /// The least exponent, of the smallest subnormal's predecessor.
    static let leastExponent = -1_075
    /// How many powers of two the positive half of the Doubles spans.
    static let octaves = 1_024 - leastExponent

    /// The smallest scale whose buckets keep a relative error.
    ///
    /// A value that is read as the point of its bucket that is equally far from both ends, in parts of each, is off by
    /// at most (base - 1) / (base + 1).
    static func scale(relativeError: Double) -> Int {
        (0..<maximumScale).first { scale in
            let base = exp2(exp2(-Double(scale)))
            return (base - 1) / (base + 1) <= relativeError
        } ?? maximumScale
    }

    private init(scale: Int) {
        self.scale = scale
        let buckets = 1 << scale
        unsafe starts = .allocate(capacity: buckets * 2)
        unsafe leastMantissas = .allocate(capacity: buckets + 1)
        let mantissaMask: UInt64 = (1 << 52) - 1
        for bucket in 0..<buckets {
            unsafe leastMantissas[bucket] = exp2(Double(bucket) / Double(buckets)).bitPattern & mantissaMask
        }
        unsafe leastMantissas[buckets] = .max
        var bucket = 0
        for interval in 0..<(buckets * 2) {
            let first = UInt64(interval) << UInt64(51 - scale)
            while unsafe leastMantissas[bucket + 1] <= first { bucket += 1 }
            unsafe starts[interval] = UInt16(bucket)
        }
    }

    private static let all = (0...maximumScale).map { ExponentialScale(scale: $0) }

    static subscript(scale: Int) -> ExponentialScale { all[scale] }

    /// The power of two, counted from ``leastExponent``, and the bucket in it, of a magnitude above zero.
    ///
    /// Buckets hold their upper end and not their lower one, so it is the next smaller Double that is looked up.
    @inline(__always)
    func locate(_ magnitude: Double) -> (octave: Int, bucket: Int) {
        var bits = magnitude.bitPattern &- 1
        var octave = Int(bits >> 52) - 1_023 - Self.leastExponent
        if bits >> 52 == 0 {
            // Subnormal: scaled up by 2^54, exactly, before anything is taken away.
            bits = (magnitude * 0x1p54).bitPattern &- 1
            octave = Int(bits >> 52) - 1_023 - 54 - Self.leastExponent
        }
        let mantissa = bits & ((1 << 52) - 1)
        let start = unsafe Int(starts[Int(truncatingIfNeeded: mantissa >> UInt64(51 - scale))])
        let next = unsafe mantissa >= leastMantissas[start + 1] ? 1 : 0
        return (octave, start + next)
    }
}
