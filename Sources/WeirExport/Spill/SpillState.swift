internal import WeirBatch

/// The spill without its lock: segments in order, one that grows, one that is read.
struct SpillState: ~Copyable {
    /// What a segment holds at most, unless a single record is longer. Less where little may be held at all, since the
    /// oldest segment goes as a whole.
    static let segmentBytes: UInt64 = 4 << 20

    let directory: String
    private let maximumBytes: UInt64
    private let segmentBytes: UInt64
    private let sync: SpillSync
    let fileSystem: any SpillFileSystem
    private let time: TimeSource

    /// Nil once the spill is closed.
    var lock: (any SpillLock)?
    /// Ascending by number. None is done, but for the last.
    var segments: [SpillSegment] = []
    private var nextNumber: UInt64 = 1
    /// The last segment, while it grows.
    var writer: (number: UInt64, file: any SpillFile, synced: UInt64)?
    /// The segment that is read, and of its records those that wait, from `next` on.
    var reader: SpillReader?
    private var taken: [SpillID: SpillEntry] = [:]
    /// Records that are done although their segment could not be told.
    var unmarked: Set<SpillID> = []
    private var decoder: BatchDecoder
    var events: [SpillEvent] = []
    private var isFailing = false

    init(
        directory: String, maximumBytes: UInt64, sync: SpillSync, fileSystem: any SpillFileSystem, time: TimeSource
    ) throws(SpillError) {
        let decoder: BatchDecoder
        do throws(BatchError) { decoder = try BatchDecoder() } catch {
            throw .system(code: 0, attempt: "open the spill: \(error)")
        }
        let lock = try fileSystem.lock(directory)
        self.directory = directory
        self.maximumBytes = maximumBytes
        segmentBytes = min(Self.segmentBytes, maximumBytes / 4)
        self.sync = sync
        self.fileSystem = fileSystem
        self.time = time
        self.decoder = decoder
        self.lock = lock
    }

    /// What the segments take on disk.
    var bytes: UInt64 { segments.reduce(0) { $0 + $1.size } }

    var waiting: Amount { segments.reduce(into: Amount()) { $0 += $1.waiting } }

    mutating func takeEvents() -> [SpillEvent] {
        defer { events = [] }
        return events
    }

    mutating func close() -> [SpillLoss] {
        guard lock != nil else { return [] }
        if sync != .never { try? writer?.file.sync() }
        var losses: [SpillLoss] = []
        try? loseMissing(&losses)
        (writer, reader, lock) = (nil, nil, nil)
        return losses
    }

    // MARK: - Starting

    /// Finds out what is there, cuts off what was being written, and lets go of what is too much.
    mutating func recover() throws(SpillError) -> SpillRecovery {
        var recovery = SpillRecovery()
        let found = try fileSystem.list(directory).compactMap { SpillSegment(name: $0.name) }
        for segment in found.sorted(by: { $0.number < $1.number }) {
            nextNumber = segment.number + 1
            do throws(SpillError) {
                try recover(segment, &recovery)
            } catch {
                recovery.unreadable.append(error)
            }
        }
        for loss in recovery.losses { recovery.recovered += loss.amount }
        recovery.recovered += waiting
        while bytes > maximumBytes, (try? letOldestGo(&recovery.losses)) != nil {}
        return recovery
    }

    private mutating func recover(_ found: SpillSegment, _ recovery: inout SpillRecovery) throws(SpillError) {
        var segment = found
        let file = try fileSystem.open(path(segment))
        segment.size = try file.length()
        segment.identity = try file.identity()
        let scan = try SpillScan(file, length: segment.size)
        segment.waiting = scan.amount
        for entry in scan.entries { segment.gaps.insert(lossOf: entry.header, .spillCorrupt) }
        segment.length = scan.end
        recovery.losses += scan.losses
        recovery.tornBytes += scan.tornBytes
        if segment.isDone, (try? fileSystem.remove(path(segment))) != nil { return }
        // So that the next start does not count it again.
        for span in scan.damage { try? span.cover(in: file) }
        if scan.end < segment.size, (try? file.truncate(to: scan.end)) != nil { segment.size = scan.end }
        segments.append(segment)
    }

    // MARK: - Appending

    mutating func append(_ header: FrameHeader, _ payload: [UInt8]) -> SpillAppended {
        var result = SpillAppended()
        do throws(SpillError) {
            try append(header, payload, &result.losses)
            if isFailing { events.append(.working) }
            isFailing = false
        } catch {
            result.failure = error
            note(error)
        }
        return result
    }

