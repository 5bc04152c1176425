internal import WeirBatch

/// Files that somebody removes, renames or replaces while they are in use. An open descriptor shows nothing of that, so
/// that whoever trusts it writes what nobody will ever find.
extension SpillState {
    /// Looks whether the directory and the file that grows still have their names; makes the directory anew where not.
    mutating func lookAgain(_ losses: inout [SpillLoss]) throws(SpillError) {
        guard let lock else { throw .closed }
        if try !lock.isInPlace() {
            try loseMissing(&losses)
            self.lock = try fileSystem.lock(directory)
        } else if let writer, let index = index(of: writer.number), try !isInPlace(segments[index]) {
            try loseMissing(&losses)
        }
    }

    /// Lets go of all segments whose files are gone.
    mutating func loseMissing(_ losses: inout [SpillLoss]) throws(SpillError) {
        let before = waiting.batches
        var hasLost = false
        for index in segments.indices.reversed() where try !isInPlace(segments[index]) {
            lose(index, &losses)
            forget(index)
            hasLost = true
        }
        if hasLost { events.append(.gone(directory: directory, batches: before - waiting.batches)) }
    }

    private func isInPlace(_ segment: SpillSegment) throws(SpillError) -> Bool {
        try fileSystem.identity(path(segment)) == segment.identity
    }

    /// What waits in a segment is lost as a whole.
    mutating func lose(_ index: Int, _ losses: inout [SpillLoss]) {
        let segment = segments[index]
        segments[index].waiting = Amount()
        segments[index].gaps = StreamGaps()
        guard segment.waiting != Amount() else { return }
        let gaps = reader.flatMap { $0.number == segment.number ? $0.gaps : nil } ?? segment.gaps
        losses.append(SpillLoss(gaps: gaps, amount: segment.waiting, cause: .spillCorrupt))
    }

    /// A batch that was taken from a segment that is gone is appended again, or lost.
    mutating func restore(_ entry: SpillEntry, _ payload: [UInt8]?) -> [SpillLoss] {
        let loss = SpillLoss(header: entry.header, amount: entry.header.amount, cause: .spillCorrupt)
        guard let payload else { return [loss] }
        let result = append(entry.header, payload)
        return result.losses + (result.failure == nil ? [] : [loss])
    }
}
