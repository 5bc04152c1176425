private import CWeirCPU

/// Keeps what was taken out of a table that is read without a lock until no reader can still see it.
///
/// Readers say when they read (see `weir_reader.h`) and wait for nobody. Whoever replaces a table retires the old one
/// here, and asks from time to time what is safe now; that waits for nobody either. A plain struct under the lock of
/// whoever owns the table.
@safe
struct ReaderGate<Retired> {
    /// Retired since the last look; they have no period yet, so that one is begun for many.
    private var pending: [Retired] = []
    /// Safe when no reader is left from before ``period``.
    private var waiting: [Retired] = []
    private var period: UInt64 = 0

    /// How much has not been freed yet.
    var retiredCount: Int { pending.count + waiting.count }

    /// Keeps something. The caller has unlinked it already.
    mutating func retire(_ retired: Retired) {
        pending.append(retired)
    }

    /// What no reader can see any more, if ``allowsFreeing`` is true then. One or two barriers (some microseconds) where something waits.
    mutating func advance() -> [Retired] {
        var safe: [Retired] = []
        while !(pending.isEmpty && waiting.isEmpty) {
            if waiting.isEmpty {
                swap(&pending, &waiting)
                period = weir_reader_advance()
            }
            guard weir_reader_oldest() >= period else { break }
            safe += waiting
            waiting.removeAll(keepingCapacity: true)
        }
        return safe
    }

    /// Whether what ``advance()`` returned may be freed. Otherwise its owner lets go of it in all other ways, and leaves the
    /// memory as it is for good: the kernel has taken the barrier away that readers rely on.
    static var allowsFreeing: Bool { !weir_reader_is_blind() }

    /// Everything, for when there can be no readers at all.
    mutating func drain() -> [Retired] {
        defer {
            pending = []
            waiting = []
        }
        return waiting + pending
    }
}
