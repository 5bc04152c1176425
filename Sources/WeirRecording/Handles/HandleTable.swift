private import CWeirCPU
internal import Synchronization

/// Objects by a kind, a label and dimensions: looked up by any thread without a lock, as often as measurements are made.
///
/// For APIs that name what they record into by strings, at each call. Dimensions are the same in any order. What changes
/// the table is called under one lock of its owner's; what it takes out is freed when no reader can have it, which
/// ``reclaim()`` looks at.
@safe
package final class HandleTable: @unchecked Sendable {
    // Sendable: readers see `index` and what it points to, which changes by atomics; the rest is under the owner's lock.
    private let index: Atomic<UnsafeMutablePointer<HandleIndex>>
    private var gate = ReaderGate<Retired>()

    /// An entry, for whoever takes it out again.
    @safe
    package struct Place: @unchecked Sendable {
        // Sendable: what it points to is written once.
        fileprivate let entry: UnsafeMutablePointer<HandleEntry>
    }

    @safe
    private enum Retired {
        case index(UnsafeMutablePointer<HandleIndex>)
        case entry(UnsafeMutablePointer<HandleEntry>)

        func free() {
            switch self {
            case .index(let index): unsafe index.free()
            case .entry(let entry): unsafe entry.free()
            }
        }
    }

    package init() {
        // The first key finds out how strings are laid out.
        _ = TagKey.overflow
        unsafe index = Atomic(HandleIndex.make(capacity: 64))
    }

    deinit {
        // No reader is left: callers hold the table.
        gate.drain().forEach { $0.free() }
        let index = unsafe index.load(ordering: .relaxed)
        unsafe index.entries.forEach { unsafe $0.free() }
        unsafe index.free()
    }

    /// The object of this name.
    package func find(_ kind: UInt8, _ label: String, _ dimensions: [(String, String)]) -> AnyObject? {
        unsafe HandleName.with(kind, label, dimensions) { name in
            let visit = unsafe weir_reader_enter()
            let object = unsafe object(of: name)
            unsafe weir_reader_leave(visit)
            return object
        }
    }

    /// Not inlined: the object has to be retained before the reader leaves.
    @inline(never)
    private func object(of name: HandleName) -> AnyObject? {
        // Acquiring: the index was written before it was published.
        unsafe index.load(ordering: .acquiring).find(name)?.pointee.object?.takeUnretainedValue()
    }

    // MARK: - Under the owner's lock

    /// Holds an object, which is found by this name from now on; there must be none yet.
    package func insert(
        _ object: AnyObject, _ kind: UInt8, _ label: String, _ dimensions: [(String, String)]
    ) -> Place {
        unsafe HandleName.with(kind, label, dimensions) { name in
            let entry = unsafe HandleEntry.make(name, object)
            var index = unsafe index.load(ordering: .relaxed)
            if unsafe !index.hasRoom {
                let old = unsafe index
                unsafe index = unsafe old.rebuilt()
                // Releasing: whoever finds the index finds it written.
                unsafe self.index.store(index, ordering: .releasing)
                unsafe gate.retire(.index(old))
                reclaim()
            }
            unsafe index.insert(entry)
            return unsafe Place(entry: entry)
        }
    }

    /// Takes out what was inserted; once.
    package func remove(_ place: Place) {
        unsafe index.load(ordering: .relaxed).remove(place.entry)
        unsafe gate.retire(.entry(place.entry))
        reclaim()
    }

    /// Lets go of what was taken out and no reader can have any more. Never waits.
    package func reclaim() {
        let retired = gate.advance()
        if ReaderGate<Retired>.allowsFreeing { retired.forEach { $0.free() } }
    }
}
