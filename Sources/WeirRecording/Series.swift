public import CWeirCPU
public import Synchronization

/// One view with one combination of tag values: where its cells are and how a measurement goes into them.
///
/// Written once, before it is published, but for ``kind`` (which may become `gone`, once) and the words at the end,
/// which belong to the lock of ``Stats``. Freed when no reader of the snapshot table can see it, no bound recorder
/// holds it, and its last values are reported. Its tags' entries follow it in memory, so that they are compared without
/// another hop.
///
/// The cells of a distribution: its sum, then smallest and greatest where they are kept, the sum of squares where it is
/// kept, then the buckets. A sum of Doubles is a pair of cells (see "Cells" in Contributing), and a distribution has two of them: a
/// Double is added to one, so that one addition need not wait for the one before. The count is the buckets' sum, never a cell of
/// its own.
@usableFromInline
@safe
package struct Series: ~Copyable {
    /// What is done with a measurement.
    @usableFromInline
    package enum Kind: UInt8, AtomicRepresentable {
        /// Its view is gone: counted, nothing else.
        case gone
        case count
        case sum
        case lastValue
        case distribution
        /// A distribution that keeps more than buckets and sum.
        case fullDistribution
        case exponential
        /// One that keeps exemplars: what else it is, they know.
        case sampled
    }

    // The first cache line: all that a plain sum or distribution reads.

    /// The storage of its tags: a measurement with the same one needs no further comparison. 0 in a tombstone.
    let identity: UInt
    /// Of its tags.
    let hash: UInt64
    /// What a measurement's bits must be greater than, as an Int64, to be added here and now: -1 for a sum that only
    /// grows, the least for one that may shrink, the greatest for everything that is more than one add. One comparison
    /// so tells the kind, the sign, and whether the series is still in use. It may send a zero the long way round.
    @usableFromInline let limit: Atomic<Int64>
    @usableFromInline let kind: Atomic<Kind>
    @usableFromInline let keepsExtremes: Bool
    @usableFromInline let keepsSquares: Bool
    let tagCount: UInt32
    /// The first cell, in the first stripe (of a last value: in the shared one).
    @usableFromInline let cells: UnsafeMutablePointer<CChar>
    /// The first bucket, likewise.
    @usableFromInline let buckets: UnsafeMutablePointer<CChar>
    /// Bounds, padded to a multiple of four with infinity, and how many times four.
    @usableFromInline let bounds: UnsafePointer<Double>
    @usableFromInline let boundQuads: Int

    /// An exponential distribution's buckets.
    let octaves: OctaveDirectory?
    /// Of a view that wants them.
    let exemplars: Unmanaged<ExemplarSlots>?
    /// Its own tags.
    let tags: Unmanaged<TagStorage>
    /// Its view, retained.
    let view: Unmanaged<ViewState>
    /// The number of the first cell, and how many there are.
    let cell: Int
    let cellCount: Int

    // MARK: Under the lock of Stats

    // Atomic, and relaxed wherever they are used, although the lock protects them: to write a plain field is an access
    // to the whole series, which others read without the lock.

    /// Nanoseconds since 1970. Changes where it begins anew.
    let startTime: Atomic<UInt64>
    /// Nanoseconds since 1970; 0 while it goes on.
    let endTime = Atomic<UInt64>(0)
    /// Collections that had begun when it was made: the first that sees it is the next one.
    let firstCollection: UInt64
    /// Bound recorders that hold it.
    let holders = Atomic<Int>(0)
    /// Out of the index, and no reader can have it any more.
    let isUnreachable = Atomic<Bool>(false)
    /// Its last values have gone into a batch, or nobody wants them.
    let isReported = Atomic<Bool>(false)

    // MARK: Of collections, which do not overlap

    /// What its cells added up to when they were last looked at, and since when.
    let activity = Atomic<UInt64>(0)
    let activeTime: Atomic<UInt64>
}

extension UnsafeMutablePointer where Pointee == Series {
    /// Its tags, as they are compared.
    @inline(__always)
    var tags: UnsafeMutablePointer<SeriesTag> {
        unsafe UnsafeMutableRawPointer(self).advanced(by: Series.tagsOffset).assumingMemoryBound(to: SeriesTag.self)
    }

    @inline(__always)
    var tagCount: Int { unsafe Int(pointee.tagCount) }

    /// Memory for a series with so many tags, aligned so that what the recording path reads is one cache line, and one
    /// more for two tags.
    static func allocate(tagCount: Int) -> UnsafeMutablePointer<Series> {
        let memory = unsafe UnsafeMutableRawPointer.allocate(
            byteCount: Series.tagsOffset + tagCount * MemoryLayout<SeriesTag>.stride, alignment: 64)
        return unsafe memory.bindMemory(to: Series.self, capacity: 1)
    }
}

