private import CWeirCPU
internal import Synchronization

/// What a measurement reads of its ``Stats``: plain memory behind a pointer, so that no reference is counted.
@safe
@usableFromInline
struct RecordingCore: ~Copyable {
    let geometry: StripeGeometry
    let table = SnapshotTable()

    init(_ stripes: StripeSet) {
        unsafe geometry = StripeGeometry(stripes)
    }
}

/// Where a measure's row is found, and where measurements go.
@unsafe
struct RecordingPlace {
    let core: UnsafeMutablePointer<RecordingCore>
    let slot: UnsafeMutablePointer<SnapshotTable.Slot>

    /// Runs `body` with the measure's row, which stays in memory meanwhile; not at all where it has no view.
    @inline(__always)
    private func read(_ body: (UnsafeMutablePointer<MeasureRow>) -> Void) {
        // Relaxed: only whether there is one; it is loaded again by a reader.
        guard unsafe slot.pointee.row.load(ordering: .relaxed) != nil else { return }
        let visit = unsafe weir_reader_enter()
        // Acquiring: the row was written before it was published.
        if let row = unsafe slot.pointee.row.load(ordering: .acquiring) { unsafe body(row) }
        unsafe weir_reader_leave(visit)
    }

    /// Adds a measurement where that is one add to a cell which a shortcut leads to: that of a measure with one view,
    /// a plain sum. Calls nothing, so that whoever calls this needs no registers saved.
    ///
    /// - Parameter addNow: Adds to the cell of this number; returns whether it did.
    /// - Returns: Whether the measurement is done with; otherwise nothing has happened yet.
    @inline(__always)
    func recordByShortcut(_ tags: Tags, addNow: (Int, StripeGeometry) -> Bool) -> Bool {
        // Relaxed: only whether there is one; it is loaded again by a reader.
        guard unsafe slot.pointee.onlyIndex.load(ordering: .relaxed) != 0 else {
            return unsafe slot.pointee.row.load(ordering: .relaxed) == nil
        }
        let key = SeriesIndex.key(tags.storage.identity)
        guard key != 0, weir_process_load_ambient_keys() == 0, let visit = unsafe weir_reader_try_enter() else {
            return false
        }
        var isDone = false
        // Acquiring: the index was written before it was published.
        let index = unsafe SeriesIndexReference(word: slot.pointee.onlyIndex.load(ordering: .acquiring))
        if let cell = unsafe index.cell(tags.hash, key) { unsafe isDone = addNow(cell, core.pointee.geometry) }
        unsafe weir_reader_leave(visit)
        return isDone
    }

    /// The same for tags that are not ``Tags``.
    ///
    /// - Parameter bits: An Int64's that is not negative, or such a Double's.
    @inline(__always)
    func recordByShortcut(_ slice: TagSlice, _ bits: UInt64, isDouble: Bool) -> Bool {
        // Relaxed: only whether there is one; it is loaded again by a reader.
        guard unsafe slot.pointee.onlyIndex.load(ordering: .relaxed) != 0, weir_process_load_ambient_keys() == 0,
            let visit = unsafe weir_reader_try_enter()
        else { return false }
        var isDone = false
        // Acquiring: the index was written before it was published.
        let index = unsafe SeriesIndexReference(word: slot.pointee.onlyIndex.load(ordering: .acquiring))
        if let cell = unsafe index.cell(slice) {
            let stripes = unsafe core.pointee.geometry
            unsafe isDone =
                isDouble
                ? weir_cell_try_add_double(
                    stripes.base, cell, stripes.pitch, stripes.count, Double(bitPattern: bits))
                : weir_cell_try_add_signed(
                    stripes.base, cell, stripes.pitch, stripes.count, Int64(bitPattern: bits))
        }
        unsafe weir_reader_leave(visit)
        return isDone
    }

    /// Adds a measurement to a series; the last argument is all of its tags, where they are wanted.
    typealias Add = (UnsafeMutablePointer<Series>, StripeGeometry, () -> RecordedTags) -> Void

    /// Adds a measurement under every view.
    ///
    /// - Parameter add: Adds it to a series.
    @inline(__always)
    func record(_ tags: Tags, add: Add) {
        unsafe read { row in
            guard unsafe weir_process_load_ambient_keys() == 0 || !row.wantsAmbient(tags.storage.mask) else {
                return unsafe recordAmbient(row, tags.storage.slice, add)
            }
            let key = SeriesIndex.key(tags.storage.identity)
            var next = unsafe row.entries
            let end = unsafe next + row.pointee.count
            repeat {
                if let series = unsafe (key == 0 ? nil : next.pointee.index.series(tags.hash, key))
                    ?? next.pointee.view.find(tags.storage)
                {
                    unsafe add(series, core.pointee.geometry) { unsafe RecordedTags(tags.storage) }
                }
                unsafe next += 1
            } while unsafe next != end
        }
    }

    /// The same for tags that are not ``Tags``.
    @inline(__always)
    func record(_ slice: TagSlice, add: Add) {
        unsafe read { row in
            guard unsafe weir_process_load_ambient_keys() == 0 || !row.wantsAmbient(slice.mask) else {
                return unsafe recordAmbient(row, slice, add)
            }
            unsafe record(row, slice, add)
        }
    }

    @inline(never)
    private func recordAmbient(_ row: UnsafeMutablePointer<MeasureRow>, _ slice: TagSlice, _ add: Add) {
        unsafe slice.withAmbient { slice in unsafe record(row, slice, add) }
    }

    @inline(__always)
    private func record(_ row: UnsafeMutablePointer<MeasureRow>, _ slice: TagSlice, _ add: Add) {
        for index in 0..<(unsafe row.pointee.count) {
            let view = unsafe row.entries[index].view
            if let series = unsafe view.pointee.find(slice) ?? view.create(slice) {
                unsafe add(series, core.pointee.geometry) { unsafe RecordedTags(slice) }
            }
        }
    }

    /// Whether the measure has one at this moment.
    var hasView: Bool {
        // Relaxed: only whether there is one.
        unsafe slot.pointee.row.load(ordering: .relaxed) != nil
    }

    /// Counts a measurement that changes nothing because it is no number to add; not where it has no view.
    @inline(never)
    func reject() {
        guard unsafe hasView else { return }
        let geometry = unsafe core.pointee.geometry
        unsafe weir_cell_add(geometry.cell(FixedCell.rejected), geometry.pitch, geometry.count, 1)
    }
}

extension UnsafeMutablePointer where Pointee == MeasureRow {
    /// Whether a view keeps a key that the tags of the task may have and these tags do not.
    @inline(__always)
    func wantsAmbient(_ mask: UInt64) -> Bool {
        unsafe pointee.keyMask & weir_process_load_ambient_keys() & ~(mask & ~KeyInfo.sharedBit) != 0
    }
}

extension UnsafeMutablePointer where Pointee == ViewRow {
    /// The series of tags that were built before, made where there is none.
    @inline(never)
    func find(_ tags: TagStorage) -> UnsafeMutablePointer<Series>? {
        unsafe pointee.find(tags.slice) ?? create(tags.slice)
    }

    @inline(never)
    func create(_ slice: TagSlice) -> UnsafeMutablePointer<Series>? {
        unsafe pointee.state._withUnsafeGuaranteedRef { state in
            unsafe state.stats.series(of: state, for: slice)
        }
    }
}
