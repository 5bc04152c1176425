internal import Synchronization

/// Where an exponential distribution has its buckets: a run of cells for each power of two that was recorded.
///
/// Two levels, so that a series which spans a few powers of two pays for a few leaves. Readers load; the lock of
/// ``Stats`` adds. Entries are only ever added while the series lives.
@safe
struct OctaveDirectory {
    private typealias Leaf = UnsafeMutablePointer<Atomic<UInt32>>

    let scale: ExponentialScale
    private let root: UnsafeMutablePointer<Atomic<UInt>>

    /// Powers of two in a leaf, and leaves: the positive half, then the negative one.
    private static let leafCount = 64
    private static let rootCount = (2 * ExponentialScale.octaves + leafCount - 1) / leafCount

    init(scale: ExponentialScale) {
        self.scale = scale
        unsafe root = .allocate(capacity: Self.rootCount)
        for index in 0..<Self.rootCount { unsafe (root + index).initialize(to: Atomic(0)) }
    }

    /// The first cell of a power of two, `nil` where it has none yet.
    @inline(__always)
    func cell(_ place: Int) -> Int? {
        // Acquiring: the leaf's entries must be seen initialized.
        let address = unsafe root[place / Self.leafCount].load(ordering: .acquiring)
        guard let leaf = unsafe Leaf(bitPattern: address) else { return nil }
        // Acquiring: cells that were used before must be seen zeroed.
        let cell = unsafe leaf[place % Self.leafCount].load(ordering: .acquiring)
        return cell == 0 ? nil : Int(cell)
    }

    /// Publishes the first cell of a power of two. Under the lock.
    func set(_ place: Int, to cell: Int) {
        var leaf = unsafe Leaf(bitPattern: root[place / Self.leafCount].load(ordering: .relaxed))
        if unsafe leaf == nil {
            let fresh = Leaf.allocate(capacity: Self.leafCount)
            for index in 0..<Self.leafCount { unsafe (fresh + index).initialize(to: Atomic(0)) }
            unsafe root[place / Self.leafCount].store(UInt(bitPattern: fresh), ordering: .releasing)
            unsafe leaf = fresh
        }
        unsafe leaf![place % Self.leafCount].store(UInt32(cell), ordering: .releasing)
    }

    /// Every power of two in use with its first cell, ascending: values above zero, then those below.
    func forEach(_ body: (_ octave: Int, _ isNegative: Bool, _ cell: Int) -> Void) {
        for index in 0..<Self.rootCount {
            guard let leaf = unsafe Leaf(bitPattern: root[index].load(ordering: .acquiring)) else { continue }
            for slot in 0..<Self.leafCount {
                let cell = unsafe leaf[slot].load(ordering: .acquiring)
                guard cell != 0 else { continue }
                let place = index * Self.leafCount + slot
                let isNegative = place >= ExponentialScale.octaves
                body(isNegative ? place - ExponentialScale.octaves : place, isNegative, Int(cell))
            }
        }
    }

    func free() {
        for index in 0..<Self.rootCount {
            unsafe Leaf(bitPattern: root[index].load(ordering: .relaxed))?.deallocate()
        }
        unsafe root.deallocate()
    }
}