extension Series {
    /// Takes the series out of use: from now on, what is recorded into it is counted and goes nowhere.
    func leave() {
        // Relaxed: a bound recorder that still sees the old words adds to cells that are kept for it.
        kind.store(.gone, ordering: .relaxed)
        limit.store(.max, ordering: .relaxed)
    }

    /// Something to stand where a series was: it is compared with tags and nothing else.
    static func makeTombstone() -> UnsafeMutablePointer<Series> {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: MemoryLayout<Series>.size, alignment: 64)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<Series>.size)
        return unsafe memory.assumingMemoryBound(to: Series.self)
    }

    /// The cells before a distribution's buckets.
    static func cellsBeforeBuckets(isDouble: Bool, extremes: Bool, squares: Bool) -> Int {
        sumCells(isDouble: isDouble) + (extremes ? 2 : 0) + (squares ? 2 : 0)
    }

    /// The cells of a distribution's sum.
    @inline(__always)
    static func sumCells(isDouble: Bool) -> Int { isDouble ? 4 : 1 }

    /// Where its tags begin.
    @inline(__always)
    fileprivate static var tagsOffset: Int { (MemoryLayout<Series>.stride + 63) & ~63 }

    /// Where extremes are, in cells, where they are kept: the greatest key, and the greatest complement of one.
    @inline(__always)
    static func extremesOffset(isDouble: Bool) -> Int { sumCells(isDouble: isDouble) }

    /// Where the pair of the sum of squares is, in cells.
    @inline(__always)
    static func squaresOffset(isDouble: Bool, extremes: Bool) -> Int {
        sumCells(isDouble: isDouble) + (extremes ? 2 : 0)
    }

    /// A sum adds Doubles up whose magnitude is less; of those, 2^64 make nothing infinite.
    @inlinable
    @inline(__always)
    static var sumLimit: Double { 0x1p960 }

    /// The same for their squares.
    static var squareLimit: Double { 0x1p480 }
}

/// A Double as an unsigned number of the same order; 0 is no Double's but one NaN's, and stands for none.
@inline(__always)
func orderedKey(_ value: Double) -> UInt64 {
    let bits = value.bitPattern
    return bits ^ (UInt64(bitPattern: Int64(bitPattern: bits) >> 63) | 1 << 63)
}

/// The Double of a key.
package func double(orderedKey key: UInt64) -> Double {
    Double(bitPattern: key ^ (key >> 63 == 1 ? 1 << 63 : .max))
}

// MARK: - Recording

extension UnsafeMutablePointer where Pointee == Series {
    /// Adds a Double below ``Series/sumLimit`` to the cells of the core that runs.
    ///
    /// Comparisons and no switch: a jump through a table would cost as much as the add.
    ///
    /// - Parameter tags: All of the measurement; looked at where an exemplar is wanted.
    @inline(__always)
    func record(_ value: Double, _ stripes: StripeGeometry, _ tags: @autoclosure () -> RecordedTags) {
        // Relaxed: a measurement that still sees the old limit goes into cells that are still the series' own.
        if unsafe Int64(bitPattern: value.bitPattern) > pointee.limit.load(ordering: .relaxed) {
            unsafe weir_cell_add_double(pointee.cells, stripes.pitch, stripes.count, stripes.half, value)
        } else if unsafe pointee.kind.load(ordering: .relaxed) == .distribution {
            unsafe recordDistribution(value, stripes)
        } else {
            unsafe recordRest(value, stripes, tags())
        }
    }

    @inlinable
    @inline(__always)
    func recordDistribution(_ value: Double, _ stripes: StripeGeometry) {
        let bucket = unsafe Int(weir_bucket(pointee.bounds, pointee.boundQuads, value))
        unsafe weir_cell_add(pointee.buckets + bucket &* 8, stripes.pitch, stripes.count, 1)
        // By bits of the value, which are known before the bucket is.
        let sum = Int(truncatingIfNeeded: (value.bitPattern &>> 29 ^ value.bitPattern &>> 45) & 16)
        unsafe weir_cell_add_double(pointee.cells + sum, stripes.pitch, stripes.count, stripes.half, value)
    }

    /// Adds an Int64 to the cells of the core that runs.
    @inline(__always)
    func record(_ value: Int64, _ stripes: StripeGeometry, _ tags: @autoclosure () -> RecordedTags) {
        // Relaxed, as above.
        if unsafe value > pointee.limit.load(ordering: .relaxed) {
            unsafe addToSum(value, stripes)
        } else {
            unsafe recordRest(value, stripes, tags())
        }
    }

