extension BatchEncoder {
    /// What a payload takes at most before its batch is split: what receivers commonly take.
    package static let partLength = 4 << 20

    /// Encodes a batch in as many parts as it needs: one, nearly always.
    ///
    /// Each part is a batch of the same time with some of the rows and the strings that they need. How many are needed is
    /// estimated from the batches before, so that one that is too large is not compressed for nothing, and one of
    /// ordinary size is encoded once. A single row that is too large for a part is a part.
    ///
    /// - Parameters:
    ///   - limit: Bytes of a payload.
    ///   - estimate: Kept by the caller from one batch of a stream to the next.
    /// - Throws: What ``encode(_:)`` throws of a part that cannot be split.
    package mutating func encode(
        _ batch: borrowing Batch, upTo limit: Int, _ estimate: inout LengthEstimate
    ) throws(BatchError) -> [Payload] {
        var none: [OversizedRow]?
        return try encode(batch, upTo: limit, &estimate, leavingOut: &none)
    }

    /// The same without the rows that are too long for any reader, each by itself.
    ///
    /// - Parameter oversized: Which these are; nil to throw there.
    /// - Throws: What ``encode(_:)`` throws of a part that cannot be split, unless that is a row which is too long.
    package mutating func encode(
        _ batch: borrowing Batch, upTo limit: Int, _ estimate: inout LengthEstimate,
        leavingOut oversized: inout [OversizedRow]?
    ) throws(BatchError) -> [Payload] {
        // Before it is cut: what is one series is in one part.
        if let batch = batch.withOneOverflow {
            return try encode(batch, upTo: limit, &estimate, leavingOut: &oversized)
        }
        let weight = batch.weight
        let expected = estimate.length(ofWeight: weight)
        let leavesOut = oversized != nil
        if expected <= limit, let whole = try encodeWhole(batch, splits: batch.rows > 1 || leavesOut) {
            estimate.note(length: whole.bytes.count, weight: weight)
            if whole.bytes.count <= limit || batch.rows <= 1 { return [whole] }
        }
        // A fifth less than a part may be, since rows differ.
        let parts = max(2, 1 + estimate.length(ofWeight: weight) / max(limit / 5 * 4, 1))
        var payloads: [Payload] = []
        for part in BatchCut.parts(of: batch, count: parts) {
            try encode(part, upTo: limit, into: &payloads, leavingOut: &oversized)
        }
        // Its times are told all the same.
        if payloads.isEmpty {
            var rest = batch.withoutViews
            rest.dropUnusedStrings()
            payloads.append(try encode(rest))
        }
        estimate.note(length: payloads.reduce(0) { $0 + $1.bytes.count }, weight: weight)
        return payloads
    }

    /// Encodes a batch in at most so many parts, however long they are.
    package mutating func encode(_ batch: borrowing Batch, inParts count: Int) throws(BatchError) -> [Payload] {
        var payloads: [Payload] = []
        for part in BatchCut.parts(of: batch, count: max(count, 1)) { payloads.append(try encode(part)) }
        return payloads
    }

    /// A part, or its halves where it is still too large.
    private mutating func encode(
        _ part: Batch, upTo limit: Int, into payloads: inout [Payload], leavingOut oversized: inout [OversizedRow]?
    ) throws(BatchError) {
        let isSplit = part.rows > 1
        do throws(BatchError) {
            if let payload = try encodeWhole(part, splits: isSplit), payload.bytes.count <= limit || !isSplit {
                payloads.append(payload)
                return
            }
        } catch {
            guard case .tooLong = error, oversized != nil, let view = part.views.first(where: { $0.rows > 0 }) else {
                throw error
            }
            oversized?.append(OversizedRow(view: view.name, error: error))
            return
        }
        for half in BatchCut.parts(of: part, count: 2) {
            try encode(half, upTo: limit, into: &payloads, leavingOut: &oversized)
        }
    }

    /// Nil where the batch is too long for any reader, and can be split.
    private mutating func encodeWhole(_ batch: borrowing Batch, splits: Bool) throws(BatchError) -> Payload? {
        do throws(BatchError) {
            return try encode(batch)
        } catch {
            guard case .tooLong = error, splits else { throw error }
            return nil
        }
    }
}

/// A row that no reader would take, as it is too long by itself.
package struct OversizedRow: Equatable, Sendable {
    /// The name of its view.
    package let view: String
    package let error: BatchError
}

/// How long the batches of a stream become, by what they weigh: learnt from each that is encoded.
package struct LengthEstimate: Sendable {
    private var bytesPerWeight = 0.0

    package init() {}

    fileprivate func length(ofWeight weight: Int) -> Int { Int(min(bytesPerWeight * Double(weight), 0x1p40)) }

    fileprivate mutating func note(length: Int, weight: Int) {
        bytesPerWeight = Double(length) / Double(max(weight, 1))
    }
}

/// Cuts a batch by rows.
enum BatchCut {
    /// Batches with the rows of one, in order, that weigh about the same; at most so many, none of them without a row
    /// unless the batch has none. Tables without rows are in the first.
    static func parts(of batch: borrowing Batch, count: Int) -> [Batch] {
        let weights = rowWeights(of: batch)
        let target = zip(batch.views, weights).reduce(0.0) { $0 + Double($1.0.rows) * $1.1 } / Double(max(count, 1))
        var parts: [Batch] = [batch.withoutViews]
        var room = target
        for (view, weight) in zip(batch.views, weights) {
            guard view.rows > 0 else {
                parts[0].views.append(view)
                continue
            }
            var start = 0
            while start < view.rows {
                // Never less than a row, so that it ends.
                let fitting = max(1, Int(min((room / weight).rounded(), Double(view.rows))))
                let end = min(view.rows, start + fitting)
                parts[parts.count - 1].views.append(view.selecting(start..<end))
                room -= Double(end - start) * weight
                start = end
                if room < weight / 2, parts.count < count {
                    parts.append(batch.withoutViews)
                    room += target
                }
            }
        }
        if parts.count > 1, parts[parts.count - 1].views.isEmpty { parts.removeLast() }
        for index in parts.indices { parts[index].dropUnusedStrings() }
        return parts
    }

    /// What a row of each view weighs, with its share of the strings.
    private static func rowWeights(of batch: borrowing Batch) -> [Double] {
        let tagValues = batch.views.reduce(0) { $0 + $1.tagValues.count }
        let stringWeight = Double(batch.strings.bytes.count) / Double(max(tagValues, 1))
        return batch.views.map { view in
            let own = Double(view.weight) / Double(max(view.rows, 1))
            return max(1, own + stringWeight * Double(view.tagKeys.count))
        }
    }
}

extension Batch {
    /// Roughly the bytes that it takes in memory, from the lengths of its columns alone.
    package var weight: Int { views.reduce(strings.bytes.count) { $0 + $1.weight } }

    fileprivate var withoutViews: Batch {
        var batch = self
        batch.views = []
        return batch
    }
}

extension ViewColumns {
    fileprivate var weight: Int { 8 * (points + startTimes.count) + 4 * tagValues.count + exemplars.weight }
}
