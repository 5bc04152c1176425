internal import CWeirPlugin
internal import WeirBatch

/// The columns of the frame that a plugin is being delivered: decoded when first asked for, and once.
///
/// One for each open exporter, which keeps its decoder from frame to frame.
@safe
final class FrameColumns: @unchecked Sendable {
    // Sendable: one call at a time touches it. The host's do not overlap, and the C header asks that of plugins.

    private enum State {
        case nothing
        case arrived(FrameHeader, payload: [UInt8])
        case decoded(LentBatch)
        case unreadable
    }

    private var state = State.nothing
    private var decoder: BatchDecoder?
    private let log: @Sendable (UInt32, String) -> Void

    init(log: @escaping @Sendable (UInt32, String) -> Void) {
        self.log = log
    }

    /// What is read between here and ``end()`` is of this frame.
    func begin(_ header: FrameHeader, payload: [UInt8]) {
        state = .arrived(header, payload: payload)
    }

    func end() {
        state = .nothing
    }

    func readBatch(into place: UnsafeMutablePointer<weir_batch>) -> Bool {
        guard let batch = decoded() else { return false }
        unsafe lend(batch.batch, to: place)
        return true
    }

    func readView(_ view: Int, into place: UnsafeMutablePointer<weir_view>) -> Bool {
        guard let view = unsafe decoded()?.view(view) else { return false }
        unsafe lend(view, to: place)
        return true
    }

    func readRow(_ row: Int, of view: Int, into place: UnsafeMutablePointer<weir_row>) -> Bool {
        guard let row = unsafe decoded()?.row(row, of: view) else { return false }
        unsafe lend(row, to: place)
        return true
    }

    private func decoded() -> LentBatch? {
        switch state {
        case .decoded(let batch): return batch
        case .nothing, .unreadable: return nil
        case .arrived(let header, let payload): return decode(header, payload)
        }
    }

    private func decode(_ header: FrameHeader, _ payload: [UInt8]) -> LentBatch? {
        state = .unreadable
        guard !header.isEndMark else { return nil }
        do throws(BatchError) {
            var decoder = if let kept = decoder.take() { kept } else { try BatchDecoder() }
            let decoded = try decoder.decode(payload, header: header)
            self.decoder = consume decoder
            let batch = LentBatch(decoded)
            state = .decoded(batch)
            return batch
        } catch {
            log(UInt32(WEIR_LOG_ERROR), "the batch \(header.first) cannot be read: \(error)")
            return nil
        }
    }
}