    /// Adds to the cell of an integer's sum or, where it is full, to its ledger.
    @inline(__always)
    private func addToSum(_ value: Int64, _ stripes: StripeGeometry) {
        if unsafe !weir_cell_add_signed(pointee.cells, stripes.pitch, stripes.count, value) {
            unsafe weir_ledger_add(pointee.cells, stripes.pitch, stripes.count, value)
        }
    }

    /// One cell for all cores, and one that says whether it was ever set.
    private func storeLast(_ bits: UInt64) {
        unsafe weir_cell_store(pointee.cells, bits)
        if unsafe weir_cell_load(pointee.cells + 8) == 0 { unsafe weir_cell_store(pointee.cells + 8, 1) }
    }

    /// Adds to the last value, or from nothing where there is none. Makes no exemplar of it.
    func addToLast(_ amount: Double, _ stripes: StripeGeometry) {
        guard unsafe addedKind == .lastValue else {
            return unsafe pointee.tags._withUnsafeGuaranteedRef { tags in
                guard amount.magnitude < Series.sumLimit else {
                    return unsafe recordGreat(amount, stripes, RecordedTags(tags))
                }
                unsafe record(amount, stripes, RecordedTags(tags))
            }
        }
        guard unsafe weir_cell_atomic_add_double(pointee.cells, amount) else {
            _ = unsafe reject(stripes, kind: .lastValue)
            return
        }
        if unsafe weir_cell_load(pointee.cells + 8) == 0 { unsafe weir_cell_store(pointee.cells + 8, 1) }
    }

    /// How measurements are added, whether or not some become exemplars.
    var addedKind: Series.Kind {
        // Relaxed, as above.
        let kind = unsafe pointee.kind.load(ordering: .relaxed)
        return unsafe kind == .sampled ? pointee.exemplars?._withUnsafeGuaranteedRef { $0.kind } ?? kind : kind
    }

    /// What its cells are of, also when it is gone.
    var cellKind: Series.Kind { unsafe pointee.view._withUnsafeGuaranteedRef { $0.kind } }

    /// What is not worth its code at every call.
    @inline(never)
    private func recordRest(_ value: Double, _ stripes: StripeGeometry, _ tags: RecordedTags) {
        // Relaxed, as above.
        let kind = unsafe pointee.kind.load(ordering: .relaxed)
        if kind == .sampled { return unsafe recordSampled(value, stripes, tags) }
        _ = unsafe add(value, stripes, kind: kind, limit: pointee.limit.load(ordering: .relaxed))
    }

    /// What is not worth its code at every call.
    @inline(never)
    private func recordRest(_ value: Int64, _ stripes: StripeGeometry, _ tags: RecordedTags) {
        // Relaxed, as above.
        let kind = unsafe pointee.kind.load(ordering: .relaxed)
        if kind == .sampled { return unsafe recordSampled(value, stripes, tags) }
        _ = unsafe add(value, stripes, kind: kind, limit: pointee.limit.load(ordering: .relaxed))
    }

    /// Adds to the cells of a kind; ``Series/limit`` tells whether a sum may shrink.
    ///
    /// - Returns: Whether the measurement is in them.
    @inline(__always)
    func add(_ value: Double, _ stripes: StripeGeometry, kind: Series.Kind, limit: @autoclosure () -> Int64) -> Bool {
        switch kind {
        case .count:
            unsafe weir_cell_add(pointee.cells, stripes.pitch, stripes.count, 1)
        case .sum where value >= 0 || limit() == .min:
            unsafe weir_cell_add_double(pointee.cells, stripes.pitch, stripes.count, stripes.half, value)
        case .lastValue:
            unsafe storeLast(value.bitPattern)
        case .distribution:
            unsafe recordDistribution(value, stripes)
        case .fullDistribution, .exponential:
            guard unsafe canSquare(value) else { return unsafe reject(stripes, kind: kind) }
            guard let bucket = unsafe addToBucket(value, stripes, kind: kind) else { return false }
            let sum = unsafe pointee.cells + (bucket & 1) &* 16
            unsafe weir_cell_add_double(sum, stripes.pitch, stripes.count, stripes.half, value)
            unsafe addExtras(value, stripes, isDouble: true)
        default:
            return unsafe reject(stripes, kind: kind)
        }
        return true
    }

    /// Adds to the cells of a kind, as above.
    @inline(__always)
    func add(_ value: Int64, _ stripes: StripeGeometry, kind: Series.Kind, limit: @autoclosure () -> Int64) -> Bool {
        switch kind {
        case .count:
            unsafe weir_cell_add(pointee.cells, stripes.pitch, stripes.count, 1)
        case .sum where value >= 0 || limit() == .min:
            unsafe addToSum(value, stripes)
        case .lastValue:
            unsafe storeLast(UInt64(bitPattern: value))
        case .distribution:
            let bucket = unsafe Int(weir_bucket(pointee.bounds, pointee.boundQuads, value.asDouble(inBucketOf: kind)))
            unsafe weir_cell_add(pointee.buckets + bucket &* 8, stripes.pitch, stripes.count, 1)
            unsafe addToSum(value, stripes)
        case .fullDistribution, .exponential:
            let double = value.asDouble(inBucketOf: kind)
            guard unsafe addToBucket(double, stripes, kind: kind) != nil else { return false }
            unsafe addToSum(value, stripes)
            unsafe addExtras(double, stripes, isDouble: false)
        default:
            return unsafe reject(stripes, kind: kind)
        }
        return true
    }

