internal import Synchronization

/// A registered view: its row for the recording path, and what the lock of ``Stats`` protects.
///
/// Lives while it is registered, while a row or a series refers to it, or while a collection looks at it.
@safe
package final class ViewState: @unchecked Sendable {
    // Sendable: the lock of `stats` protects what changes; `row` changes by atomics.
    package let view: View
    /// Unlike its address, never another view's.
    package let number: UInt64
    /// What the code calls the view; a rule may have given it another name.
    let requestedName: String
    /// Whether a rule leaves it out, so that nothing of it is told. A view of a level is recorded all the same, or the
    /// level would be wrong for ever once the rule is gone.
    let isHidden: Bool
    package let bounds: [Double]
    /// Exponential distributions: buckets `(base^i, base^(i+1)]` with base 2^(2^-scale).
    package let scale: Int
    let measure: UnsafePointer<MeasureInfo>
    let row: UnsafeMutablePointer<ViewRow>
    /// Whose it is. Series and rows live no longer than it does.
    unowned(unsafe) let stats: Stats

    private let paddedBounds: UnsafeMutablePointer<Double>
    private let paddedCount: Int

    var measureNumber: Int { unsafe measure.pointee.number }

    // MARK: Under the lock

    /// Counts changes of ``series``.
    var version = 0
    /// In the order in which they were made; without the overflow series.
    var series: [UnsafeMutablePointer<Series>] = unsafe []
    /// The first cell of each.
    var cells: [Int] = []
    /// What became of it.
    var fate = Fate.registered

    enum Fate {
        case registered
        /// The code unregistered it.
        case unregistered
        /// Rules made another view of it, or none.
        case replaced(by: ViewState?)
    }

    var isRegistered: Bool { if case .registered = fate { true } else { false } }

    /// The view that took its place, if any, and so on to one that is registered.
    var inForce: ViewState? {
        switch fate {
        case .registered: return self
        case .unregistered, .replaced(by: nil): return nil
        case .replaced(by: .some(let next)):
            let last = next.inForce
            // So that no chain grows with every change.
            if last != nil { fate = .replaced(by: last) }
            return last
        }
    }

    init(
        _ view: View, number: UInt64, requestedName: String, isHidden: Bool, of measure: UnsafePointer<MeasureInfo>,
        stats: Stats, overflowCell: Int
    ) {
        self.view = view
        self.number = number
        self.isHidden = isHidden
        self.requestedName = requestedName
        unsafe self.measure = measure
        unsafe self.stats = stats
        switch view.aggregation.kind {
        case .distribution(let bounds): self.bounds = bounds ?? view.measure.unit.defaultBounds
        default: bounds = []
        }
        switch view.aggregation.kind {
        case .exponential(let error): scale = ExponentialScale.scale(relativeError: error)
        default: scale = 0
        }

        paddedCount = (bounds.count + 3) & ~3
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, paddedCount) * 8, alignment: 64)
        unsafe paddedBounds = memory.bindMemory(to: Double.self, capacity: max(1, paddedCount))
        for index in 0..<paddedCount {
            unsafe paddedBounds[index] = index < bounds.count ? bounds[index] : .infinity
        }

        let listed = view.allTagsBut ?? view.tagKeys
        let keys = UnsafeMutablePointer<UnsafePointer<KeyInfo>>.allocate(capacity: max(1, listed.count))
        var bits: UInt64 = 0
        for (index, key) in listed.enumerated() {
            unsafe (keys + index).initialize(to: key.info)
            unsafe bits |= key.info.pointee.bit
        }
        let hasSharedKeys = bits & KeyInfo.sharedBit != 0
        let mask = view.allTagsBut == nil ? bits & ~KeyInfo.sharedBit : ~bits
        unsafe row = .allocate(capacity: 1)
        unsafe row.initialize(
            to: ViewRow(
                index: Atomic(SeriesIndex.make(capacity: 16, keyMask: mask)),
                overflowCell: overflowCell, keyMask: mask, hasSharedKeys: hasSharedKeys, keys: keys,
                keyCount: listed.count, areKeysKept: view.allTagsBut == nil,
                state: Unmanaged.passUnretained(self)))
    }

    deinit {
        unsafe index.free()
        unsafe row.pointee.keys.deallocate()
        unsafe row.deinitialize(count: 1)
        unsafe row.deallocate()
        unsafe paddedBounds.deallocate()
    }

    /// The index, which only the lock's holder replaces.
    var index: UnsafeMutablePointer<SeriesIndex> {
        unsafe row.pointee.index.load(ordering: .relaxed)
    }

    /// What a series is, but for its exemplars.
    var kind: Series.Kind {
        let aggregation = view.aggregation
        return switch aggregation.kind {
        case .count: .count
        case .sum: .sum
        case .lastValue: .lastValue
        case .distribution: aggregation.keepsExtremes || aggregation.keepsSquares ? .fullDistribution : .distribution
        case .exponential: .exponential
        }
    }

    /// See ``Series/limit``.
    private var limit: Int64 {
        switch view.aggregation.kind {
        case .sum(let isMonotonic): isMonotonic ? -1 : .min
        default: .max
        }
    }

    private var exemplarSlots: ExemplarSlots? {
        guard view.exemplars != .alwaysOff else { return nil }
        let count =
            switch view.aggregation.kind {
            case .count, .sum, .lastValue: 1
            case .distribution: bounds.count + 1
            case .exponential: ExemplarSlots.exponentialCount
            }
        return ExemplarSlots(view.exemplars, kind: kind, limit: limit, count: count)
    }

    var cellsBeforeBuckets: Int {
        Series.cellsBeforeBuckets(
            isDouble: isDouble, extremes: view.aggregation.keepsExtremes, squares: view.aggregation.keepsSquares)
    }

    private var cellCount: Int {
        let before = cellsBeforeBuckets
        return switch view.aggregation.kind {
        case .count: 1
        case .sum: isDouble ? 2 : 1
        case .lastValue: 2
        case .distribution: before + bounds.count + 1
        case .exponential: before + 1
        }
    }

    /// A series with cells of its own; `nil` where the stripes are full. Under the lock.
    ///
    /// - Parameter collection: How many collections had begun.
    func makeSeries(
        tags: TagStorage, in stripes: StripeSet, time: UInt64, collection: UInt64
    ) -> UnsafeMutablePointer<Series>? {
        guard let cell = stripes.allocate(cellCount) else { return nil }
        let aggregation = view.aggregation
        let cells = unsafe kind == .lastValue ? stripes.sharedAddress(of: cell) : stripes.address(of: cell)
        let before = cellsBeforeBuckets
        let exemplars = exemplarSlots
        let series = unsafe UnsafeMutablePointer<Series>.allocate(tagCount: tags.count)
        unsafe series.initialize(
            to: Series(
                identity: tags.identity, hash: tags.hash, limit: Atomic(exemplars == nil ? limit : .max),
                kind: Atomic(exemplars == nil ? kind : .sampled), keepsExtremes: aggregation.keepsExtremes,
                keepsSquares: aggregation.keepsSquares, tagCount: UInt32(tags.count), cells: cells,
                buckets: cells + before * 8, bounds: UnsafePointer(paddedBounds), boundQuads: paddedCount / 4,
                octaves: kind == .exponential ? OctaveDirectory(scale: ExponentialScale[scale]) : nil,
                exemplars: exemplars.map { unsafe Unmanaged.passRetained($0) },
                tags: Unmanaged.passRetained(tags), view: Unmanaged.passRetained(self),
                cell: cell,
                cellCount: cellCount, startTime: Atomic(time), firstCollection: collection, activeTime: Atomic(time)))
        for index in 0..<tags.count {
            unsafe (series.tags + index).initialize(to: SeriesTag(tags.entries[index]))
        }
        return unsafe series
    }

    /// Gives back what a series has. Nobody can see it any more.
    static func freeSeries(_ series: UnsafeMutablePointer<Series>, in stripes: StripeSet) {
        if let octaves = unsafe series.pointee.octaves {
            octaves.forEach { _, _, cell in stripes.release(cell, length: 1 << octaves.scale.scale) }
            octaves.free()
        }
        unsafe series.pointee.exemplars?.release()
        unsafe stripes.release(series.pointee.cell, length: series.pointee.cellCount)
        unsafe series.pointee.tags.release()
        unsafe series.pointee.view.release()
        unsafe series.deinitialize(count: 1)
        unsafe UnsafeMutableRawPointer(series).deallocate()
    }
}
