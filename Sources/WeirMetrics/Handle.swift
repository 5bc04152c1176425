internal import Synchronization
internal import WeirRecording

/// What a metric of swift-metrics records into: one object for each kind, label and combination of dimensions, however
/// many ask for it.
class Handle: @unchecked Sendable {
    // Sendable: `place` is under the lock of `Handles`, all else is constant or atomic.

    let label: Label
    /// Where it is in the table; `nil` where it is not. Under the lock.
    final var place: HandleTable.Place?
    private let owners = Atomic<Owners>(.one)

    /// Who has asked for it.
    private enum Owners: UInt8, AtomicRepresentable {
        case one
        case several
        /// The only one has destroyed it.
        case none
    }

    init(_ label: Label) {
        self.label = label
    }

    /// Takes note that another one has asked for it. Stores nothing where that is known, so that threads which ask for the
    /// same handle again and again share no cache line for it.
    ///
    /// - Returns: Whether it can be had: nobody has destroyed it.
    @inline(__always)
    final func share() -> Bool {
        // Relaxed: nothing else is told by it.
        if owners.load(ordering: .relaxed) == .several { return true }
        return owners.compareExchange(expected: .one, desired: .several, ordering: .relaxed).original != .none
    }

    /// Whether whoever destroys it was the only one to ask for it. Then nobody can have it from now on.
    final func leave() -> Bool {
        owners.compareExchange(expected: .one, desired: .none, ordering: .relaxed).exchanged
    }

    /// Ends its series: now, or when it is released.
    func end(now: Bool) {}
}
