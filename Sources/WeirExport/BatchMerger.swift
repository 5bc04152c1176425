internal import WeirBatch

/// Merges encoded batches: decodes, merges and encodes them. Keeps its buffers; used by one thread.
struct BatchMerger: ~Copyable {
    private var decoder: BatchDecoder
    private var encoder: BatchEncoder
    private var estimate = LengthEstimate()

    /// - Parameter level: zstd's.
    init(level: Int32) throws(BatchError) {
        let decoder = try BatchDecoder()
        let encoder = try BatchEncoder(level: level)
        self.decoder = decoder
        self.encoder = encoder
    }

    /// All as one collection, in as few parts as it needs; nil where they are no neighbours, or what they hold cannot be
    /// read.
    mutating func merge(_ work: MergeWork) -> [SharedBatch]? {
        do throws(BatchError) {
            guard let newer = try collection(work.newer) else { return nil }
            guard let older = try collection(work.older) else {
                return try work.older.isEmpty ? encode(newer, work) : nil
            }
            guard let merged = BatchMerge.merge(older: older, newer: newer, isOlderWhole: work.isOlderWhole) else {
                return nil
            }
            return try encode(merged, work)
        } catch {
            return nil
        }
    }

    /// The parts of a collection together; nil where there is none.
    private mutating func collection(_ parts: [SharedBatch]) throws(BatchError) -> Batch? {
        var batches: [Batch] = []
        for part in parts { batches.append(try decoder.decode(part.bytes, header: part.plainHeader)) }
        return batches.count > 1 ? BatchMerge.join(batches) : batches.first
    }

    private mutating func encode(_ merged: Batch, _ work: MergeWork) throws(BatchError) -> [SharedBatch]? {
        let sources = work.batches
        var payloads = try encoder.encode(merged, upTo: partLength(sources), &estimate)
        if payloads.count > work.maximumParts {
            payloads = try encoder.encode(merged, inParts: work.maximumParts)
        }
        let rest = sources.count - payloads.count
        guard rest >= 0 else { return nil }
        // Of a collection of which a part is elsewhere, what stays together is its last part.
        let last = sources[sources.count - 1]
        let isPart = !work.isNewerWhole && payloads.count == 1
        return payloads.enumerated().map { index, payload in
            SharedBatch(
                merging: sources[index == 0 ? 0 : rest + index], sources[rest + index], into: payload,
                part: isPart ? last.part : UInt32(index) + 1, parts: isPart ? last.parts : UInt32(payloads.count))
        }
    }

    /// How long a part may be: as long as those that a split collection has, which may be shorter than by default.
    private func partLength(_ sources: [SharedBatch]) -> Int {
        guard sources.contains(where: { $0.parts > 1 }) else { return BatchEncoder.partLength }
        let longest = sources.reduce(0) { max($0, $1.bytes.count) }
        return min(longest + longest / 4, BatchEncoder.partLength)
    }
}