    private mutating func append(
        _ header: FrameHeader, _ payload: [UInt8], _ losses: inout [SpillLoss]
    ) throws(SpillError) {
        try lookAgain(&losses)
        let encoded = header.encoded()
        let length = UInt64(encoded.count) + UInt64(payload.count)
        guard length <= maximumBytes else { throw .tooLong(limit: maximumBytes, found: length) }
        while bytes + length > maximumBytes { try letOldestGo(&losses) }

        let file = try prepareWriter(for: length)
        let last = segments.count - 1
        let offset = segments[last].length
        do throws(SpillError) {
            try file.write(encoded, at: offset)
            try file.write(payload, at: offset + UInt64(encoded.count))
            try syncIfDue()
        } catch {
            // What cannot be cut off stays behind in a segment that nobody goes on with.
            if (try? file.truncate(to: offset)) == nil { segments[last].size = offset + length }
            writer = nil
            throw error
        }
        segments[last].length += length
        segments[last].size = segments[last].length
        segments[last].waiting += header.amount
        let entry = SpillEntry(offset: offset, headerLength: UInt64(encoded.count), header: header)
        if reader?.number == segments[last].number {
            reader?.entries.append(entry)
        } else {
            segments[last].gaps.insert(lossOf: header, .spillCorrupt)
        }
    }

    /// The last segment where it has room, or a new one.
    private mutating func prepareWriter(for length: UInt64) throws(SpillError) -> any SpillFile {
        if let last = segments.last, last.canGrow, last.length == 0 || last.length + length <= segmentBytes {
            if let writer, writer.number == last.number { return writer.file }
            let file = try fileSystem.open(path(last))
            writer = (last.number, file, time.monotonic())
            return file
        }
        if sync != .never { try? writer?.file.sync() }
        writer = nil
        var segment = SpillSegment(number: nextNumber)
        let file: any SpillFile
        do throws(SpillError) {
            nextNumber += 1
            file = try fileSystem.create(path(segment))
            segment.identity = try file.identity()
            if sync != .never { try fileSystem.syncDirectory(directory) }
        } catch {
            if !error.isExisting { try? fileSystem.remove(path(segment)) }
            throw error
        }
        segments.append(segment)
        writer = (segment.number, file, time.monotonic())
        return file
    }

    private mutating func syncIfDue() throws(SpillError) {
        guard let synced = writer?.synced else { return }
        let now = time.monotonic()
        guard sync == .always || (sync == .second && now &- synced >= 1_000_000_000) else { return }
        try writer?.file.sync()
        writer?.synced = now
    }

    // MARK: - Taking

    mutating func takeOldest() -> SpillTaken {
        var result = SpillTaken()
        guard lock != nil else { return result }
        do throws(SpillError) {
            while result.batch == nil, let index = segments.firstIndex(where: { $0.waiting.batches > 0 }) {
                result.batch = try take(from: index, &result.losses)
            }
        } catch {
            note(error)
        }
        return result
    }

    /// The first waiting batch of a segment; nil where it is damaged, or none is there after all.
    private mutating func take(from index: Int, _ losses: inout [SpillLoss]) throws(SpillError) -> SpilledBatch? {
        guard try load(index, &losses), let open = reader, open.next < open.entries.count else {
            closeReader()
            letGoIfDone(segments[index].number)
            return nil
        }
        let entry = open.entries[open.next]
        let id = SpillID(segment: open.number, offset: entry.offset)
        reader?.next += 1
        taken[id] = entry
        segments[index].taken += 1
        segments[index].waiting -= entry.header.amount
        let count = Int(entry.header.payloadLength)
        do {
            let payload = try open.file.read(at: entry.offset + entry.headerLength, count: count)
            _ = try decoder.message(payload, header: entry.header)
            return SpilledBatch(id: id, header: entry.header, payload: payload)
        } catch {
            losses.append(SpillLoss(header: entry.header, amount: entry.header.amount, cause: .spillCorrupt))
            remove(id)
            return nil
        }
    }

    /// From here on, the segment that was read says itself what is lost with it.
    private mutating func closeReader() {
        defer { reader = nil }
        guard let reader, let index = index(of: reader.number) else { return }
        segments[index].gaps = reader.gaps
    }

    /// Makes a segment the one that is read.
    ///
    /// - Returns: False where the segment, or all of it, is lost.
    private mutating func load(_ index: Int, _ losses: inout [SpillLoss]) throws(SpillError) -> Bool {
        let segment = segments[index]
        if reader?.number == segment.number { return true }
        do throws(SpillError) {
            let file = try file(of: segment)
            let scan = try SpillScan(file, length: segment.length)
            let entries = waiting(scan, of: segment)
            closeReader()
            reader = SpillReader(number: segment.number, file: file, entries: entries)
            segments[index].gaps = StreamGaps()
            settle(index, found: entries.reduce(into: Amount()) { $0 += $1.header.amount }, scan.losses, &losses)
            return true
        } catch {
            // Gone, or unreadable for good. For anything else, such as too many open files, the batches wait.
            guard error.isMissing || error.isInputOutput else { throw error }
            note(error)
            lose(index, &losses)
            return false
        }
    }

