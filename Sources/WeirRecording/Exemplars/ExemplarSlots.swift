private import CWeirCPU
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
    /// How many measurements were tried in vain since the last collection, as far as it matters.
    private let misses: UnsafeMutablePointer<Atomic<UInt32>>

    /// Where few spans are sampled, nearly all measurements would ask for theirs in vain, and a tracer would
    /// write its headers for each. So after eight that did they ask more rarely, drawn at random: one in 2, 4 and so on up to 32, still
    /// so often that some exemplar is found.
    private static let freeMisses: UInt32 = 8
    private static let countedMisses: UInt32 = 8 + 5

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
        unsafe misses = .allocate(capacity: count)
        for index in 0..<count { unsafe (misses + index).initialize(to: Atomic(0)) }
    }

    /// Whether a measurement is to be tried as the exemplar of a slot: one load of a word that is written once a collection
    /// where the slot has its exemplar.
    @inline(__always)
    func wantsOne(_ index: Int) -> Bool {
        guard isEmpty(index) else { return false }
        // Relaxed: at worst one more is tried.
        let misses = unsafe misses[index].load(ordering: .relaxed)
        return misses <= Self.freeMisses || weir_process_random() & (1 << (misses - Self.freeMisses) - 1) == 0
    }

    /// Notes that one was tried in vain.
    func hasMissed(_ index: Int) {
        let count = unsafe misses[index].load(ordering: .relaxed)
        if count < Self.countedMisses { unsafe misses[index].store(count + 1, ordering: .relaxed) }
    }

    @inline(__always)
    private func isEmpty(_ index: Int) -> Bool {
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
            // Looked at first, as below.
            if unsafe misses[index].load(ordering: .relaxed) != 0 { unsafe misses[index].store(0, ordering: .relaxed) }
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

    /// Lets go of what is older. Not while a collection runs.
    func forget(before time: UInt64) {
        for index in 0..<count {
            // Acquiring: as above.
            if let taken = unsafe fresh[index].exchange(nil, ordering: .acquiring) {
                if unsafe taken.takeUnretainedValue().time >= time {
                    unsafe put(taken.takeUnretainedValue(), index)
                }
                unsafe taken.release()
            }
            unsafe latest[index]?.release()
            unsafe latest[index] = nil
        }
    }

    deinit {
        for index in 0..<count {
            unsafe fresh[index].exchange(nil, ordering: .acquiring)?.release()
            unsafe latest[index]?.release()
        }
        unsafe fresh.deallocate()
        unsafe latest.deallocate()
        unsafe misses.deallocate()
    }
}
