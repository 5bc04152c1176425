package import Synchronization

// What a room that hands out recorders by name does with them.

extension Recorder {
    /// Ends the series when the last recorder of them is freed or, where `now` is true and this is the only one, at once:
    /// what is recorded through it afterwards is counted and changes nothing. Takes a lock.
    package func endSeries(now: Bool) { bound.endSeries(now: now) }

    /// Lets sums begin anew: each series of one ends with what it added up to, and goes on from nothing with a new start.
    /// Takes a lock.
    package func restartSums() { bound.restartSums() }
}

extension Recorder where Value == Double {
    /// Adds to the last value, which others may set and add to meanwhile: nothing is lost. What is not finite is counted
    /// as rejected and changes nothing.
    package func addToLast(_ amount: Double) {
        guard amount.isFinite else { return bound.reject() }
        bound.addToLast(amount)
    }

    /// Records a whole number in the bucket of its exact value. Where it is no Double, what it adds to a sum is the next one
    /// up.
    package func record(whole value: Int64) { record(value.asDouble(inBucketOf: .distribution)) }

    /// Counts a measurement that changes nothing because it is none that could be.
    package func reject() { bound.reject() }

    /// Ends the series when the last recorder of them is freed. Sums that go on, as others have part in them, are less by an
    /// amount from now on. Takes a lock.
    package func endSeries(takingBack amount: Double) {
        unsafe bound.endSeries { series, tags in unsafe series.record(-amount, bound.geometry, tags) }
    }
}

extension Recorder where Value == Int64 {
    /// Ends the series when the last recorder of them is freed. Sums that go on, as others have part in them, are less by an
    /// amount from now on. Takes a lock.
    package func endSeries(takingBack amount: Int64) {
        unsafe bound.endSeries { series, tags in unsafe series.record(0 &- amount, bound.geometry, tags) }
    }

    /// Counts a measurement that changes nothing because it is none that could be.
    package func reject() { bound.reject() }
}

extension Measure {
    /// A recorder into the overflow series of the measure's views.
    package func boundToOverflow(in stats: Stats) -> Recorder<Value> {
        unsafe Recorder(BoundSeries(info, tags: Tags(), stats: stats, isOverflow: true))
    }
}

/// A recorder that is bound when something is first recorded: until then what it records into may still be decided.
///
/// Any thread may record at any time; those that come first together bind one recorder.
@safe
package struct LazyRecorder: ~Copyable {
    @usableFromInline let bound = unsafe Atomic<Unmanaged<BoundSeries>?>(nil)

    package init() {}

    deinit {
        // Acquiring: whoever bound it is done.
        unsafe bound.load(ordering: .acquiring)?.release()
    }

    /// What it is bound to.
    package var recorder: Recorder<Double>? {
        unsafe bound.load(ordering: .acquiring).map { unsafe Recorder($0.takeUnretainedValue()) }
    }

    /// Records a value; `bind` makes the recorder where there is none, and says that it cannot by `nil`.
    @inlinable
    @inline(__always)
    package func record(_ value: Double, bind: () -> Recorder<Double>?) {
        // Acquiring: what it points to was written before it was published.
        if let bound = unsafe bound.load(ordering: .acquiring) {
            unsafe bound._withUnsafeGuaranteedRef { $0.record(value) }
        } else {
            bindNow(bind)?.record(value)
        }
    }

    @usableFromInline
    @inline(never)
    package func bindNow(_ bind: () -> Recorder<Double>?) -> Recorder<Double>? {
        guard let made = bind() else { return nil }
        let fresh = unsafe Unmanaged.passRetained(made.bound)
        let (isFirst, other) = unsafe bound.compareExchange(
            expected: nil, desired: fresh, ordering: .acquiringAndReleasing)
        guard !isFirst, let other = unsafe other else { return unsafe Recorder(fresh.takeUnretainedValue()) }
        unsafe fresh.release()
        return unsafe Recorder(other.takeUnretainedValue())
    }
}
