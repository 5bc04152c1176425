internal import CWeirPlugin

/// The host's table. Sendable and safe: the host promises that the table outlives the exporter, never changes, and that
/// its functions may be called from any thread.
@safe
struct HostTable: @unchecked Sendable {
    private let pointer: UnsafePointer<weir_host>

    init(_ pointer: UnsafePointer<weir_host>) {
        unsafe self.pointer = pointer
    }

    func log(_ level: UInt32, _ message: String) {
        var message = message
        message.withUTF8 { utf8 in
            let bytes = unsafe UnsafeRawPointer(utf8.baseAddress)?.assumingMemoryBound(to: CChar.self)
            unsafe pointer.pointee.log(pointer.pointee.context, level, weir_text(bytes: bytes, length: utf8.count))
        }
    }

    func wallNanoseconds() -> UInt64 { unsafe pointer.pointee.wall_nanoseconds(pointer.pointee.context) }

    func monotonicNanoseconds() -> UInt64 { unsafe pointer.pointee.monotonic_nanoseconds(pointer.pointee.context) }

    func readHeader(_ bytes: [UInt8]) -> FrameFacts? {
        var frame = unsafe weir_frame()
        unsafe frame.size = UInt32(MemoryLayout<weir_frame>.size)
        let isValid = unsafe bytes.withUnsafeBytes { bytes in
            unsafe pointer.pointee.read_header(
                pointer.pointee.context, weir_span(bytes: bytes.baseAddress, length: bytes.count), &frame)
        }
        guard isValid == 1 else { return nil }
        // The payload's span says how long it is without saying where.
        let payloadLength = unsafe frame.payload.length
        var facts = unsafe FrameFacts(frame)
        facts?.payloadLength = UInt64(payloadLength)
        return facts
    }

    /// Asks for so many batches more; without effect at a host that knows no demand.
    func demand(_ batches: UInt64) {
        if has(WEIR_FEATURE_DEMAND) { unsafe pointer.pointee.demand(pointer.pointee.context, batches) }
    }

    /// Asks for a batch of now; without effect at a host that knows no such requests.
    func collect() {
        if has(WEIR_FEATURE_COLLECT) { unsafe pointer.pointee.collect(pointer.pointee.context) }
    }

    /// The batch of the frame that is being delivered; nil where the host cannot read it.
    func readBatch() -> DeliveredBatch? {
        guard has(WEIR_FEATURE_COLUMNS) else { return nil }
        var batch = unsafe weir_batch()
        unsafe batch.size = UInt32(MemoryLayout<weir_batch>.size)
        guard unsafe pointer.pointee.read_batch(pointer.pointee.context, &batch) == 1 else { return nil }
        return unsafe DeliveredBatch(batch, host: self)
    }

    func readView(_ index: Int) -> DeliveredView? {
        var view = unsafe weir_view()
        unsafe view.size = UInt32(MemoryLayout<weir_view>.size)
        guard unsafe pointer.pointee.read_view(pointer.pointee.context, index, &view) == 1 else { return nil }
        return unsafe DeliveredView(view, index: index)
    }

    func readRow(_ index: Int, of view: DeliveredView, _ keys: inout TagKeys) -> DeliveredRow? {
        var row = unsafe weir_row()
        unsafe row.size = UInt32(MemoryLayout<weir_row>.size)
        guard unsafe pointer.pointee.read_row(pointer.pointee.context, view.index, index, &row) == 1 else { return nil }
        return unsafe DeliveredRow(row, hasRange: view.hasRange, &keys)
    }

    /// A host of an earlier minor version has a shorter table, and says so by its features.
    private func has(_ feature: UInt64) -> Bool { unsafe pointer.pointee.features & feature != 0 }
}
