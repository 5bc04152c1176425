public import CWeirCPU
public import Synchronization

/// A measure bound to tags: everything is resolved once, and recording is an add in the stripe of the core that runs.
///
/// ```swift
/// let hot = latency.bound(to: users)
/// hot.record(0.012)
/// ```
///
/// A recorder keeps its series: they are not forgotten while it lives. It follows its measure's views wherever they are
/// registered later, changed by rules or unregistered. Tags that follow the task (`withTags`) are not looked at: bind with
/// all the tags that are wanted. Any thread may record at any time, and a signal handler too: only the first measurement in a
/// power of two of an exponential distribution takes a lock, and one that its own thread holds loses that measurement,
/// counted.
@safe
public struct Recorder<Value: MeasureValue>: Sendable {
    @usableFromInline let bound: BoundSeries

    init(_ bound: BoundSeries) {
        self.bound = bound
    }
}

extension Recorder where Value == Double {
    /// Records a value under every view of the measure. What is not finite is counted as rejected and changes nothing; so is,
    /// for sums and distributions, what is as great as 2^960.
    @inlinable
    @inline(__always)
    public func record(_ value: Double) {
        bound.record(value)
    }
}

extension BoundSeries {
    @inlinable
    @inline(__always)
    func record(_ value: Double) {
        guard value.magnitude < Series.sumLimit else { return recordGreat(value) }
        // Acquiring: the series, and the cells, were written before.
        if let series = unsafe distribution.load(ordering: .acquiring) {
            unsafe series.recordDistribution(value, geometry)
        } else if Int64(bitPattern: value.bitPattern) > limit.load(ordering: .acquiring) {
            unsafe weir_cell_add_double(
                cells.load(ordering: .relaxed), geometry.pitch, geometry.count, geometry.half, value)
        } else {
            recordAll(value)
        }
    }
}

extension Recorder where Value == Int64 {
    /// Records a value under every view of the measure.
    @inlinable
    @inline(__always)
    public func record(_ value: Int64) {
        // Acquiring: the cells were written before.
        if value > bound.limit.load(ordering: .acquiring),
            unsafe weir_cell_add_signed(
                bound.cells.load(ordering: .relaxed), bound.geometry.pitch, bound.geometry.count, value)
        {
            return
        }
        bound.recordAll(value)
    }
}

extension Measure {
    /// Resolves the series of these tags, now and once.
    ///
    /// Takes a lock; keep what it returns. Of a view that is at its limit, what it returns stays in the overflow
    /// series.
    public func bound(to tags: Tags = Tags(), in stats: Stats = .default) -> Recorder<Value> {
        bound(to: tags, in: stats, countsLost: false)
    }

    /// - Parameter countsLost: Whether what is recorded while no view ever had a series of it is counted as lost.
    func bound(to tags: Tags, in stats: Stats, countsLost: Bool) -> Recorder<Value> {
        unsafe Recorder(BoundSeries(info, tags: tags, stats: stats, countsLost: countsLost))
    }
}