    /// Counts a measurement that is in no cell of the series.
    private func reject(_ stripes: StripeGeometry, kind: Series.Kind) -> Bool {
        let cell = kind == .gone ? FixedCell.gone : FixedCell.rejected
        unsafe weir_cell_add(stripes.cell(cell), stripes.pitch, stripes.count, 1)
        return false
    }

    /// The bucket's number; `nil` where there was no memory for it, and nothing else may be added either.
    @inline(__always)
    private func addToBucket(_ value: Double, _ stripes: StripeGeometry, kind: Series.Kind) -> Int? {
        if kind == .fullDistribution {
            let bucket = unsafe Int(weir_bucket(pointee.bounds, pointee.boundQuads, value))
            unsafe weir_cell_add(pointee.buckets + bucket &* 8, stripes.pitch, stripes.count, 1)
            return bucket
        }
        if value == 0 {
            unsafe weir_cell_add(pointee.buckets, stripes.pitch, stripes.count, 1)
            return 0
        }
        guard let octaves = unsafe pointee.octaves else { return nil }
        let (octave, bucket) = octaves.scale.locate(value.magnitude)
        let place = value < 0 ? octave + ExponentialScale.octaves : octave
        guard let cell = unsafe octaves.cell(place) ?? growOctaves(place) else {
            unsafe weir_cell_add(stripes.cell(FixedCell.lost), stripes.pitch, stripes.count, 1)
            return nil
        }
        unsafe weir_cell_add(stripes.cell(cell &+ bucket), stripes.pitch, stripes.count, 1)
        return bucket
    }

    /// The first measurement in a power of two: takes the lock.
    private func growOctaves(_ place: Int) -> Int? {
        unsafe pointee.view.takeUnretainedValue().stats.growOctaves(of: self, place)
    }

    /// Whether a value can be in a sum of squares, where one is kept.
    @inline(__always)
    private func canSquare(_ value: Double) -> Bool {
        unsafe !pointee.keepsSquares || value.magnitude < Series.squareLimit
    }

    @inline(__always)
    private func addExtras(_ value: Double, _ stripes: StripeGeometry, isDouble: Bool) {
        if unsafe pointee.keepsExtremes {
            let key = orderedKey(value)
            let greatest = unsafe pointee.cells + Series.extremesOffset(isDouble: isDouble) &* 8
            unsafe weir_cell_raise(greatest, stripes.pitch, stripes.count, key)
            unsafe weir_cell_raise(greatest + 8, stripes.pitch, stripes.count, ~key)
        }
        if unsafe pointee.keepsSquares {
            let squaresOffset = unsafe Series.squaresOffset(isDouble: isDouble, extremes: pointee.keepsExtremes)
            let squares = unsafe pointee.cells + squaresOffset &* 8
            unsafe weir_cell_add_double(squares, stripes.pitch, stripes.count, stripes.half, value * value)
        }
    }

    /// Records a Double of ``Series/sumLimit`` or more, which is not infinite: only counts and last values can take it.
    func recordGreat(_ value: Double, _ stripes: StripeGeometry, _ tags: @autoclosure () -> RecordedTags) {
        switch unsafe addedKind {
        case .count, .lastValue, .gone: unsafe record(value, stripes, tags())
        default: _ = unsafe reject(stripes, kind: .sum)
        }
    }
}

/// Where the stripes are, as the recording path needs it.
@usableFromInline
@unsafe
struct StripeGeometry {
    /// The first stripe.
    @usableFromInline let base: UnsafeMutablePointer<CChar>
    /// Bytes from one stripe to the next.
    @usableFromInline let pitch: Int
    /// Stripes of cores; the shared one has this number.
    @usableFromInline let count: UInt32

    init(_ stripes: StripeSet) {
        unsafe base = stripes.base
        unsafe pitch = stripes.pitch
        unsafe count = stripes.count
    }

    @inline(__always)
    func cell(_ number: Int) -> UnsafeMutablePointer<CChar> {
        unsafe base + number &* 8
    }

    /// Where it stands which half of a pair is added to.
    @inlinable
    @inline(__always)
    var half: UnsafePointer<CChar> { unsafe UnsafePointer(base + Int(WEIR_HALF_OFFSET)) }
}
