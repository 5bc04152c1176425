private import CWeirCPU

/// Keeps what was taken out of the snapshot table until no reader can still see it.
///
/// Readers say when they read (see `weir_reader.h`) and wait for nobody. Whoever replaces a table retires the old one
/// here, and asks from time to time what is safe now; that waits for nobody either. A plain struct under the lock of
/// ``Stats``.
@safe
struct ReaderGate {
    /// What was taken out of the table.
    @unsafe
    enum Retired {
        case index(UnsafeMutablePointer<SeriesIndex>)
        case row(UnsafeMutablePointer<MeasureRow>)
        case series(UnsafeMutablePointer<Series>)
        /// A cell that readers of a view add to.
        case cell(Int)
    }

    /// Retired since the last look; they have no period yet, so that one is begun for many.
    private var pending: [Retired] = unsafe []
    /// Safe when no reader is left from before ``period``.
    private var waiting: [Retired] = unsafe []
    private var period: UInt64 = 0

    /// How much has not been freed yet.
    var retiredCount: Int { unsafe pending.count + waiting.count }

    /// Keeps something. The caller has unlinked it already.
    mutating func retire(_ retired: Retired) {
        unsafe pending.append(retired)
    }

    /// What no reader can see any more. One or two barriers (some microseconds) where something waits.
    mutating func advance() -> [Retired] {
        var safe: [Retired] = unsafe []
        while unsafe !(pending.isEmpty && waiting.isEmpty) {
            if unsafe waiting.isEmpty {
                unsafe swap(&pending, &waiting)
                period = weir_reader_advance()
            }
            guard weir_reader_oldest() >= period else { break }
            unsafe safe += waiting
            unsafe waiting.removeAll(keepingCapacity: true)
        }
        return unsafe safe
    }

    /// Everything, for when there can be no readers at all.
    mutating func drain() -> [Retired] {
        defer {
            unsafe pending = []
            unsafe waiting = []
        }
        return unsafe waiting + pending
    }
}