    private func waiting(_ scan: borrowing SpillScan, of segment: SpillSegment) -> [SpillEntry] {
        scan.entries.filter { entry in
            let id = SpillID(segment: segment.number, offset: entry.offset)
            return taken[id] == nil && !unmarked.contains(id)
        }
    }

    /// What a segment should have and has not is lost. Damage that told its header comes first, the rest in one.
    private mutating func settle(_ index: Int, found: Amount, _ damage: [SpillLoss], _ losses: inout [SpillLoss]) {
        var rest = segments[index].waiting.saturatingSubtract(found)
        segments[index].waiting = found
        for loss in damage where loss.header != nil && loss.amount.isPart(of: rest) {
            rest -= loss.amount
            losses.append(loss)
        }
        if rest != Amount() { losses.append(SpillLoss(amount: rest, cause: .spillCorrupt)) }
    }

    private func file(of segment: SpillSegment) throws(SpillError) -> any SpillFile {
        if let writer, writer.number == segment.number { return writer.file }
        if let reader, reader.number == segment.number { return reader.file }
        let file = try fileSystem.open(path(segment))
        guard try file.identity() == segment.identity else { throw .gone(path(segment)) }
        return file
    }

    mutating func putBack(_ id: SpillID, payload: [UInt8]?) -> [SpillLoss] {
        guard let entry = taken.removeValue(forKey: id) else { return [] }
        guard let index = index(of: id.segment) else { return restore(entry, payload) }
        segments[index].taken -= 1
        segments[index].waiting += entry.header.amount
        guard let reader, reader.number == id.segment else {
            segments[index].gaps.insert(lossOf: entry.header, .spillCorrupt)
            return []
        }
        let rest = reader.entries[reader.next...]
        let place = rest.firstIndex { $0.offset > entry.offset } ?? rest.endIndex
        self.reader?.entries.insert(entry, at: place)
        return []
    }

    // MARK: - Letting go

    mutating func remove(_ id: SpillID) {
        guard lock != nil, let entry = taken.removeValue(forKey: id), let index = index(of: id.segment) else { return }
        segments[index].taken -= 1
        if letGoIfDone(id.segment) { return }
        do throws(SpillError) {
            try entry.span.cover(in: file(of: segments[index]))
        } catch {
            unmarked.insert(id)
            note(error)
        }
    }

    /// Deletes a segment of which nothing is left.
    @discardableResult
    private mutating func letGoIfDone(_ number: UInt64) -> Bool {
        guard let index = index(of: number), segments[index].isDone else { return false }
        do throws(SpillError) {
            try delete(index)
            return true
        } catch {
            note(error)
            return false
        }
    }

    /// The oldest segment of which nothing is being delivered goes, and what waited in it is lost.
    private mutating func letOldestGo(_ losses: inout [SpillLoss]) throws(SpillError) {
        guard let index = segments.firstIndex(where: { $0.taken == 0 }) else {
            throw .noRoom(limit: maximumBytes, needed: bytes)
        }
        let segment = segments[index]
        var rest = segment.waiting
        var told: [SpillLoss] = []
        if rest.batches > 0, let file = try? file(of: segment),
            let scan = try? SpillScan(file, length: segment.length)
        {
            for entry in waiting(scan, of: segment) where entry.header.amount.isPart(of: rest) {
                rest -= entry.header.amount
                told.append(SpillLoss(header: entry.header, amount: entry.header.amount, cause: .spillFull))
            }
        }
        if rest != Amount() { told.append(SpillLoss(amount: rest, cause: .spillFull)) }
        try delete(index)
        losses += told
    }

    private mutating func delete(_ index: Int) throws(SpillError) {
        try fileSystem.remove(path(segments[index]))
        forget(index)
    }

    mutating func forget(_ index: Int) {
        let segment = segments[index]
        if writer?.number == segment.number { writer = nil }
        if reader?.number == segment.number { reader = nil }
        unmarked = unmarked.filter { $0.segment != segment.number }
        segments.remove(at: index)
    }

    // MARK: - Small change

    mutating func note(_ error: SpillError) {
        if !isFailing { events.append(.failing(error)) }
        isFailing = true
    }

    func index(of number: UInt64) -> Int? {
        segments.firstIndex { $0.number == number }
    }

    func path(_ segment: SpillSegment) -> String { directory + "/" + segment.name }
}

extension Amount {
    fileprivate func saturatingSubtract(_ part: Amount) -> Amount {
        Amount(
            batches: batches - min(batches, part.batches), rows: rows - min(rows, part.rows),
            bytes: bytes - min(bytes, part.bytes))
    }

    fileprivate func isPart(of whole: Amount) -> Bool {
        batches <= whole.batches && rows <= whole.rows && bytes <= whole.bytes
    }
}
