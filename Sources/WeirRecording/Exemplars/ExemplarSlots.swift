internal import Synchronization

/// The exemplars of one series, whose view wants them: a slot for each bucket.
///
/// A slot holds what is new since the last collection, or nothing. A measurement puts its record into an empty slot by one
/// exchange, and a collection takes it out by another: whoever has it has it alone, so nobody waits, nothing is torn and
/// what is thrown away is freed at once. The latest that was taken out stays beside the slot, as feeds that collect less
/// often than others want it too.
@safe
final class ExemplarSlots: @unchecked Sendable {
    // Sendable: `fresh` changes by atomics, `latest` in collections alone.
    private typealias Slot = Atomic<Unmanaged<ExemplarRecord>?>

    let filter: ExemplarFilter
    /// What the series is but for its exemplars: its own ``Series/kind`` and ``Series/limit`` lead every measurement here.
    let kind: Series.Kind
    let limit: Int64
    let count: Int
    private let fresh: UnsafeMutablePointer<Slot>
    private let latest: UnsafeMutablePointer<Unmanaged<ExemplarRecord>?>

    /// Slots of an exponential distribution, whose powers of two share them in turn.
    static let exponentialCount = 20

    init(_ filter: ExemplarFilter, kind: Series.Kind, limit: Int64, count: Int) {
        self.filter = filter
        self.kind = kind
        self.limit = limit
        self.count = count
        unsafe fresh = .allocate(capacity: count)
        unsafe latest = .allocate(capacity: count)
        for index in 0..<count { unsafe (fresh + index).initialize(to: Slot(nil)) }
        unsafe latest.initialize(repeating: nil, count: count)
    }

    /// Whether a measurement may become the exemplar of a slot: one load of a word that is written once a collection.
    @inline(__always)
    func isEmpty(_ index: Int) -> Bool {
        // Relaxed: only whether there is one.
        unsafe fresh[index].load(ordering: .relaxed) == nil
    }

    /// Puts a record into a slot, unless another one came first.
    func put(_ record: ExemplarRecord, _ index: Int) {
        let retained = unsafe Unmanaged.passRetained(record)
        // Releasing: whoever takes the record finds it written.
        let put = unsafe fresh[index].compareExchange(expected: nil, desired: retained, ordering: .releasing)
        if unsafe !put.exchanged { unsafe retained.release() }
    }

    /// The latest record of each slot that ever had one. Part of a collection.
    ///
    /// - Parameter interval: What is new is of this time, however long it took from the clock to the slot.
    func take(_ interval: ClosedRange<UInt64>, _ body: (ExemplarRecord) -> Void) {
        for index in 0..<count {
            // Looked at first: an exchange would take the word from all cores. Acquiring: the record was written before it
            // was put there.
            if !isEmpty(index), let taken = unsafe fresh[index].exchange(nil, ordering: .acquiring) {
                unsafe taken._withUnsafeGuaranteedRef { record in
                    record.time = min(max(record.time, interval.lowerBound), interval.upperBound)
                }
                unsafe latest[index]?.release()
                unsafe latest[index] = taken
            }
            unsafe latest[index]?._withUnsafeGuaranteedRef(body)
        }
    }

    deinit {
        for index in 0..<count {
            unsafe fresh[index].exchange(nil, ordering: .acquiring)?.release()
            unsafe latest[index]?.release()
        }
        unsafe fresh.deallocate()
        unsafe latest.deallocate()
    }
}
