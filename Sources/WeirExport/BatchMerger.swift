internal import WeirBatch

/// Merges two encoded batches: decodes, merges and encodes them. Keeps its buffers; used by one thread.
struct BatchMerger: ~Copyable {
    private var decoder: BatchDecoder
    private var encoder: BatchEncoder

    /// - Parameter level: zstd's.
    init(level: Int32) throws(BatchError) {
        let decoder = try BatchDecoder()
        let encoder = try BatchEncoder(level: level)
        self.decoder = decoder
        self.encoder = encoder
    }

    /// Both in one; nil where they are no neighbours, or what they hold cannot be read.
    mutating func merge(older: SharedBatch, newer: SharedBatch) -> SharedBatch? {
        do throws(BatchError) {
            let first = try decoder.decode(older.bytes, header: older.plainHeader)
            let second = try decoder.decode(newer.bytes, header: newer.plainHeader)
            guard let merged = BatchMerge.merge(older: first, newer: second) else { return nil }
            return SharedBatch(merging: older, newer, into: try encoder.encode(merged))
        } catch {
            return nil
        }
    }
}
